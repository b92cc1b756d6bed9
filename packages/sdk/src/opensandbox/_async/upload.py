"""The body of an upload, made from whatever the caller has, block by block."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

from opensandbox._acompat import aeach, ain_thread
from opensandbox._core import files
from opensandbox._core.files import IN_MEMORY, Data, WriteEntry


class Source:
    """Where the bytes of one file come from, again for each try."""

    def __init__(self, data: Data) -> None:
        file: Any = data
        self._data = file
        self._start = None
        self.size = files.size_of(data)
        """None where only reading tells."""
        if isinstance(data, (*IN_MEMORY, os.PathLike)):
            self.is_repeatable = isinstance(data, IN_MEMORY) or os.path.isfile(data)
        elif isinstance(data, (list, tuple)):
            self.is_repeatable = True
        else:
            self.is_repeatable = bool(getattr(file, "seekable", bool)())
            self._start = file.tell() if self.is_repeatable else None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes."""
        if isinstance(self._data, IN_MEMORY):
            for piece in files.pieces(self._data):
                yield piece
            return
        is_ours = isinstance(self._data, os.PathLike)
        if not is_ours and not hasattr(self._data, "read"):
            async with aclosing(self._yielded()) as pieces:
                async for piece in pieces:
                    yield piece
            return
        file = await ain_thread(open, self._data, "rb") if is_ours else self._data
        try:
            if self._start is not None:
                await ain_thread(file.seek, self._start)
            left = self.size
            while block := await ain_thread(file.read, files.BLOCK if left is None else min(files.BLOCK, left)):
                yield block.encode() if isinstance(block, str) else block
                left = None if left is None else left - len(block)
            if left:
                raise OSError(f"{os.fspath(self._data)!r} became shorter while it was sent")
        finally:
            if is_ours:
                file.close()

    async def _yielded(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(aeach(self._data)) as items:
            async for item in items:
                if not isinstance(item, (bytes, bytearray, memoryview)):
                    raise TypeError(f"data must yield bytes, not {type(item).__name__}")
                for piece in files.pieces(item):
                    yield piece


async def body(boundary: str, sources: Iterable[tuple[WriteEntry, Source]]) -> AsyncGenerator[bytes, None]:
    """Yield the body of an upload, in blocks."""
    packer = files.Packer()
    async with aclosing(_pieces(boundary, sources)) as pieces:
        async for piece in pieces:
            if block := packer.add(piece):
                yield block
    yield packer.rest()


async def _pieces(boundary: str, sources: Iterable[tuple[WriteEntry, Source]]) -> AsyncGenerator[bytes, None]:
    for entry, source in sources:
        yield files.opening(boundary, entry)
        async with aclosing(source.blocks()) as blocks:
            async for block in blocks:
                yield block
        yield b"\r\n"
    yield files.closing(boundary)
