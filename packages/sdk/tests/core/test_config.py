"""Where a daemon is, from arguments and environment."""

from __future__ import annotations

import pytest

from opensandbox._core.config import TOKEN_HEADER, Endpoint, configure, parse_endpoint, proxy_url, unix_endpoint


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("http://10.0.0.7:44772", "http://10.0.0.7:44772"),
        ("http://10.0.0.7:44772/", "http://10.0.0.7:44772"),
        ("https://host/sandboxes/7/", "https://host/sandboxes/7"),
        ("10.0.0.7:44772", "http://10.0.0.7:44772"),
        ("http://[::1]:8080/p", "http://[::1]:8080/p"),
    ],
)
def test_an_address_keeps_its_prefix(address: str, base: str) -> None:
    endpoint = parse_endpoint(address)
    assert (endpoint.url, endpoint.base, endpoint.uds) == (base, base, None)


def test_a_socket_is_an_address_with_its_case_kept() -> None:
    url = unix_endpoint("/run/User/Ä x.sock")
    assert url == "http+unix://%2Frun%2FUser%2F%C3%84%20x.sock"
    assert parse_endpoint(url + "/p") == Endpoint(
        url=url + "/p", base="http://localhost/p", uds="/run/User/Ä x.sock", is_loopback=True
    )


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("127.8.9.1", True),
        ("[::1]", True),
        ("a.localhost", True),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
    ],
)
def test_proxies_are_not_for_loopback(host: str, is_loopback: bool) -> None:
    assert parse_endpoint(f"http://{host}:1").is_loopback is is_loopback


@pytest.mark.parametrize(
    "address",
    [
        *("ftp://host", "http://", "http://host?x=1", "http://host#x", "://", "http://:80", "http://[::1"),
        *(
            "http://127.0.0.1:99999",
            "http://host:port",
            "http://host:0",
            "http://ho st",
            "http://host :1",
            "http://ho\nst",
        ),
    ],
)
def test_what_is_no_address_is_a_value_error(address: str) -> None:
    with pytest.raises(ValueError, match="not an endpoint"):
        parse_endpoint(address)


def test_the_environment_fills_what_is_not_given() -> None:
    environ = {"EXECD_ENDPOINT": "http://env:1", "EXECD_ACCESS_TOKEN": "secret"}
    config = configure(None, access_token=None, headers={"X-A": "1"}, environ=environ)
    assert config.endpoint.url == "http://env:1"
    assert config.headers == {"X-A": "1", TOKEN_HEADER: "secret"}
    assert configure("http://arg:1", access_token="", headers=None, environ=environ).headers == {}


def test_no_address_at_all_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="EXECD_ENDPOINT"):
        configure(None, access_token=None, headers=None, environ={"EXECD_ENDPOINT": ""})


def test_a_token_is_not_in_the_repr() -> None:
    assert "secret" not in repr(configure("http://a", access_token="secret", headers=None, environ={}))


@pytest.mark.parametrize("token", ["secret\nX-Admin: 1", "sec\0ret", "secrét", "sec\rret"])
def test_a_token_that_no_header_can_carry_is_refused_at_once_and_not_repeated(token: str) -> None:
    with pytest.raises(ValueError, match=TOKEN_HEADER) as caught:
        configure("http://a", access_token=token, headers=None, environ={})
    assert "sec" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "1\n2"), ("X-A", " 1"), ("X A", "1"), ("", "1"), ("X-A:", "1"), ("X-Ä", "1"), ("X\n", "1")],
)
def test_a_header_that_cannot_be_sent_is_a_value_error(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        configure("http://a", access_token=None, headers={name: value}, environ={})


def test_whitespace_around_a_token_is_not_part_of_it() -> None:
    environ = {"EXECD_ACCESS_TOKEN": " secret\n"}
    assert configure("http://a", access_token=None, headers=None, environ=environ).headers == {TOKEN_HEADER: "secret"}
    assert configure("http://a", access_token=" \n", headers=None, environ=environ).headers == {}


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("proxy:3128", "http://proxy:3128"),
        ("user:pass@proxy:3128/", "http://user:pass@proxy:3128"),
        ("https://proxy", "https://proxy"),
    ],
)
def test_a_proxy_without_a_scheme_speaks_http(address: str, url: str) -> None:
    assert proxy_url(address, variable="http_proxy") == url


@pytest.mark.parametrize("address", ["socks5://me:secret@proxy:1080", "http://:3128", "proxy:99999", "http+unix://x"])
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable_and_not_shown(address: str) -> None:
    with pytest.raises(ValueError, match="all_proxy") as caught:
        proxy_url(address, variable="all_proxy")
    assert "secret" not in str(caught.value)
