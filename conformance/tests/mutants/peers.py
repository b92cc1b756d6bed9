"""A scripted daemon and a plain client on bare sockets, to stand on both sides of a proxy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import h11

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(script: Script) -> AsyncIterator[str]:
    """Run the script for each connection; gives the URL."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await script(reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def dial(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


@dataclass
class Heard:
    """One message as h11 understands it, however it was framed."""

    first: tuple[object, ...] = ()
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    whole: bool = False


def heard(data: bytes, *, method: str | None = "GET", ended: bool = True) -> list[Heard]:
    """Take bytes apart: replies to `method`, or requests where it is None."""
    state = h11.Connection(h11.SERVER if method is None else h11.CLIENT, max_incomplete_event_size=1 << 20)
    if method is not None:
        state.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        state.send(h11.EndOfMessage())
    state.receive_data(data)
    if ended and data:
        state.receive_data(b"")
    message = Heard()
    while (event := state.next_event()) not in (h11.NEED_DATA, h11.PAUSED) and not isinstance(
        event, h11.ConnectionClosed
    ):
        if isinstance(event, h11.Response):
            message.first, message.headers = (event.status_code, event.reason), list(event.headers.raw_items())
        elif isinstance(event, h11.Request):
            message.first, message.headers = (event.method, event.target), list(event.headers.raw_items())
        elif isinstance(event, h11.Data):
            message.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            message.whole = True
    return [message]
