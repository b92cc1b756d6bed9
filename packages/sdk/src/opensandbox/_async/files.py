"""`sandbox.files`: write and read files, look at what is there. Memory stays flat whatever their size."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal, overload

from opensandbox._acompat import ain_thread
from opensandbox._core import files
from opensandbox._core.files import Data, SandboxPath, WriteEntry
from opensandbox.exceptions import FileNotFoundException
from opensandbox.results import FileInfo
from opensandbox.transport import AsyncTransport

_MEMORY: Final = (str, bytes, bytearray, memoryview)


class Files:
    """Files in one sandbox.

    A relative path is under the sandbox's working directory; `~` and `$VAR` at the start of one stand for what they are
    in the sandbox.
    """

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def write_file(
        self,
        path: SandboxPath,
        data: Data,
        *,
        mode: int | None = None,
        owner: str | None = None,
        group: str | None = None,
    ) -> None:
        """Write a file, whole or not at all: nobody ever reads half of it. Missing directories are made.

        `data` is text (written as UTF-8), bytes, the path of a file on this side (a `Path`; text is content), or an
        open file, read from where it stands. With `mode=None` an existing file keeps its mode, and a new one gets
        0o644.

        Raises `PermissionDeniedException`, `NotADirectoryException`, `IsADirectoryException`, `NoSpaceException`, and
        `OSError` for what cannot be read on this side.

        Example:
            >>> await sandbox.files.write_file("/workspace/run.sh", "echo hi", mode=0o755)  # doctest: +SKIP
        """
        await self.write_files([WriteEntry(path, data, mode=mode, owner=owner, group=group)])

    async def write_files(self, entries: Iterable[WriteEntry | tuple[SandboxPath, Data]]) -> None:
        """Write many files in one request: all of them, or none.

        Example:
            >>> await sandbox.files.write_files(
            ...     [("a.txt", "one"), WriteEntry("b.sh", b"two", mode=0o755)]
            ... )  # doctest: +SKIP
        """
        wanted = [
            files.check(entry if isinstance(entry, WriteEntry) else WriteEntry(*entry)) for entry in entries
        ]  # fmt: skip
        if not wanted:
            return
        if "create_mode" not in self._transport.features:
            wanted = [await self._with_mode(entry) for entry in wanted]
        boundary = uuid.uuid4().hex
        sources = [(entry, _Source(entry.data)) for entry in wanted]
        request = files.upload(
            boundary,
            is_repeatable=all(source.is_repeatable for _, source in sources),
            length=files.length_of(boundary, [(entry, source.size) for entry, source in sources]),
        )
        await self._transport.send(request, content=partial(_body, boundary, sources))

    async def _with_mode(self, entry: WriteEntry) -> WriteEntry:
        """Say the mode where the daemon would give new files another one than we promise."""
        if entry.mode is not None:
            return entry
        try:
            return replace(entry, mode=(await self.get_info(entry.path)).mode or None)
        except FileNotFoundException:
            return replace(entry, mode=files.NEW_FILE_MODE)

    @overload
    async def read_file(
        self, path: SandboxPath, *, binary: Literal[False] = False, encoding: str = "utf-8", errors: str = "strict"
    ) -> str: ...
    @overload
    async def read_file(self, path: SandboxPath, *, binary: Literal[True]) -> bytes: ...
    @overload
    async def read_file(
        self, path: SandboxPath, *, binary: bool, encoding: str = "utf-8", errors: str = "strict"
    ) -> str | bytes: ...
    async def read_file(
        self, path: SandboxPath, *, binary: bool = False, encoding: str = "utf-8", errors: str = "strict"
    ) -> str | bytes:
        """Return the content of a file: its text, or with `binary` its bytes. Line ends are left as they are.

        Raises `FileNotFoundException`, `PermissionDeniedException`, `IsADirectoryException`, and `UnicodeDecodeError`
        for what is not text in that encoding.

        Example:
            >>> await sandbox.files.read_file("/workspace/output.txt")  # doctest: +SKIP
            'done\\n'
        """
        async with aclosing(self.read_stream(path)) as blocks:
            content = b"".join([block async for block in blocks])
        return content if binary else content.decode(encoding, errors)

    def read_stream(self, path: SandboxPath) -> AsyncGenerator[bytes, None]:
        """Read a file block by block, as it comes; a connection that breaks is resumed.

        Raises as `read_file` does, and `StreamInterruptedException` when the file changes meanwhile.

        Example:
            >>> async for block in sandbox.files.read_stream("/workspace/big.bin"):  # doctest: +SKIP
            ...     digest.update(block)
        """
        return self._transport.receive(files.download(path))

    async def get_info(self, path: SandboxPath) -> FileInfo:
        """Tell what is at a path; a link is told of itself. Raises `FileNotFoundException`.

        Example:
            >>> oct((await sandbox.files.get_info("/workspace/run.sh")).mode)  # doctest: +SKIP
            '0o755'
        """
        return files.entry((await self._transport.send(files.info(path))).body)

    async def exists(self, path: SandboxPath) -> bool:
        """Whether there is anything at a path; a link is, whatever it points to."""
        try:
            await self.get_info(path)
        except FileNotFoundException:
            return False
        return True


class _Source:
    """Where the bytes of one file come from, again for each try."""

    def __init__(self, data: Data) -> None:
        file: Any = data
        self._data = file
        self._start = None
        self.size = files.size_of(data)
        """None where only reading tells."""
        if isinstance(data, (*_MEMORY, os.PathLike)):
            self.is_repeatable = isinstance(data, _MEMORY) or os.path.isfile(data)
        else:
            self.is_repeatable = bool(getattr(file, "seekable", bool)())
            self._start = file.tell() if self.is_repeatable else None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes."""
        if isinstance(self._data, _MEMORY):
            for piece in files.pieces(self._data):
                yield piece
            return
        is_ours = isinstance(self._data, os.PathLike)
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


async def _body(boundary: str, sources: Iterable[tuple[WriteEntry, _Source]]) -> AsyncGenerator[bytes, None]:
    packer = files.Packer()
    async with aclosing(_pieces(boundary, sources)) as pieces:
        async for piece in pieces:
            if block := packer.add(piece):
                yield block
    yield packer.rest()


async def _pieces(boundary: str, sources: Iterable[tuple[WriteEntry, _Source]]) -> AsyncGenerator[bytes, None]:
    for entry, source in sources:
        yield files.opening(boundary, entry)
        async with aclosing(source.blocks()) as blocks:
            async for block in blocks:
                yield block
        yield b"\r\n"
    yield files.closing(boundary)
