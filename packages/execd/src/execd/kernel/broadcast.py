"""Events for whoever listens at this moment: stateless, from now on, and for nobody in particular."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from execd.runs.feed import Feed
from execd.runs.sse import control_frame, encode

LIMIT: Final = 8 * 1024 * 1024
"""Bytes that wait for one listener; the oldest go first, since nothing here is kept."""


class Broadcast:
    """What is told reaches every listener; the last thing told is an error event."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._listeners: set[Listener] = set()

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event to all listeners."""
        if self._listeners:
            frame = control_frame(None, encode({**event, "timestamp": self._now_ms()}))
            for listener in self._listeners:
                listener.add(frame)

    def listen(self) -> Listener:
        """Return a listener to all that is told from now on."""
        listener = Listener(self._listeners.discard)
        self._listeners.add(listener)
        return listener

    def end(self, event: dict[str, Any]) -> None:
        """Send the last event."""
        self.tell(event)
        for listener in self._listeners:
            listener.last()
        self._listeners.clear()


class Listener:
    """One stream of a broadcast."""

    def __init__(self, leave: Callable[[Listener], None]) -> None:
        self._leave = leave
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._feed = Feed()

    def add(self, frame: bytes) -> None:
        """Put a frame in line."""
        self._frames.append(frame)
        self._size += len(frame)
        while self._size > LIMIT and len(self._frames) > 1:
            self._size -= len(self._frames.popleft())
        self._feed.wake()

    def last(self) -> None:
        """Take note that nothing more comes."""
        self._ended = True
        self._feed.wake()

    @property
    def done(self) -> bool:
        """Whether there is nothing more to take, ever."""
        return self._ended and not self._frames

    def take(self, max_bytes: int = 256 * 1024) -> bytes:
        """Return whole frames that are ready, b"" when none are."""
        taken: list[bytes] = []
        size = 0
        while self._frames and size < max_bytes:
            frame = self._frames.popleft()
            size += len(frame)
            taken.append(frame)
        self._size -= size
        return b"".join(taken)

    async def wait(self, timeout_s: float) -> bool:
        """Return True when `take` has something, False when the time is over first."""
        if not self._frames and not self._ended:
            await self._feed.wait(timeout_s)
        return bool(self._frames) or self._ended

    def close(self) -> None:
        """End listening."""
        self._leave(self)
