"""Requests byte by byte: malformed ones get a 4xx or a closed connection, well-formed ones of any shape are served."""

from __future__ import annotations

from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.bare import Bare, bare
from execd_conformance.scenarios.refusals import still_serves

_HELLO: Final = b'{"command":"echo hello"}'
_HOST: Final = b"Host: localhost\r\n"
_NO_HTTP: Final = (
    b"\r\n\r\n\r\n",
    b"\x00\x01\x02\x03\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    b"GARBAGE\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /version\r\n\r\n",
    b"GET  /version HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"GET /version HTTP/1.1 extra\r\n" + _HOST + b"\r\n",
    b"GET /version HTTP/9.9\r\n" + _HOST + b"\r\n",
    b"GET /ver sion HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"GET /version HTTP/1.1\r\n\r\n",
    b"GET /version HTTP/1.1\r\n" + _HOST + b"No colon here\r\n\r\n",
    b"GET /version HTTP/1.1\r\n" + _HOST + b"Name : value\r\n\r\n",
    b"GET /version HTTP/1.1\r\n" + _HOST + b": value\r\n\r\n",
    b"GET /version HTTP/1.1\r\n" + _HOST + b"X: a\x00b\r\n\r\n",
    b"GET /version HTTP/1.1\r\n" + _HOST + b"Content-Length: x\r\n\r\n",
    b"GET /version HTTP/1.1\r\n" + _HOST + b"Content-Length: -1\r\n\r\n",
    b"POST /command HTTP/1.1\r\n" + _HOST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\n{}   ",
    b"POST /command HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"POST /command HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
    b"POST /command HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{}",
    b"POST /command HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
)
"""Each with the connection's sending side closed behind it."""
_ODD: Final = (
    b"GET http://localhost/nope HTTP/1.1\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
    b"CONNECT localhost:80 HTTP/1.1\r\n",
    b"GET /executions/%00 HTTP/1.1\r\n",
    b"GET /executions/%zz HTTP/1.1\r\n",
    b"GET /executions/%FF%FE HTTP/1.1\r\n",
    b"GET /executions/" + b"x" * 30_000 + b" HTTP/1.1\r\n",
    b"GET /" + b"../" * 5000 + b"etc/passwd HTTP/1.1\r\n",
    b"GET /files/info?path=%00 HTTP/1.1\r\n",
    b"GET /files/info?path=" + b"x" * 30_000 + b" HTTP/1.1\r\n",
    b"GET /files/download?path=%FF HTTP/1.1\r\n",
    b"GET /executions?" + b"a=1&" * 8000 + b"limit=x HTTP/1.1\r\n",
    b"BREW /command HTTP/1.1\r\n",
    b"POST /command?id=1 HTTP/1.1\r\n",
)
"""Well-formed, and refused by the application."""


@scenario("errors", "errors.bare-4xx", "errors.never-500", "errors.never-a-hang", limit_s=60)
async def test_what_is_no_http_is_refused_and_hurts_nobody(checks: Checks, raw: Raw) -> None:
    """A 4xx, or just the end of the connection; never a fault, and the next request is served."""
    for data in _NO_HTTP:
        async with bare(raw) as connection:
            await connection.send(data)
            connection.end()
            reply = await connection.answer_or_end()
        coding = b"gzip" in data or b"HTTP/9.9" in data
        fine = reply is None or 400 <= reply.status < 500 or (coding and reply.status in (501, 505))
        checks.that("errors.bare-4xx", fine, saw=(data, reply))
        checks.that("errors.never-500", reply is None or reply.status != 500, saw=(data, reply))
    for line in _ODD:
        async with bare(raw) as connection:
            await connection.send(connection.head("GET", "/", "Connection: close").replace(b"GET / HTTP/1.1\r\n", line))
            reply = await connection.answer()
        checks.that("errors.never-500", 400 <= reply.status < 500, saw=(line, reply))
    checks.that("errors.never-a-hang", await still_serves(raw))


