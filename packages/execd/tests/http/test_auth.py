"""Who may come in: the table of tokens, origins and hosts."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.errors import ForbiddenOrigin, Unauthorized
from execd.http.auth import Access, host_of

LOCAL = Access()
LOCKED = Access(tokens=("first", "second"))


def admit(
    access: Access, *, method: str = "GET", path: str = "/version", handshake: bool = False, **headers: str
) -> None:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    access.admit(raw, method=method, path=path, handshake=handshake)


@pytest.mark.parametrize("token", ["first", "second"])
def test_every_token_opens(token: str) -> None:
    admit(LOCKED, x_execd_access_token=token)


@pytest.mark.parametrize("token", ["", "firs", "firsts", "FIRST", "first,second", "f\xefrst"])
def test_a_wrong_token_does_not_open(token: str) -> None:
    with pytest.raises(Unauthorized, match="wrong"):
        admit(LOCKED, x_execd_access_token=token)


def test_a_token_that_is_no_utf_8_opens_too() -> None:
    admit(Access(tokens=("\udcff",)), x_execd_access_token="\xff")


def test_a_missing_token_does_not_open() -> None:
    with pytest.raises(Unauthorized, match="missing"):
        admit(LOCKED)


def test_every_token_is_compared_whatever_the_first_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(given: bytes, token: bytes) -> bool:
        compared.append(token)
        return real(given, token)

    monkeypatch.setattr("hmac.compare_digest", compare)
    admit(LOCKED, x_execd_access_token="first")
    assert compared == [b"first", b"second"]


@pytest.mark.parametrize("path", ["/ping", "/ready"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_is_open_without_a_token(method: str, path: str) -> None:
    admit(LOCKED, method=method, path=path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/ping"),
        ("GET", "/ping/"),
        ("GET", "/PING"),
        ("GET", "/version"),
        ("GET", "/ping\n"),
        ("GET", "/ready/x"),
    ],
)
def test_nothing_else_is_open_without_a_token(method: str, path: str) -> None:
    with pytest.raises(Unauthorized):
        admit(LOCKED, method=method, path=path)


def test_a_handshake_is_never_open() -> None:
    with pytest.raises(Unauthorized):
        admit(LOCKED, path="/ping", handshake=True)


NAMES = ["localhost", "LOCALHOST:44772", "localhost.", "x.localhost"]
ADDRESSES = ["127.0.0.1", "127.0.0.1:80", "10.1.2.3:44772", "[::1]", "[::1]:44772", "[fe80::1]:1"]
NEARLY = ["localhost.example.com", "127.0.0.1.example.com", "2130706433", "0x7f.1", "notlocalhost"]
MALFORMED = ["", "localhost:x", "a@localhost", "[::1", "::g"]


@pytest.mark.parametrize("host", NAMES + ADDRESSES)
def test_a_loopback_name_or_an_address_may_be_asked_for(host: str) -> None:
    admit(LOCAL, host=host)


@pytest.mark.parametrize("host", ["example.com", "example.com:44772", *NEARLY, *MALFORMED])
def test_any_other_host_is_refused_without_a_token(host: str) -> None:
    with pytest.raises(ForbiddenOrigin):
        admit(LOCAL, host=host)


def test_health_is_not_open_to_web_pages_either() -> None:
    with pytest.raises(ForbiddenOrigin):
        admit(LOCAL, path="/ping", host="evil.example")


def test_an_allowed_host_may_be_asked_for() -> None:
    admit(Access(hosts=frozenset({"sandbox.internal"})), host="Sandbox.Internal:44772")


def test_a_request_without_any_host_is_no_browsers() -> None:
    admit(LOCAL)


@pytest.mark.parametrize("access", [LOCKED, Access(any_host=True)])
def test_service_names_work_with_a_token_and_where_hosts_are_not_checked(access: Access) -> None:
    admit(access, host="execd.service", x_execd_access_token="first")


@pytest.mark.parametrize("origin", ["https://example.com", "http://localhost:3000", "null", ""])
@pytest.mark.parametrize("access", [LOCAL, Access(any_host=True)])
def test_a_web_origin_is_refused_without_a_token(access: Access, origin: str) -> None:
    with pytest.raises(ForbiddenOrigin):
        admit(access, origin=origin, host="localhost")


@pytest.mark.parametrize("allowed", ["https://app.example", "*"])
def test_an_allowed_origin_may_call(allowed: str) -> None:
    admit(Access(origins=frozenset({allowed})), origin="https://App.example", host="localhost")


def test_with_a_token_an_origin_may_call() -> None:
    admit(LOCKED, origin="https://example.com", x_execd_access_token="first")


def test_a_handshake_minds_the_origin_even_with_a_token() -> None:
    with pytest.raises(ForbiddenOrigin):
        admit(LOCKED, origin="https://example.com", x_execd_access_token="first", handshake=True)


@given(value=st.text(max_size=40))
def test_any_host_header_has_a_host(value: str) -> None:
    assert isinstance(host_of(value), str)
