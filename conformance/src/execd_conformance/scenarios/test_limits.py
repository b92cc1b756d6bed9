"""Limits of size, time and number: each a setting, each with its own error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

from execd_conformance.broken import Broken
from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.bare import Bare, bare
from execd_conformance.scenarios.refusals import REFUSALS, ask, refused, still_serves

_MIB: Final = 1024 * 1024
_KIB: Final = 1024
_SLOW: Final = (
    ("Content-Length: 900", b"", b" "),
    ("Content-Length: 900", b"{", b" "),
    ("Transfer-Encoding: chunked", b"1\r\n{\r\n", b"1\r\n \r\n"),
)
"""How a body is announced, how it begins, and how it goes on and on."""


@scenario("general", "limits.body-default", *REFUSALS, limit_s=60)
async def test_a_body_of_16_mib_is_taken_and_no_more(checks: Checks, raw: Raw) -> None:
    """To the byte, whether its length is announced or not."""
    for announced in (True, False):
        reply = await ask(raw, "POST", "/command", content=body_of(16 * _MIB, announced=announced), timeout_s=30)
        checks.that("limits.body-default", reply.status == 200, saw=(announced, reply))
        reply = await ask(raw, "POST", "/command", content=body_of(16 * _MIB + 1, announced=announced), timeout_s=30)
        refused(checks, "limits.body-default", reply, 413, "PAYLOAD_TOO_LARGE", of=announced)


@scenario("general", "limits.body-setting", "limits.body-time", *REFUSALS, needs=("start",), limit_s=60)
async def test_size_and_time_of_a_body_are_settings(checks: Checks, daemons: Daemons) -> None:
    """A thousand bytes, in a second."""
    async with daemons(max_body_bytes=1000, body_timeout_s=1) as other:
        for path in ("/command", "/code", "/code/context"):
            for announced in (True, False):
                reply = await ask(other.raw, "POST", path, content=body_of(1001, announced=announced))
                refused(checks, "limits.body-setting", reply, 413, "PAYLOAD_TOO_LARGE", of=(path, announced))
        for announced in (True, False):
            reply = await ask(other.raw, "POST", "/command", content=body_of(1000, announced=announced))
            checks.that("limits.body-setting", reply.status == 200, saw=(announced, reply))
        for reply in await asyncio.gather(*(trickled(other.raw, *each) for each in _SLOW)):
            refused(checks, "limits.body-time", reply, 408, "BODY_TIMEOUT")


async def trickled(raw: Raw, framing: str, first: bytes, piece: bytes) -> Reply:
    """Begin a body, go on with a piece whenever nothing has come for a moment, and return the answer."""
    async with bare(raw) as connection:
        await connection.send(connection.head("POST", "/command", framing) + first)
        for _ in range(100):
            try:
                await connection.until(b"\r\n\r\n", limit_s=0.1)
            except Broken:
                await connection.send(piece)
            else:
                return await connection.answer()
    raise Broken("a body that trickled for ten times its time was waited for")


@scenario("general", "limits.body-answered", *REFUSALS)
async def test_who_sends_too_much_gets_an_answer(checks: Checks, raw: Raw) -> None:
    """The whole of it is on its way before the answer is read."""
    for framing, first in (("Content-Length: 18000000", b""), ("Transfer-Encoding: chunked", b"112A880\r\n")):
        async with bare(raw) as connection:
            await connection.send(connection.head("POST", "/command", framing) + first)
            for _ in range(18):
                await connection.send(b"x" * 1_000_000)
            refused(checks, "limits.body-answered", await connection.answer(), 413, "PAYLOAD_TOO_LARGE", of=framing)


@scenario("general", "limits.headers-taken", "limits.headers-refused", "errors.bare-4xx", limit_s=60)
async def test_headers_of_64_kib_are_taken_and_over_128_never(checks: Checks, raw: Raw) -> None:
    """In one header and in many, whole and in pieces."""
    for many in (False, True):
        async with bare(raw) as connection:
            await connection.send(padded(connection, 64 * _KIB, many=many))
            reply = await connection.answer_or_end()
            checks.that("limits.headers-taken", reply is not None and reply.status == 200, saw=(many, reply))
        async with bare(raw) as connection:
            whole = padded(connection, 64 * _KIB, many=many)
            for at in range(0, len(whole), 9000):
                await connection.send(whole[at : at + 9000])
                # By the time that this is answered the daemon has read the piece.
                await still_serves(raw)
            reply = await connection.answer_or_end()
            checks.that("limits.headers-taken", reply is not None and reply.status == 200, saw=(many, reply))
        async with bare(raw) as connection:
            await connection.send(padded(connection, 128 * _KIB + 1, many=many))
            reply = await connection.answer_or_end()
            # A connection that is closed on what was not read may lose the answer.
            checks.that("limits.headers-refused", reply is None or reply.status != 200, saw=reply)
            checks.that("errors.bare-4xx", reply is None or 400 <= reply.status < 500, saw=reply)
    async with bare(raw) as connection:
        await connection.send(connection.head("GET", "/version")[:-2] + b"X-Pad: ")
        for _ in range(64):
            await connection.send(b"x" * 64 * _KIB)
        reply = await connection.answer_or_end()
        checks.that("limits.headers-refused", reply is None or reply.status != 200, saw=reply)


def padded(connection: Bare, size: int, *, many: bool) -> bytes:
    """Return a request whose line and headers are exactly of this size."""
    head = connection.head("GET", "/version")
    if many:
        line = b"X-Pad: " + b"x" * 91 + b"\r\n"
        head = head[:-2] + line * ((size - len(head)) // len(line) - 1) + b"\r\n"
    return head[:-2] + b"X-Rest: " + b"x" * (size - len(head) - 10) + b"\r\n\r\n"


@scenario("general", "limits.executions", "limits.contexts", *REFUSALS, needs=("start",), limit_s=60)
async def test_runs_and_contexts_are_limited(checks: Checks, daemons: Daemons) -> None:
    """One run may live; a second has to wait for its end. No context may."""
    async with daemons(max_executions=1, max_contexts=0) as other:
        async with other.raw.stream("POST", "/command", json={"command": "exec sleep 60"}) as stream:
            run = (await stream.until(lambda event: event.type == "init"))["text"]
            reply = await ask(other.raw, "POST", "/command", json={"command": "true"})
            refused(checks, "limits.executions", reply, 429, "LIMIT_REACHED")
            reply = await ask(other.raw, "POST", "/command", json={"command": "true", "background": True})
            refused(checks, "limits.executions", reply, 429, "LIMIT_REACHED")
            await other.raw.request("DELETE", "/command", params={"id": run})
        behind = await other.raw.run("exec sleep 60", background=True)
        reply = await ask(other.raw, "POST", "/command", json={"command": "true"})
        refused(checks, "limits.executions", reply, 429, "LIMIT_REACHED")
        await other.raw.request("DELETE", f"/executions/{behind.id}")
        for _ in range(3):
            checks.equal("limits.executions", (await other.raw.run("true")).exit_code, 0)
        reply = await other.raw.request("POST", "/code/context", json={"language": "python"})
        refused(checks, "limits.contexts", reply, 429, "LIMIT_REACHED")


def body_of(size: int, *, announced: bool) -> bytes | AsyncIterator[bytes]:
    """Return a command of exactly this size, which does nothing, whole or as pieces whose sum nobody has said."""
    body = json.dumps({"command": "true"}).encode()
    body += b" " * (size - len(body))
    return body if announced else _pieces(body)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), _MIB):
        yield body[at : at + _MIB]
