"""A connection that is written byte by byte, and its answers read one by one, whatever comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import h11
import httpx

from execd_conformance.broken import Broken
from execd_conformance.raw import TOKEN_HEADER, Raw, Reply

LIMIT_S: Final = 10.0
HANDSHAKE: Final = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
"""Headers with which a WebSocket begins."""
_ASKED: Final = {
    method: h11.Request(method=method, target="/", headers=[("Host", "daemon")]) for method in ("GET", "HEAD")
}


@dataclass(slots=True)
class Bare:
    """One connection to a daemon."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    raw: Raw
    rest: bytes = b""
    """What has come beyond the last answer."""

    def head(self, method: str, target: str, *lines: str, token: bool = True, host: str | None = None) -> bytes:
        """Return a request's line and headers, blank line included, with the right token unless told otherwise."""
        parts = urlsplit(self.raw.url)
        known = [f"{TOKEN_HEADER}: {self.raw.token}"] if token and self.raw.token is not None else []
        first = f"{method} {parts.path}{target} HTTP/1.1"
        return "\r\n".join([first, f"Host: {host or parts.netloc}", *known, *lines, "", ""]).encode("latin-1")

    async def send(self, data: bytes) -> None:
        """Write; a daemon that has closed the connection is no fault, its answer may be there."""
        with suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    def end(self) -> None:
        """Close the sending side."""
        with suppress(OSError):
            self.writer.write_eof()

    async def answer(self, *, head: bool = False, limit_s: float = LIMIT_S) -> Reply:
        """Return the next answer; `Broken` where none comes in time, or what comes is no HTTP."""
        reply = await self.answer_or_end(head=head, limit_s=limit_s)
        if reply is None:
            raise Broken("an answer was expected, the daemon closed the connection")
        return reply

    async def answer_or_end(self, *, head: bool = False, limit_s: float = LIMIT_S) -> Reply | None:
        """Return the next answer, None where the daemon closes the connection without one; `Broken` as above."""
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        parser.send(_ASKED["HEAD" if head else "GET"])
        parser.send(h11.EndOfMessage())
        if self.rest:
            parser.receive_data(self.rest)
        try:
            async with asyncio.timeout(limit_s):
                return await self._parse(parser)
        except TimeoutError:
            raise Broken(f"an answer or the connection's end was expected within {limit_s:g} s") from None
        except h11.RemoteProtocolError as fault:
            raise Broken(f"an answer was expected, something else came: {fault}") from None

    async def _parse(self, parser: h11.Connection) -> Reply | None:
        start: h11.Response | None = None
        body = bytearray()
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                data = await self._read()
                if not data and start is None and not parser.trailing_data[0]:
                    return None
                parser.receive_data(data)
            elif isinstance(event, h11.Response):
                start = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and start is not None:
                self.rest = parser.trailing_data[0]
                return Reply(start.status_code, httpx.Headers(list(start.headers.raw_items())), bytes(body))
            elif isinstance(event, h11.ConnectionClosed):
                return None

    async def until(self, wanted: bytes, limit_s: float = LIMIT_S) -> bytes:
        """Read until this has come and return all that has; `Broken` where it does not come."""
        try:
            async with asyncio.timeout(limit_s):
                while wanted not in self.rest:
                    data = await self._read()
                    if not data:
                        raise Broken(f"{wanted!r} was expected, the connection ended after {self.rest[-200:]!r}")
                    self.rest += data
        except TimeoutError:
            raise Broken(f"{wanted!r} was expected within {limit_s:g} s, {self.rest[-200:]!r} came") from None
        return self.rest

    async def until_end(self, limit_s: float = LIMIT_S) -> bytes:
        """Read to the connection's end and return all that came; `Broken` where it stays open."""
        try:
            async with asyncio.timeout(limit_s):
                while data := await self._read():
                    self.rest += data
        except TimeoutError:
            raise Broken(f"the connection's end was expected within {limit_s:g} s") from None
        return self.rest

    async def _read(self) -> bytes:
        try:
            return await self.reader.read(1 << 16)
        except ConnectionError:
            return b""


@asynccontextmanager
async def bare(raw: Raw) -> AsyncIterator[Bare]:
    """Open a connection for the length of a block."""
    reader, writer = await raw.open()
    try:
        yield Bare(reader, writer, raw)
    finally:
        writer.close()
        with suppress(OSError, asyncio.TimeoutError):
            async with asyncio.timeout(1.0):
                await writer.wait_closed()


async def sent(raw: Raw, data: bytes, *, head: bool = False, limit_s: float = LIMIT_S) -> Reply | None:
    """Send bytes on a connection of their own and return what is answered, None for a connection that just ends."""
    async with bare(raw) as connection:
        await connection.send(data)
        return await connection.answer_or_end(head=head, limit_s=limit_s)
