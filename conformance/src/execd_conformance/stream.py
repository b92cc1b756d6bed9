"""`Stream`: an answer that comes as events, read as far as its scenario wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import httpx

from execd_conformance.broken import Broken
from execd_conformance.events import Decoder, Event
from execd_conformance.reply import Reply

_STREAM_BYTES: Final = 1024 * 1024 * 1024


class Stream:
    """Iterate over it for its events; it ends with the stream, however that ends."""

    def __init__(self, response: httpx.Response, problem: Reply | None, *, what: str, deadline: float) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.problem = problem
        """The answer, where it is no stream of events."""
        self.events: list[Event] = []
        """All events so far."""
        self.clean_end = False
        """Whether it ended as HTTP says, and was not cut."""
        self.cut: str = ""
        """What cut it."""
        self._response = response
        self._what = what
        self._deadline = deadline
        self._decoder = Decoder()
        self._body = bytearray()
        self._ready: list[Event] = []
        self._unfinished = False
        self._data = response.aiter_bytes() if problem is None else None

    @property
    def body(self) -> bytes:
        """All bytes so far, as they came."""
        return bytes(self._body)

    @property
    def foreign(self) -> bool:
        """Whether events came that were bare JSON lines and no server-sent events."""
        return self._decoder.foreign

    @property
    def strays(self) -> list[str]:
        """Lines that belong to no event."""
        return self._decoder.strays

    @property
    def unfinished(self) -> bool:
        """Whether it ended within an event: its last blank line is missing."""
        return self._unfinished

    def need(self) -> None:
        """Go no further where this is no stream of events."""
        if self.problem is not None:
            raise Broken(f"{self._what} was to give a stream of events, {self.problem!r} came")

    def __aiter__(self) -> AsyncIterator[Event]:
        """Go on with the events that have not been read."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event; `Broken` where the time is up."""
        while not self._ready:
            if not await self._read():
                raise StopAsyncIteration
        event = self._ready.pop(0)
        self.events.append(event)
        return event

    async def until(self, predicate: Callable[[Event], object], limit_s: float = 10.0) -> Event:
        """Read on to the first event that the predicate takes; `Broken` where none comes in time."""
        self.need()
        try:
            async with asyncio.timeout(limit_s):
                async for event in self:
                    if predicate(event):
                        return event
        except TimeoutError:
            raise Broken(f"an event of {self._what} did not come within {limit_s:g} s{self._last()}") from None
        raise Broken(f"{self._what} ended before an event that was waited for{self._last()}")

    async def leave(self) -> None:
        """Close the connection without reading on."""
        self._data = None
        await self._response.aclose()

    def _last(self) -> str:
        return f"; the last of {len(self.events)} events was {self.events[-1].raw[:200]}" if self.events else ""

    async def _read(self) -> bool:
        if self._data is None:
            return False
        try:
            async with asyncio.timeout_at(self._deadline):
                data = await anext(self._data, None)
        except TimeoutError:
            raise Broken(f"{self._what} was to end in time, and went on{self._last()}") from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as fault:
            self.cut = f"{type(fault).__name__}: {fault}"
            data = None
        else:
            self.clean_end = data is None
        if data is None:
            self._finish()
            return bool(self._ready)
        self._body += data
        if len(self._body) > _STREAM_BYTES:
            raise Broken(f"{self._what} sent over {_STREAM_BYTES} bytes")
        self._ready += self._decoder.feed(data)
        return True

    def _finish(self) -> None:
        self._data = None
        self._unfinished = self._decoder.pending
        self._ready += self._decoder.finish()
