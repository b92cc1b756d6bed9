"""A body on its way to a thread that reads it as a file: as much is taken in as the thread has room for."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Final

AHEAD: Final = 4 * 1024 * 1024
"""Bytes that may wait for the thread."""


class Arrival:
    """Both ends of the way; `give`, `end` and `fail` are for the loop, `read` is for one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._room = asyncio.Event()
        self._blocks: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._ended = False
        self._fault: BaseException | None = None

    async def give(self, pieces: list[bytes]) -> None:
        """Hand over the next bytes; returns when there is room for more."""
        with self._changed:
            self._blocks.extend(pieces)
            self._waiting_bytes += sum(map(len, pieces))
            self._room.clear()
            full = self._waiting_bytes > AHEAD and not self._ended
            self._changed.notify()
        if full:
            await self._room.wait()

    def end(self) -> None:
        """Say that this is all; also that nobody reads any more."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._room.set()

    def fail(self, fault: BaseException) -> None:
        """Let the thread's next reading raise, whatever waits."""
        with self._changed:
            self._fault = fault
            self._changed.notify()

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes (-1: what is there), b"" at the end; raises what `fail` was given."""
        with self._changed:
            while not (self._blocks or self._ended or self._fault):
                self._changed.wait()
            if self._fault is not None:
                raise self._fault
            if not self._blocks:
                return b""
            block = self._blocks.popleft()
            if 0 <= size < len(block):
                self._blocks.appendleft(block[size:])
                block = block[:size]
            self._waiting_bytes -= len(block)
            if self._waiting_bytes <= AHEAD // 2:
                self._loop.call_soon_threadsafe(self._room.set)
            return block
