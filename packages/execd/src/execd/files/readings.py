"""What goes out block by block: a file, spans and lines of it, and entries while they are found."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

import msgspec

from execd._wire import FileInfo
from execd.files.compression import coder
from execd.files.content import BLOCK, Content
from execd.files.lines import Lines
from execd.files.packing import Packing
from execd.files.ranges import Span
from execd.files.refusals import shown
from execd.files.search import Search
from execd.files.threads import Submit, settled


class Reading:
    """A file's bytes, block by block; the next one is read while the last one is sent."""

    def __init__(self, content: Content, span: Span | None, submit: Submit[bytes]) -> None:
        self._content = content
        self._offset = span.start if span else 0
        self._stop = span.stop if span else content.size
        self._submit = submit
        self._ahead: asyncio.Future[bytes] | None = None

    async def next(self) -> bytes:
        """Return the next bytes, b"" at the end; raises `EOFError` when the file became shorter than was said."""
        if self._content.in_memory:
            block = self._read()
        else:
            ahead, self._ahead = self._ahead or self._submit(self._read), None
            block = await settled(ahead)
        self._offset += len(block)
        if not block and self._stop is not None and self._offset < self._stop:
            raise EOFError(f"{shown(self._content.path)} became shorter while it was read")
        if block and self._offset != self._stop and not self._content.in_memory:
            self._ahead = self._submit(self._read)
        return block

    def _read(self) -> bytes:
        return self._content.read(self._offset, BLOCK if self._stop is None else min(BLOCK, self._stop - self._offset))

    async def close(self) -> None:
        """Let go of the file."""
        if self._ahead is not None:
            with suppress(Exception):
                await settled(self._ahead)
        self._content.close()


class ReadingLines:
    """Some lines of a file."""

    def __init__(self, reading: Reading, lines: Lines) -> None:
        self._reading = reading
        self._lines = lines

    async def next(self) -> bytes:
        """Return the next bytes, b"" at the end."""
        while not self._lines.over and (block := await self._reading.next()):
            if wanted := self._lines.take(block):
                return wanted
        return b""

    async def close(self) -> None:
        """Let go of the file."""
        await self._reading.close()


class ReadingParts:
    """Spans of a file with something before each; a part without a span is only that."""

    def __init__(self, content: Content, parts: list[tuple[bytes, Span | None]], submit: Submit[bytes]) -> None:
        self._content = content
        self._parts = deque(parts)
        self._submit = submit
        self._span: Span | None = None

    async def next(self) -> bytes:
        """Return the next bytes, b"" at the end; raises `EOFError` when the file became shorter than was said."""
        if self._span is None or not len(self._span):
            if not self._parts:
                return b""
            before, self._span = self._parts.popleft()
            return before
        span = self._span
        block = await settled(self._submit(lambda: self._content.read(span.start, min(BLOCK, len(span)))))
        if not block:
            raise EOFError(f"{shown(self._content.path)} became shorter while it was read")
        self._span = Span(span.start + len(block), span.stop)
        return block

    async def close(self) -> None:
        """Let go of the file."""
        self._content.close()


class Entries:
    """What a search finds, as JSON, in blocks."""

    def __init__(self, search: Search, submit: Submit[list[FileInfo]]) -> None:
        self._search = search
        self._submit = submit
        self._opening = b"["
        self._over = False

    async def next(self) -> bytes:
        """Return the next bytes, b"" at the end; raises the refusals of the wire."""
        while not self._over:
            found = await settled(self._submit(self._search.piece))
            self._over = self._search.over
            # The brackets of each piece become the commas between them.
            block = self._opening + msgspec.json.encode(found)[1:-1] if found else b""
            if found:
                self._opening = b","
            if self._over:
                return block + (b"[]" if self._opening == b"[" else b"]")
            if block:
                return block
        return b""

    async def close(self) -> None:
        """Let go of the directories."""
        self._search.close()


class Archive:
    """A directory as a tar stream, through a coding."""

    def __init__(self, packing: Packing, coding: str | None, submit: Submit[tuple[bytes, bool]]) -> None:
        self._packing = packing
        self._coder = coder(coding) if coding else None
        self._submit = submit
        self._over = False

    async def next(self) -> bytes:
        """Return the next bytes, b"" at the end; raises `EOFError` when a file became shorter while it was read."""
        while not self._over:
            block, self._over = await settled(self._submit(self._piece))
            if block:
                return block
        return b""

    def _piece(self) -> tuple[bytes, bool]:
        block = self._packing.piece()
        if self._coder is None:
            return block or b"", block is None
        return (self._coder.flush(), True) if block is None else (self._coder.compress(block), False)

    async def close(self) -> None:
        """Let go of the directories."""
        self._packing.close()
