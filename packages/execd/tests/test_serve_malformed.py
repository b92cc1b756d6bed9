"""Requests that are wrong in every way: each gets the answer that the contract names, none a 500, none a hang."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .daemons import Daemon, daemon, parse, request, without_uvloop

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"
POST = b"POST /command HTTP/1.1\r\n" + HOST
HELLO = b'{"command":"true"}'
HANDSHAKE = (
    b"GET /executions HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


@pytest.fixture(
    scope="module", params=[pytest.param(True, id="uvloop"), pytest.param(False, id="asyncio", marks=pytest.mark.slow)]
)
def running(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    place = tmp_path_factory.mktemp("malformed")
    log = place / "log"
    variables = {} if request.param else without_uvloop(place)
    with daemon("--body-timeout-s", "0.5", "--max-body-bytes", "100000", log=log, variables=variables) as one:
        yield one
        assert " ERROR " not in log.read_text()


def padded(length: int) -> bytes:
    """Return a request whose header block, with its blank line, is so long."""
    start = b"GET /ping HTTP/1.1\r\n" + HOST + CLOSE
    return start + b"X-Pad: " + b"a" * (length - len(start) - 11) + b"\r\n\r\n"


# ── what the server refuses before the application sees it: a bare 4xx ───────────────────────────────────────────────


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\xff\x01\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /ping\r\n\r\n",
        b"GET /ping HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /ping HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
        b"GET /ping HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
        b"GET /ping HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n",
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Content-Length: five\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        padded(140_000),
        b"GET /ping HTTP/1.1\r\nX: " + b"a" * 1_000_000,
        HANDSHAKE.replace(b"Version: 13", b"Version: 1") + b"\r\n",
    ],
)
def test_what_is_no_http_is_a_bare_4xx(running: Daemon, sent: bytes) -> None:
    with running.connect() as client:
        with suppress(ConnectionError):  # It may refuse before it has read all.
            client.send(sent)
        client.until(b"\r\n\r\n")
    assert 400 <= parse(bytes(client.received)).status < 500


def test_a_transfer_encoding_that_nobody_speaks_is_the_501_of_http(running: Daemon) -> None:
    with running.connect() as client:
        client.send(POST + b"Transfer-Encoding: gzip\r\n\r\n")
        client.until(b"\r\n\r\n")
    assert parse(bytes(client.received)).status == 501


@pytest.mark.parametrize("length", [1000, 65_000, 65_536])
def test_headers_of_64_kib_are_taken(running: Daemon, length: int) -> None:
    with running.connect() as client:
        client.send(padded(length))
        assert client.answer().status == 200


def test_headers_that_come_in_pieces_are_taken(running: Daemon) -> None:
    whole = padded(65_536)
    with running.connect() as client:
        for at in range(0, len(whole), 9000):
            client.send(whole[at : at + 9000])
        assert client.answer().status == 200


# ── what the application refuses ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET http://localhost/ping HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404, "ROUTE_NOT_FOUND"),
        (b"OPTIONS * HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404, "ROUTE_NOT_FOUND"),
        (b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404, "ROUTE_NOT_FOUND"),
        (b"GET /executions/%00 HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404, "EXECUTION_NOT_FOUND"),
        (b"GET /executions/%zz HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404, "EXECUTION_NOT_FOUND"),
        (b"GET /executions/%ff%fe HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404, "EXECUTION_NOT_FOUND"),
        (b"GET /executions?limit=%ff HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 400, "INVALID_QUERY"),
        (b"GET /version HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + b"\r\n", 403, "FORBIDDEN_ORIGIN"),
        (b"GET /ping HTTP/1.1\r\n" + HOST + b"Origin: null\r\n" + CLOSE + b"\r\n", 403, "FORBIDDEN_ORIGIN"),
        (b"TRACE /ping HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 405, "METHOD_NOT_ALLOWED"),
        (POST + CLOSE + b"\r\n", 400, "INVALID_REQUEST_BODY"),
        (POST + CLOSE + b"Content-Length: 2\r\n\r\n{}", 400, "INVALID_REQUEST_BODY"),
        (
            POST + CLOSE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "INVALID_REQUEST_BODY",
        ),
        (POST + b"Content-Length: 99999999\r\n\r\n", 413, "PAYLOAD_TOO_LARGE"),
        (POST + b"Content-Length: 20\r\n\r\n", 408, "BODY_TIMEOUT"),
        (POST + b"Content-Length: 20\r\n\r\n" + HELLO, 408, "BODY_TIMEOUT"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", 408, "BODY_TIMEOUT"),
        (HANDSHAKE + b"\r\n", 404, "ROUTE_NOT_FOUND"),
        (HANDSHAKE + b"Origin: https://evil.example\r\n\r\n", 403, "FORBIDDEN_ORIGIN"),
    ],
)
def test_what_is_no_request_of_ours_is_told_why(running: Daemon, sent: bytes, status: int, code: str) -> None:
    with running.connect() as client:
        client.send(sent)
        answer = client.answer()
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 50000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n2faf080\r\n"]
)
def test_a_huge_body_gets_its_answer_and_not_a_reset(running: Daemon, framing: bytes) -> None:
    with running.connect() as client:
        client.send(POST + framing)
        with suppress(ConnectionError):
            client.send(b"x" * 50_000_000)
        client.until(b"PAYLOAD_TOO_LARGE")


def test_a_slow_body_is_given_up_in_time(running: Daemon) -> None:
    with running.connect() as client:
        client.send(POST + b"Content-Length: 20\r\n\r\n")
        client.sock.settimeout(0.1)
        with suppress(ConnectionError):
            while b"BODY_TIMEOUT" not in client.received:
                client.send(b"{")
                with suppress(TimeoutError):
                    client.read()
        assert b"HTTP/1.1 408" in client.received


def test_a_client_that_leaves_in_the_middle_of_its_body_hurts_nobody(running: Daemon) -> None:
    with running.connect() as client:
        client.send(POST + b"Content-Length: 20\r\n\r\n{")
    assert running.ask("GET", "/ping").status == 200


# ── more than one request ────────────────────────────────────────────────────────────────────────────────────────────


def test_requests_in_one_go_are_answered_in_turn(running: Daemon) -> None:
    with running.connect() as client:
        client.send(request("GET", "/version") + request("GET", "/nope") + request("GET", "/ping", Connection="close"))
        data = client.until_end()
    assert [data.count(line) for line in (b"HTTP/1.1 200", b"HTTP/1.1 404")] == [2, 1]


def test_garbage_after_a_request_is_refused_after_its_answer(running: Daemon) -> None:
    with running.connect() as client:
        client.send(request("GET", "/version") + b"\x00\x01garbage\r\n\r\n")
        data = client.until_end()
    assert data.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 400" in data


def test_garbage_after_a_start_lets_its_stream_end(running: Daemon) -> None:
    with running.connect() as client:
        client.send(request("POST", "/command", body=HELLO) + b"GARBAGE\r\n\r\n")
        assert b"execution_complete" in client.until_end()


def test_an_expectation_is_met(running: Daemon) -> None:
    with running.connect() as client:
        client.send(POST + CLOSE + b"Expect: 100-continue\r\nContent-Length: 18\r\n\r\n")
        client.until(b"HTTP/1.1 100")
        client.send(HELLO)
        assert b"execution_complete" in client.until_end()


def test_a_body_where_none_is_wanted_is_passed_over(running: Daemon) -> None:
    with running.connect() as client:
        client.send(request("GET", "/version", body=b"hello") + request("GET", "/ping", Connection="close"))
        assert client.until_end().count(b"HTTP/1.1 200") == 2


# ── anything ─────────────────────────────────────────────────────────────────────────────────────────────────────────

LINES = [b"GET ", b"POST ", b"/ping", b"/command", b"/executions/a/events", b"?after=", b" HTTP/1.1\r\n", b"\r\n", HOST]
BODIES = [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"5\r\n", b"{}"]
UPGRADES = [
    b"Upgrade: websocket\r\n",
    b"Upgrade: h2c\r\n",
    b"Connection: Upgrade\r\n",
    b"HTTP2-Settings: !\r\n",
    b"PRI *",
]
pieces = st.sampled_from(LINES + BODIES + UPGRADES) | st.binary(max_size=20)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(pieces, max_size=12).map(b"".join))
def test_whatever_is_sent_is_answered_or_dropped_and_never_a_fault(running: Daemon, sent: bytes) -> None:
    with running.connect() as client:
        client.send(sent)
        client.sock.shutdown(socket.SHUT_WR)
        data = client.until_end()
    assert b"HTTP/1.1 5" not in data
    assert running.ask("GET", "/ping").status == 200
