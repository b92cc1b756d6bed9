"""What a run has written, byte for byte, from one place to another: the source of `/command/{id}/logs`.

A place is an offset into the raw store, over both streams. What survivors write after the end follows the store's own
bytes, so that a cursor goes on over the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final, Protocol

from execd.errors import InvalidQuery
from execd.runs.ends import End
from execd.runs.sse import Stream
from execd.runs.store import Store
from execd.runs.strip import Strip
from execd.runs.text import torn

BLOCK: Final = 256 * 1024
_TORN: Final = 3
"""Bytes that an unfinished character can have."""
_NEAR: Final = 1024
"""Bytes of both streams within which a character is waited for."""
_STREAMS: Final[tuple[Stream, ...]] = ("stdout", "stderr")


class Written(Protocol):
    """What is read (`runs.Run` is one)."""

    store: Store
    late: Strip | None
    late_open: bool
    end: End | None

    def leave(self, reader: RawReader) -> None:
        """Forget a reader."""


class RawReader:
    """The bytes from `start` to `end`, fixed when it is made and kept until it is closed, whatever the run forgets.

    It does not count as a reader of the run's events.
    """

    follows = False
    done = False
    record = 0
    name: bytes | None = None

    def __init__(self, run: Written, *, cursor: int, until: int | None, stream: Stream | None) -> None:
        there = _end(run)
        if cursor > there:
            raise InvalidQuery(f"cursor: {cursor} is past the end, {there}")
        if until is not None and until < cursor:
            raise InvalidQuery(f"until: {until} lies before the cursor, {cursor}")
        self._run = run
        self._stream = stream
        self.newest = there
        self.end = there if until is None else min(until, there)
        self.start = min(max(cursor, _oldest(run, cursor)), self.end)
        self._kept = list(_excerpts(run, self.start, self.end))
        self._pieces = self._read()

    @property
    def length(self) -> int | None:
        """How many bytes there will be; None where that would have to be counted."""
        return self.end - self.start if self._stream is None else None

    async def next(self) -> bytes:
        """Return the next bytes, b"" at the end."""
        await asyncio.sleep(0)
        parts: list[bytes] = []
        size = 0
        while size < BLOCK and (piece := next(self._pieces, None)) is not None:
            parts.append(piece)
            size += len(piece)
        return b"".join(parts)

    def replace(self) -> None:
        """Do nothing: it has no name."""

    async def close(self) -> None:
        """End reading."""
        self._run.leave(self)
        for kept in self._kept:
            kept.clear()
        self._kept.clear()

    def _read(self) -> Iterator[bytes]:
        for kept in self._kept:
            start, end = kept.raw.start, kept.raw.end
            spans = kept.spans(start, end) if self._stream else [("", start, end)]
            for stream, *(first, last) in (span[:3] for span in spans):
                if stream != (self._stream or ""):
                    continue
                for at in range(first, last, BLOCK):
                    yield kept.raw.read(at, min(at + BLOCK, last))


def _excerpts(run: Written, start: int, end: int) -> Iterator[Store | Strip]:
    base = run.store.raw.end
    if start < min(end, base):
        yield run.store.excerpt(start, min(end, base))
    if run.late is not None and end > base:
        yield run.late.excerpt(max(start - base, 0), end - base)


def _end(run: Written) -> int:
    """Return where the whole characters end that are there now; where nobody can write any more, where the bytes do."""
    base = run.store.raw.end
    if run.end is None:
        return _settled(run.store)
    if run.late is None:
        return base
    return base + (_settled(run.late) if run.late_open else run.late.raw.end)


def _settled(source: Store | Strip) -> int:
    """Return the last place at which neither stream is inside a character.

    What is unfinished since long, while the other stream went on, is no character, and holds nothing back.
    """
    end = source.raw.end
    first = max(source.raw.start, end - _NEAR)
    near = [
        (span.stream, at, byte)
        for span in source.spans(first, end)
        for at, byte in enumerate(source.raw.read(span.start, span.end), span.start)
    ]
    before = -1
    while before != end:
        before = end
        for wanted in _STREAMS:
            own = [(at, byte) for stream, at, byte in near if stream == wanted and at < end][-_TORN:]
            if unfinished := torn(bytes(byte for _, byte in own)):
                end = own[-unfinished][0]
    return end


def _oldest(run: Written, cursor: int) -> int:
    base = run.store.raw.end
    if cursor < base and run.store.raw.size:
        return run.store.raw.start
    return base + (0 if run.late is None else run.late.raw.start)
