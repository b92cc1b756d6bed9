"""A run's events as server-sent events: written as bare ASGI, as fast as the client reads and no faster.

What has gathered while one send was under way goes out together in the next; a lone event goes out at once. A client
that reads nothing blocks only its own send, and one that leaves ends the reading at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from execd.http.exchange import Exchange
from execd.http.waiting import CutShort, cut_short_by
from execd.runs.sse import ping_frame

HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
BATCH: Final = 256 * 1024
"""Bytes of frames in one send."""


class Events(Protocol):
    """What a stream reads from (`runs.Reader` is one)."""

    @property
    def done(self) -> bool:
        """Whether there is nothing more to take, ever."""

    def take(self, max_bytes: int = BATCH) -> bytes:
        """Return whole frames that are ready, b"" when none are."""

    async def wait(self, timeout_s: float) -> bool:
        """Return True when `take` has something, False when the time is over first."""

    def close(self) -> None:
        """End reading."""


class Whole:
    """Events that are all there."""

    def __init__(self, frames: bytes) -> None:
        self._frames = frames
        self.done = False

    def take(self, max_bytes: int = BATCH) -> bytes:
        """Return them all, once."""
        self.done = True
        return self._frames

    async def wait(self, timeout_s: float) -> bool:
        """Return at once."""
        return True

    def close(self) -> None:
        """Do nothing."""


async def write_events(exchange: Exchange, events: Events, *, heartbeat_s: float, now_ms: Callable[[], int]) -> None:
    """Send events until the terminal one, or until the client leaves; closes `events` in every case."""
    try:
        if exchange.method == "HEAD":
            await exchange.start(200, list(HEADERS))
            await exchange.send_body(b"", last=True)
            return
        async with cut_short_by(exchange.left()):
            await exchange.start(200, list(HEADERS))
            await _pump(exchange, events, heartbeat_s=heartbeat_s, now_ms=now_ms)
    except CutShort:
        pass
    finally:
        events.close()


async def _pump(exchange: Exchange, events: Events, *, heartbeat_s: float, now_ms: Callable[[], int]) -> None:
    # A read that completes no event wakes this loop too: the heartbeat counts from the last event.
    clock = asyncio.get_running_loop().time
    due_s = clock() + heartbeat_s
    while True:
        frames = events.take(BATCH)
        if frames or events.done:
            await exchange.send_body(frames, last=events.done)
            due_s = clock() + heartbeat_s
            if events.done:
                return
            if len(frames) >= BATCH // 2:
                # A client that reads as fast as we write would keep the loop from everybody else.
                await asyncio.sleep(0)
        elif not await events.wait(max(0, due_s - clock())):
            await exchange.send_body(ping_frame(now_ms()), last=False)
            due_s = clock() + heartbeat_s
