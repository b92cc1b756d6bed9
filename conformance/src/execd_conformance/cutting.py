"""A line to a daemon that breaks where it is told to: a TCP proxy that cuts connections after so many bytes."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

_PIECE: Final = 65536


class Line:
    """Passes bytes on, and cuts as `cut` says; `url` is where it listens."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = ""
        self.connections = 0
        """How many were opened so far."""
        self.sent = 0
        """Bytes that clients have sent so far."""
        self.cuts = 0
        """How many answers were cut so far."""
        self._target = (parts.hostname, parts.port or 80)
        self._limits: Iterator[int] = iter(())
        self._left: dict[asyncio.StreamWriter, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self, limits: Iterable[int]) -> None:
        """From now on cut after so many bytes of answers: the first number counts on the next connection to answer.

        Each cut takes one number, on whatever connection; after the last one all goes through. Odd ones are resets.
        """
        self._limits = iter(limits)
        self._left.clear()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        self.connections += 1
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            with suppress(OSError):
                server_reader, server_writer = await asyncio.open_connection(*self._target)
                try:
                    await self._pass_both(reader, writer, server_reader, server_writer)
                finally:
                    server_writer.transport.abort()
        except asyncio.CancelledError:
            pass  # `close` asks for it, and asyncio's streams would tell the world
        finally:
            writer.transport.abort()

    async def _pass_both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        there = asyncio.create_task(self._pass_requests(reader, server_writer))
        back = asyncio.create_task(self._pass_answers(server_reader, writer))
        try:
            # When either side has said its last word the other has nothing to wait for: clients here never half-close.
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (there, back):
                each.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            self._left.pop(writer, None)

    async def _pass_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            self.sent += len(data)
            writer.write(data)
            await writer.drain()

    async def _pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            allowed = self._allowed(writer)
            part = data if allowed is None else data[:allowed]
            writer.write(part)
            await writer.drain()
            if (allowed is not None and len(part) < len(data)) or allowed == len(data):
                self._break(writer)
                return
            if allowed is not None:
                self._left[writer] = allowed - len(part)

    def _allowed(self, writer: asyncio.StreamWriter) -> int | None:
        if writer not in self._left:
            limit = next(self._limits, None)
            if limit is None:
                return None
            self._left[writer] = limit
        return self._left[writer]

    def _break(self, writer: asyncio.StreamWriter) -> None:
        self.cuts += 1
        if self.cuts % 2:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async def close(self) -> None:
        """Cut everything."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def breaking(url: str) -> AsyncIterator[Line]:
    """Open a line to the daemon at a URL, whole until it is told to cut."""
    line = Line(url)
    server = await asyncio.start_server(line.take, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{urlsplit(url).path}"
    try:
        yield line
    finally:
        server.close()
        await line.close()