@scenario("errors", "errors.never-500", "errors.never-a-hang", limit_s=60)
async def test_clients_that_leave_hurt_nobody(checks: Checks, raw: Raw) -> None:
    """Cut off anywhere in a request; on connections with garbage behind it."""
    async with bare(raw) as connection:
        whole = connection.head("POST", "/command", f"Content-Length: {len(_HELLO)}") + _HELLO
    for at in range(0, len(whole), 7):
        async with bare(raw) as connection:
            await connection.send(whole[:at])
    for at in range(1, len(whole), 23):
        async with bare(raw) as connection:
            await connection.send(whole[:at])
            connection.end()
            data = await connection.until_end()
        checks.that("errors.never-500", b"HTTP/1.1 5" not in data, saw=(whole[:at], data))
    async with bare(raw) as connection:
        await connection.send(connection.head("GET", "/version") + b"\x00\x01garbage\r\n\r\n")
        first = await connection.answer()
        rest = await connection.until_end()
        checks.that("errors.never-500", first.status == 200 and b"HTTP/1.1 5" not in rest, saw=(first, rest))
    checks.that("errors.never-a-hang", await still_serves(raw))


@scenario("general", "connection.keep-alive", "connection.pipelining", "connection.half-close")
async def test_a_connection_serves_many_requests(checks: Checks, raw: Raw) -> None:
    """One after another, several in one go, and with its sending side closed."""
    async with bare(raw) as connection:
        for number in range(20):
            for path, status in (("/version", 200), ("/nope", 404), ("/ping", 200)):
                await connection.send(connection.head("GET", path, f"X-Request-ID: r{number}"))
                reply = await connection.answer()
                checks.equal("connection.keep-alive", reply.status, status)
                checks.that(
                    "connection.keep-alive", "close" not in reply.headers.get("connection", ""), saw=reply.headers
                )
    async with bare(raw) as connection:
        names = [f"first.{number}" for number in range(5)]
        await connection.send(b"".join(connection.head("GET", "/version", f"X-Request-ID: {name}") for name in names))
        came = [(await connection.answer()).headers.get("x-request-id") for _ in names]
        checks.equal("connection.pipelining", came, names)
    async with bare(raw) as connection:
        body = connection.head("POST", "/nope", "Content-Length: 3") + b"abc"
        await connection.send(body + connection.head("GET", "/version", "Connection: close"))
        statuses = [(await connection.answer()).status for _ in range(2)]
        checks.equal("connection.pipelining", statuses, [404, 200])
    async with bare(raw) as connection:
        await connection.send(connection.head("GET", "/version"))
        connection.end()
        checks.equal("connection.half-close", (await connection.answer()).status, 200)


@scenario("general", "connection.chunked-request", "connection.expectation")
async def test_a_body_comes_in_any_framing(checks: Checks, raw: Raw) -> None:
    """In chunks of any size, with extensions and trailers, and after a `100 Continue`."""
    cuts = (
        [_HELLO],
        [_HELLO[:1], _HELLO[1:]],
        [bytes([each]) for each in _HELLO],
    )
    for pieces in cuts:
        for extension, trailer in ((b"", b""), (b";name=value", b"X-Trailer: 1\r\n")):
            chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
            async with bare(raw) as connection:
                head = connection.head("POST", "/command", "Transfer-Encoding: chunked", "Connection: close")
                await connection.send(head + chunks + b"0\r\n" + trailer + b"\r\n")
                checks.that("connection.chunked-request", await says_hello(connection), saw=(pieces, connection.rest))
    async with bare(raw) as connection:
        lines = ("Expect: 100-continue", "Connection: close", f"Content-Length: {len(_HELLO)}")
        await connection.send(connection.head("POST", "/command", *lines))
        come = await connection.until(b"\r\n\r\n")
        checks.that("connection.expectation", come.startswith(b"HTTP/1.1 100"), saw=come)
        await connection.send(_HELLO)
        checks.that("connection.expectation", await says_hello(connection), saw=connection.rest)


async def says_hello(connection: Bare) -> bool:
    """Whether the answer is the stream of the command that says hello."""
    reply = await connection.answer()
    return reply.status == 200 and b'"hello"' in reply.body and b"execution_complete" in reply.body
