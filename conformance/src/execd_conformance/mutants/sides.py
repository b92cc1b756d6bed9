"""One connection of the proxy: bytes in and out of a socket, h11's events for whoever holds it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import h11

READ = 65536
MAX_HEAD = 262_144  # beyond what any daemon takes, so that the refusal is the daemon's own


class KeptReader(asyncio.StreamReader):
    """A reader that gives out what had come before a reset: the answer may be in it."""

    def set_exception(self, exc: Exception) -> None:
        """Take it for the end."""
        self.feed_eof()


class Side:
    """A connection in the role of server (to the client) or of client (to the daemon)."""

    def __init__(
        self,
        role: type[h11.SERVER | h11.CLIENT],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.state = h11.Connection(role, max_incomplete_event_size=MAX_HEAD)
        self.reader = reader
        self.writer = writer
        self.unparsed = bytearray()
        """What has come since the last whole message: a request that h11 does not take is passed on as it is."""

    async def next(self) -> h11.Event | type[h11.PAUSED]:
        """Return the next event, reading as much as it takes; a malformed message raises h11.RemoteProtocolError."""
        while (event := self.state.next_event()) is h11.NEED_DATA:
            await self.read()
        return event  # type: ignore[return-value]  # NEED_DATA is gone

    async def read(self) -> bool:
        """Read once; False at the end of what the other one sends."""
        data = await self.reader.read(READ)
        self.unparsed += data
        self.state.receive_data(data)
        return bool(data)

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the message whose head has been taken, as they come, to its end."""
        while isinstance(event := await self.next(), h11.Data):
            self.unparsed.clear()
            yield bytes(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise ConnectionResetError("the message was cut")

    async def send(self, event: h11.Event) -> None:
        """Send one event; waits while the other side does not read."""
        data = self.state.send(event)
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def ended(self) -> None:
        """Wait until the other side has gone, at a time when it has nothing to say."""
        await self.reader.read(1)

    async def end(self) -> None:
        """Say that nothing more will be sent."""
        with contextlib.suppress(OSError, RuntimeError):
            self.writer.write_eof()

    def renew(self) -> bool:
        """Make ready for the next message; False where this connection is done."""
        if self.state.our_state is not h11.DONE or self.state.their_state is not h11.DONE:
            return False
        self.state.start_next_cycle()
        self.unparsed = bytearray(self.state.trailing_data[0])
        return True

    def close(self) -> None:
        """Close; what was sent still goes out."""
        self.writer.close()


async def reach(url: str) -> Side:
    """Connect to the daemon."""
    where = urlsplit(url)
    secure = where.scheme == "https"
    loop = asyncio.get_running_loop()
    reader = KeptReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.create_connection(
        lambda: protocol, where.hostname or "", where.port or (443 if secure else 80), ssl=secure or None
    )
    return Side(h11.CLIENT, reader, asyncio.StreamWriter(transport, protocol, reader, loop))


async def shovel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on as they come, and their end."""
    while data := await reader.read(READ):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()
