"""Bounded memory for append-only logs: old blocks go to one unlinked file, written in batches by one thread.

The file is cut into slots of one size, so that thousands of runs need one descriptor and a dropped block frees its
slot. It has no name from the moment it exists: a crash leaves nothing behind, and no workload can open it. When the
disk refuses, blocks stay in memory and `healthy` turns false: whoever bounds the logs then bounds them lower, and
runs go on.
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Callable
from heapq import heappop, heappush
from queue import SimpleQueue
from typing import Final

BLOCK: Final = 64 * 1024
"""Bytes of a slot, and the size from which a block is sealed."""
BACKLOG_LIMIT: Final = 32 * 1024 * 1024
"""Bytes that may wait for the disk before writers are asked to hold."""
_BATCH: Final = 32


class Block:
    """A stretch of one log: in memory (`data`), on disk (`slot`), or for a moment both."""

    __slots__ = ("data", "dropped", "holders", "length", "slot", "start")

    def __init__(self, start: int, data: bytes) -> None:
        self.start = start
        self.length = len(data)
        self.data: bytes | None = data
        self.slot: int | None = None
        self.dropped = False
        self.holders = 1
        """Logs that it is part of; the last one that drops it frees it."""


class Spool:
    """The file, its free slots and the thread that fills them.

    `directory` is private to the daemon; None keeps everything in memory. `on_progress`, set by whoever holds writers
    back, is called in the thread when a backlog that was over its limit has drained, and when `healthy` changes.
    """

    def __init__(self, directory: str | None) -> None:
        self._directory = directory
        self.on_progress: Callable[[], None] = _nothing
        self._lock = threading.Lock()
        self._free: list[int] = []
        self._slots = 0
        self._file: int | None = None
        self._queue: SimpleQueue[Block | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._has_held = False
        self.backlog = 0
        self.healthy = directory is not None

    @property
    def crowded(self) -> bool:
        """Whether writers should hold until the disk has caught up."""
        return self.backlog > BACKLOG_LIMIT

    @property
    def usable(self) -> bool:
        """Whether blocks can go to disk at all; a refusal is tried again, no directory is not."""
        return self._directory is not None

    def store(self, block: Block) -> None:
        """Queue one block of at most `BLOCK` bytes for the disk; it stays readable throughout."""
        has_thread = self._thread is not None or self._start()
        with self._lock:
            self.backlog += block.length
            self._has_held |= self.crowded
        if has_thread:
            self._queue.put(block)
        else:
            self._write([block])

    def read(self, block: Block) -> bytes:
        """Return the bytes of a block, from wherever they are."""
        # The thread sets the slot before it clears the data: read in the other order, one of the two is there.
        data = block.data
        if data is not None:
            return data
        if block.slot is None or self._file is None:
            raise RuntimeError("a block was read that is neither in memory nor on disk")
        return os.pread(self._file, block.length, block.slot * BLOCK)

    def drop(self, block: Block) -> None:
        """Forget a block and free its slot, unless it is part of another log too."""
        block.holders -= 1
        if block.holders:
            return
        with self._lock:
            block.dropped = True
            block.data = None
            if block.slot is not None:
                self._release(block.slot)

    def close(self) -> None:
        """End the thread and close the file; logs cannot be read from disk afterwards."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _start(self) -> bool:
        thread = threading.Thread(target=self._run, name="spool", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # at the limit of processes; what is to be kept is written here and now
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        while (block := self._queue.get()) is not None:
            batch = [block]
            while len(batch) < _BATCH and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    self._queue.put(None)
                    break
                batch.append(following)
            self._write(batch)

    def _write(self, batch: list[Block]) -> None:
        was_healthy = self.healthy
        for block in batch:
            self.healthy = self._write_one(block)
            with self._lock:
                self.backlog -= block.length
        # Not what was so when the batch began: writers may have been held while it was under way.
        with self._lock:
            caught_up = self._has_held and not self.crowded
            self._has_held &= not caught_up
        if caught_up or was_healthy != self.healthy:
            self.on_progress()

    def _write_one(self, block: Block) -> bool:
        with self._lock:
            data = block.data
            if data is None or block.slot is not None:
                return self.healthy
            slot = heappop(self._free) if self._free else self._slots
            self._slots = max(self._slots, slot + 1)
        try:
            written = os.pwrite(self._open(), data, slot * BLOCK)
            fits = written == len(data)
        except OSError:
            fits = False
        with self._lock:
            if not fits or block.dropped:
                self._release(slot)
            else:
                block.slot = slot
                block.data = None
        return fits

    def _open(self) -> int:
        if self._file is None:
            if self._directory is None:
                raise RuntimeError("without a directory nothing is queued for the disk")
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
            self._file = _unlinked(self._directory)
        return self._file

    def _release(self, slot: int) -> None:
        heappush(self._free, slot)
        if len(self._free) == self._slots and self._file is not None:
            self._free.clear()
            self._slots = 0
            os.ftruncate(self._file, 0)


def _nothing() -> None:
    return


def _unlinked(directory: str) -> int:
    try:
        return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as refusal:
        if refusal.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT}:
            raise
    descriptor, path = tempfile.mkstemp(dir=directory)
    os.unlink(path)
    return descriptor
