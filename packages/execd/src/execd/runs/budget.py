"""A limit on what a run's readers get: the head of its output as it comes, its tail at the end, between them a gap."""

from __future__ import annotations

from execd.runs.spool import Spool
from execd.runs.sse import Stream
from execd.runs.store import Counts, Store
from execd.runs.strip import Strip
from execd.runs.text import torn


class Budget:
    """Lets the first half of `limit` bytes through, and keeps the last half of what follows until the end."""

    def __init__(self, limit: int, spool: Spool) -> None:
        self._left = limit - limit // 2
        self._tail_bytes = limit // 2
        self._tail = Strip(spool)
        self._dropped = Counts()

    @property
    def size(self) -> int:
        """Bytes that are kept back."""
        return self._tail.size

    def admit(self, stream: Stream, data: bytes, *, time_ms: int) -> bytes:
        """Return what goes to the readers at once of a read; the head does not end inside a character."""
        head = data[: self._left]
        if len(head) < len(data):
            head = head[: len(head) - torn(head)]
            self._left = 0
            self._tail.append(stream, data[len(head) :], time_ms=time_ms)
            self._drop(self._tail_bytes)
        else:
            self._left -= len(head)
        return head

    def release(self, store: Store, *, time_ms: int) -> bool:
        """Write the gap, if there is one, and the tail to the store; return whether anything was dropped."""
        lost = any(self._dropped)
        if lost:
            self._trim()
            store.gap(self._dropped, time_ms=time_ms)
        for span in self._tail.spans(self._tail.raw.start, self._tail.raw.end):
            store.write(span.stream, self._tail.raw.read(span.start, span.end), time_ms=span.time_ms)
        self._tail.clear()
        return lost

    def _trim(self) -> None:
        # The tail does not begin inside a character either, where there are characters.
        raw = self._tail.raw
        first = raw.read(raw.start, min(raw.start + 3, raw.end))
        rest = first.lstrip(bytes(range(0x80, 0xC0)))
        if rest:
            self._drop(raw.size - (len(first) - len(rest)))

    def _drop(self, bound: int) -> None:
        stdout, stderr = self._tail.limit(bound)
        self._dropped = Counts(self._dropped.stdout + stdout, self._dropped.stderr + stderr)
