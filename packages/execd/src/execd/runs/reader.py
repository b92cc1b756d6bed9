"""One stream of a run's events: what HTTP reads from, and what a run counts."""

from __future__ import annotations

import asyncio
from typing import Protocol

from execd.runs.clock import Clock
from execd.runs.cursor import Cursor
from execd.runs.ends import End
from execd.runs.feed import Feed


class Read(Protocol):
    """What a reader asks of its run."""

    feed: Feed
    end: End | None

    def reconsider(self) -> None:
        """Look again whether the program must be held: a reader has moved on."""

    def leave(self, reader: Reader) -> None:
        """Forget a reader."""


class Grace:
    """A reader that left, for as long as it may come back."""

    __slots__ = ("record", "timer")

    timer: asyncio.TimerHandle

    def __init__(self, record: int) -> None:
        self.record = record


class Reader:
    """One stream of a run's events, from one number on."""

    def __init__(self, run: Read, cursor: Cursor, *, clock: Clock, follows: bool, name: bytes | None = None) -> None:
        self._run = run
        self.name = name
        """What it calls itself, so that its successor can take its place."""
        self._cursor = cursor
        self._clock = clock
        self.follows = follows

    @property
    def record(self) -> int:
        """The record that is read next."""
        return self._cursor.record

    @property
    def position(self) -> int:
        """The number of the last event that was taken."""
        return self._cursor.position

    @property
    def done(self) -> bool:
        """Whether there is nothing more to take, ever."""
        return self._cursor.done

    @property
    def empty(self) -> bool:
        """Whether nothing is there and nothing can come."""
        ended = self._run.end is not None or not self.follows
        return self._cursor.done or (ended and self._cursor.exhausted)

    def take(self, max_bytes: int = 256 * 1024) -> bytes:
        """Return whole frames that are ready, b"" when none are."""
        frames = self._cursor.take(max_bytes, time_ms=self._clock.wall_ms())
        if frames:
            self._run.reconsider()
        return frames

    async def wait(self, timeout_s: float) -> bool:
        """Return True when `take` has something, False when the time is over first."""
        # The feed wakes for other reasons too; the deadline is for the events.
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while self._cursor.exhausted and not self._cursor.done:
            left = deadline - loop.time()
            if left <= 0 or not await self._run.feed.wait(left):
                return not self._cursor.exhausted
        return True

    def replace(self) -> None:
        """End reading because a successor is there: its connection is dead, whether or not we have noticed."""
        self._cursor.done = True

    def close(self) -> None:
        """End reading; the last reader's going starts the disconnect grace."""
        self._run.leave(self)
