"""Output beside the store: reads of both streams in order, of which the oldest bytes are given up first.

It has no events. What survivors of a command write after its end is kept in one, and the tail of a run whose output is
limited until that run ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from struct import Struct
from typing import Final, NamedTuple

from execd.runs.blocks import Log
from execd.runs.index import rightmost
from execd.runs.spool import Spool
from execd.runs.sse import Stream

READ_BYTES: Final = 64 * 1024
"""Reads of one stream that follow each other count as one up to this size: short ones need no record each."""
_RECORD: Final = Struct("<2Q")
_WINDOW: Final = 512


class Span(NamedTuple):
    """Bytes [start, end) of one stream."""

    stream: Stream
    start: int
    end: int
    time_ms: int


class Strip:
    """A log of raw bytes with a record of which stream wrote which of them when."""

    def __init__(self, spool: Spool) -> None:
        self.raw = Log(spool)
        self._index = Log(spool, keep_blocks=0)
        self._last: Span | None = None

    @property
    def size(self) -> int:
        """Bytes that count toward retention."""
        return self.raw.size + self._index.size

    def append(self, stream: Stream, data: bytes, *, time_ms: int) -> None:
        """Add one read of one stream."""
        start, end = self.raw.end, self.raw.end + len(data)
        last = self._last
        if last is None or last.stream != stream or end - last.start > READ_BYTES:
            self._last = Span(stream, start, end, time_ms)
            self._index.append(_RECORD.pack(start, time_ms << 1 | (stream == "stderr")))
        self.raw.append(data)

    def limit(self, bound: int) -> tuple[int, int]:
        """Keep the last `bound` bytes; return how many of standard output and of standard error went."""
        before = self.raw.end - bound
        if before <= self.raw.start:
            return 0, 0
        gone = {"stdout": 0, "stderr": 0}
        for span in self.spans(self.raw.start, before):
            gone[span.stream] += span.end - span.start
        self._index.drop(self._record_at(before) * _RECORD.size)
        self.raw.drop(before)
        return gone["stdout"], gone["stderr"]

    def spans(self, start: int, end: int) -> Iterator[Span]:
        """Say which stream wrote what of the bytes [start, end), all of which must still be there."""
        at = self._record_at(start)
        while start < end:
            for span in self._window(at):
                at += 1
                if span.start < end:
                    yield span._replace(start=max(span.start, start), end=min(span.end, end))
                if span.end >= end:
                    return

    def excerpt(self, start: int, end: int) -> Strip:
        """Return the bytes [start, end) as a strip that keeps them until its `clear`."""
        kept = copy(self)
        kept.raw = self.raw.copy(start, end)
        kept._index = self._index.copy(self._index.start, self._index.end)  # noqa: SLF001 - a copy of this
        return kept

    def clear(self) -> None:
        """Give everything back."""
        self._index.clear()
        self.raw.clear()

    def _window(self, at: int) -> list[Span]:
        stop = min(at + _WINDOW, self._records)
        records = list(_RECORD.iter_unpack(self._index.read(at * _RECORD.size, stop * _RECORD.size)))
        ends = [start for start, _ in records[1:]]
        ends.append(self._start(stop) if stop < self._records else self.raw.end)
        return [
            Span("stderr" if word & 1 else "stdout", start, end, word >> 1)
            for (start, word), end in zip(records, ends, strict=True)
        ]

    @property
    def _records(self) -> int:
        return self._index.end // _RECORD.size

    def _record_at(self, offset: int) -> int:
        """Return the record of the byte at an offset."""
        first = self._index.start // _RECORD.size
        return max(first, rightmost(first, self._records, accepts=lambda at: self._start(at) <= offset))

    def _start(self, at: int) -> int:
        start: int = _RECORD.unpack(self._index.read(at * _RECORD.size, (at + 1) * _RECORD.size))[0]
        return start
