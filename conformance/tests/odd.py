"""Servers that are no daemon of this API, or a bad one: what the suite may be pointed at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Takes a request's head, writes what it likes; the connection is closed after it."""


def head(status: str, kind: str, *, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close"]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


async def html(request: bytes, writer: asyncio.StreamWriter) -> None:
    page = b"<!doctype html><title>hello</title>"
    writer.write(head("200 OK", "text/html", length=len(page)) + page)


async def not_found(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(head("404 Not Found", "text/plain", length=9) + b"not found")


async def closed(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(head("401 Unauthorized", "application/json", length=2) + b"{}")


async def garbage(request: bytes, writer: asyncio.StreamWriter) -> None:
    body = b'{"version": [1, {"features": "\xff\xfe"'
    writer.write(head("200 OK", "application/json", length=len(body)) + body)


async def odd_json(request: bytes, writer: asyncio.StreamWriter) -> None:
    body = b'{"version": null, "features": [1, null, {"a": []}], "languages": 7, "running": "yes", "x": "\\ud800"}'
    writer.write(head("200 OK", "application/json", length=len(body)) + body)


async def half(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(head("200 OK", "application/json", length=1000) + b'{"version":')


async def resets(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def no_http(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 ready when you are\r\n")


async def silent(request: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def trickles(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(head("200 OK", "text/event-stream"))
    while not writer.transport.is_closing():
        writer.write(b":")
        await writer.drain()
        await asyncio.sleep(0.05)


async def floods(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(head("200 OK", "text/event-stream"))
    while not writer.transport.is_closing():
        writer.write(b'{"type":"stdout","text":"x"}\n\n' * 1000)
        await writer.drain()


async def hangs_on_work(request: bytes, writer: asyncio.StreamWriter) -> None:
    """Healthy, and takes every POST without a word."""
    if request.startswith(b"POST"):
        await silent(request, writer)
    body = b'{"version":"1","api_version":"1","features":[],"languages":[]}' if b" /version " in request else b""
    writer.write(head("200 OK", "application/json", length=len(body)) + body)


async def bare_json(request: bytes, writer: asyncio.StreamWriter) -> None:
    """Streams as the first daemon of this API does: objects without `data:`."""
    if not request.startswith(b"POST /command "):
        await not_found(request, writer)
        return
    events = ['{"type":"init","text":"x1","timestamp":1}', '{"type":"stdout","text":"hi","timestamp":2}']
    events += ['{"type":"execution_complete","execution_time":1,"timestamp":3}']
    writer.write(head("200 OK", "text/event-stream") + "".join(f"{each}\n\n" for each in events).encode())


@dataclass(frozen=True, slots=True)
class Odd:
    """A server that is up."""

    url: str


@contextmanager
def serving(answer: Answer) -> Iterator[Odd]:
    """Serve on a thread of its own until the block is left."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await answer(await reader.readuntil(b"\r\n\r\n"), writer)
            await writer.drain()
            # What was sent must be read before a reset can take it back.
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 1.0)
        writer.close()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(connected, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield Odd("http://{}:{}".format(*server.sockets[0].getsockname()))
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
