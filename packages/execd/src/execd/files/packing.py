"""A directory as a tar stream, made piece by piece: each file as it is when its turn comes. Blocking calls.

Files, directories and links; what is something else, cannot be read or has vanished is left out. The standard library
writes the headers, and content goes straight from the file.
"""

from __future__ import annotations

import os
import stat
import tarfile
import time
from collections.abc import Callable, Generator, Iterator
from typing import Final

from execd.files.glob import Pattern
from execd.files.owners import Names
from execd.files.refusals import refused, shown
from execd.files.stats import Stats, stats
from execd.files.walk import Found, open_root, walk

PIECE: Final = 1024 * 1024
PIECE_S: Final = 0.02
"""How long one piece takes; whoever leaves waits for no more than that."""
_LOOKS: Final = 64
"""Blocks between two looks at the clock."""
_RECORD: Final = tarfile.BLOCKSIZE
_END: Final = bytes(2 * _RECORD)
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NANOSECONDS: Final = 1_000_000_000


class Packing:
    """One archive on its way out; `piece` until it is empty, and `close` in every case."""

    def __init__(self, root: str, *, exclude: list[Pattern]) -> None:
        """Open the directory; raises the refusals of the wire."""
        with refused(root):
            self._walk = walk(open_root(root), left_out=_leaving_out(exclude))
        self._names = Names()
        self._blocks = self._packed()

    def piece(self) -> bytes | None:
        """Return the next bytes, None at the end; raises `EOFError` when a file became shorter while it was read.

        No piece takes long: none has many entries, and one of what is left out has nothing.
        """
        pieces: list[bytes] = []
        size = looks = 0
        deadline_s = time.monotonic() + PIECE_S
        while size < PIECE:
            block = next(self._blocks, None)
            if block is None:
                return b"".join(pieces) if pieces else None
            pieces.append(block)
            size += len(block)
            looks += 1
            if looks % _LOOKS == 0 and time.monotonic() > deadline_s:
                break
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of every directory and file."""
        self._blocks.close()
        self._walk.close()

    def _packed(self) -> Generator[bytes, None, None]:
        for found in self._walk:
            yield from self._entry(found)
            yield b""  # Also where there was nothing to pack: a walk may be long.
        yield _END

    def _entry(self, found: Found) -> Iterator[bytes]:
        try:
            told = stats(found.name, directory=found.directory)
            if stat.S_ISREG(told.mode):
                file = os.open(found.name, _OPEN, dir_fd=found.directory)
            elif stat.S_ISLNK(told.mode):
                yield self._header(found, told, target=os.readlink(found.name, dir_fd=found.directory))
                return
            elif stat.S_ISDIR(told.mode):
                yield self._header(found, told)
                return
            else:
                return
        except OSError:
            return
        try:
            yield from self._file(found, file)
        finally:
            os.close(file)

    def _file(self, found: Found, file: int) -> Iterator[bytes]:
        left = os.fstat(file).st_size
        yield self._header(found, stats(found.name, directory=found.directory), size=left)
        padding = -left % _RECORD
        while left:
            block = os.read(file, min(PIECE, left))
            if not block:
                raise EOFError(f"{shown(found.path)} became shorter while it was read")
            left -= len(block)
            yield block
        if padding:
            yield bytes(padding)

    def _header(self, found: Found, told: Stats, *, size: int = 0, target: str = "") -> bytes:
        info = tarfile.TarInfo(found.path)
        info.mode = stat.S_IMODE(told.mode)
        info.uid, info.gid = told.uid, told.gid
        info.uname, info.gname = self._names.user(told.uid), self._names.group(told.gid)
        info.mtime = told.modified_ns / _NANOSECONDS
        info.size = size
        info.type = tarfile.SYMTYPE if target else tarfile.DIRTYPE if found.is_directory else tarfile.REGTYPE
        info.linkname = target
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _leaving_out(exclude: list[Pattern]) -> Callable[[str, str], bool] | None:
    if not exclude:
        return None
    return lambda prefix, name: any(
        pattern.matches_name(name) if pattern.by_name else pattern.matches(prefix + name) for pattern in exclude
    )
