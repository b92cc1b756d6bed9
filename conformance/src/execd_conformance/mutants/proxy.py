"""A rewriting HTTP/1.1 proxy: with no rewrite, what a client gets through it is what the daemon sent, byte for byte.

To each client's connection belongs one to the daemon, which lives and ends with it. What h11 does not take for a
request is passed on as it is, so that its refusal is the daemon's own.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from types import TracebackType
from typing import Self

import h11

from execd_conformance.mutants.exchange import Switched, answered, passed_on
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.rewrite import IDENTITY, Cut, Rewrite
from execd_conformance.mutants.sides import READ, KeptReader, Side, reach, shovel

LINGER_S = 2.0
BROKEN = (ConnectionError, h11.ProtocolError, Cut)


class Proxy:
    """Listens on a port of its own while it is entered: `async with Proxy(url, rewrite) as proxy: proxy.url`."""

    def __init__(self, daemon: str, rewrite: Rewrite = IDENTITY) -> None:
        self.daemon = daemon
        self.rewrite = rewrite
        self.url = ""
        self.faults: list[BaseException] = []
        """What rewrites raised that they should not have."""
        self._connections: set[asyncio.Task[None]] = set()
        self._count = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()

        def connection() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(KeptReader(loop=loop), self._connected, loop=loop)

        self._server = await loop.create_server(connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        side = Side(h11.SERVER, reader, writer)
        pair = Pair(side, daemon=self.daemon, rewrite=self.rewrite, number=self._count)
        task = asyncio.create_task(pair.serve())
        self._connections.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.faults.append(fault)


class Pair:
    """A client's connection and the daemon's that belongs to it."""

    def __init__(self, client: Side, *, daemon: str, rewrite: Rewrite, number: int) -> None:
        self._number = number
        self._client = client
        self._url = daemon
        self._rewrite = rewrite
        self._daemon: Side | None = None

    async def serve(self) -> None:
        """Serve request after request until either side is done."""
        try:
            with contextlib.suppress(*BROKEN):
                while await self._exchanged():
                    pass
        finally:
            self._client.close()
            if self._daemon is not None:
                self._daemon.close()

    async def _exchanged(self) -> bool:
        try:
            head = await self._head()
        except h11.RemoteProtocolError:
            await self._tunnel(bytes(self._client.unparsed))
            return False
        if head is None:
            return False
        try:
            await self._answer(head)
        except Switched:
            await self._tunnel(b"")
            return False
        if self._daemon is not None and not self._daemon.renew():
            self._daemon.close()
            self._daemon = None
        if self._client.renew():
            return True
        await self._linger()
        return False

    async def _head(self) -> Request | None:
        """Wait for the next request; None when the client is done, or the daemon has closed its idle connection."""
        asked = asyncio.create_task(self._client.next())
        waiting = {asked} if self._daemon is None else {asked, asyncio.create_task(self._daemon.ended())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
        event = None if asked.cancelled() else asked.result()
        if not isinstance(event, h11.Request):
            return None
        headers = tuple(event.headers.raw_items())
        return Request(method=event.method.decode(), target=event.target, headers=headers, connection=self._number)

    async def _answer(self, request: Request) -> None:
        rewrite = self._rewrite if self._rewrite.where(request) else IDENTITY
        asked: Request | Reply = request if rewrite.ask is None else rewrite.ask(request)
        if isinstance(asked, Request) and rewrite.whole is not None:
            body = b"".join([piece async for piece in self._client.body()])
            asked = rewrite.whole(replace(asked, body=body))
        if isinstance(asked, Reply):
            await answered(self._client, asked)
            await self._rest()
            return
        self._daemon = self._daemon or await reach(self._url)
        taken = rewrite.whole is not None
        await passed_on(asked, client=self._client, daemon=self._daemon, rewrite=rewrite, taken=taken)

    async def _tunnel(self, begun: bytes) -> None:
        """Pass bytes in both directions, whatever they are, until both are done."""
        if self._daemon is None or begun:
            self._daemon = await reach(self._url)
        client, daemon = self._client, self._daemon
        daemon.writer.write(begun or client.state.trailing_data[0])
        client.writer.write(b"" if begun else daemon.state.trailing_data[0])
        both = [
            asyncio.create_task(shovel(client.reader, daemon.writer)),
            asyncio.create_task(shovel(daemon.reader, client.writer)),
        ]
        try:
            await both[1]
        finally:
            both[0].cancel()
            await asyncio.wait(both)

    async def _rest(self) -> None:
        """Take the rest of a request that has been answered, so that the next one can follow."""
        if self._client.state.their_state is h11.SEND_BODY:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    _ = [None async for _ in self._client.body()]

    async def _linger(self) -> None:
        """Take what the client still sends before closing: unread bytes would reset the connection under the answer."""
        await self._client.end()
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(LINGER_S):
                while await self._client.reader.read(READ):
                    pass
