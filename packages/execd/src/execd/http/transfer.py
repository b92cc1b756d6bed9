"""A file's bytes as the body of an answer: block by block, as fast as the client reads and no faster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from execd.http.exchange import Exchange
from execd.http.waiting import CutShort, cut_short_by


class Blocks(Protocol):
    """What is sent (`files.Reading` is one)."""

    async def next(self) -> bytes:
        """Return the next bytes, b"" at the end."""

    async def close(self) -> None:
        """Let go of the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Status and headers, ready to go out, and where the body comes from."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    reading: Blocks

    async def write_to(self, exchange: Exchange) -> None:
        """Send it all, unless the client leaves first; closes the source in every case."""
        try:
            if exchange.method == "HEAD":
                await exchange.start(self.status, list(self.headers))
                await exchange.send_body(b"", last=True)
                return
            async with cut_short_by(exchange.left()):
                await self._send(exchange)
        except CutShort:
            pass
        finally:
            await self.reading.close()

    async def _send(self, exchange: Exchange) -> None:
        # The first block before the status: what cannot be read at all can still be refused properly.
        block = await self.reading.next()
        await exchange.start(self.status, list(self.headers))
        while block:
            await exchange.send_body(block, last=False)
            block = await self.reading.next()
        await exchange.send_body(b"", last=True)
