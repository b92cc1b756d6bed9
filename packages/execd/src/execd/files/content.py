"""The bytes of one file, opened for reading: what kind it is, how long, and one block after the other.

Only regular files have bytes to give. Those whose size says nothing (`/proc` says 0, `/sys` a page) are read to their
end, and what is read tells how long they are. Blocking calls: they belong in a worker thread.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Final

from execd.errors import InvalidFile, IsADirectory
from execd.files.ranges import Validators
from execd.files.refusals import refused, shown

BLOCK: Final = 1024 * 1024
"""Bytes of one read; files up to this size are read when they are opened."""
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
# Non-blocking: a FIFO that took a file's place would wait for a writer, and a trace pipe of the kernel for ever.


@dataclass(slots=True, kw_only=True)
class Content:
    """An open file; without a `size` it ends where reading ends, without `validators` it is never the same twice."""

    path: str
    size: int | None
    validators: Validators | None
    head: bytes
    _fd: int | None = None

    @property
    def in_memory(self) -> bool:
        """Whether reading waits for nothing, and `read` needs no thread."""
        return self._fd is None

    @property
    def name(self) -> str:
        """The file's own name, as text."""
        return shown(os.path.basename(self.path))

    def read(self, offset: int, max_bytes: int = BLOCK) -> bytes:
        """Return the bytes from `offset` on, b"" at the end; at most `max_bytes`."""
        if offset < len(self.head) or self._fd is None:
            return self.head[offset : offset + max_bytes]
        with refused(self.path):
            if self.size is None:
                # Such files know no offsets, only what comes next.
                return _next(self._fd, max_bytes)
            return os.pread(self._fd, max_bytes, offset)

    def close(self) -> None:
        """Let go of the file; again is nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def open_content(path: str) -> Content:
    """Return the file at `path`, links followed, open for reading; raises the refusals of the wire."""
    with refused(path):
        # Before it is opened too: opening alone does something to a device.
        _only_regular(os.stat(path).st_mode, path)
        fd = os.open(path, _FLAGS)
        try:
            found = os.fstat(fd)
            _only_regular(found.st_mode, path)
            head = _head(fd) if found.st_size <= BLOCK else b""
        except BaseException:
            os.close(fd)
            raise
    return _content(path, fd, found, head)


def _content(path: str, fd: int, found: os.stat_result, head: bytes) -> Content:
    if found.st_size > BLOCK:
        return Content(path=path, size=found.st_size, validators=_validators(found), head=b"", _fd=fd)
    if len(head) > BLOCK:
        return Content(path=path, size=None, validators=None, head=head, _fd=fd)
    os.close(fd)
    honest = len(head) == found.st_size
    return Content(path=path, size=len(head), validators=_validators(found) if honest else None, head=head)


def _only_regular(mode: int, path: str) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectory(f"{shown(path)} is a directory", details={"path": shown(path)})
    if not stat.S_ISREG(mode):
        raise InvalidFile(f"{shown(path)} is not a regular file", details={"path": shown(path)})


def _head(fd: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while size <= BLOCK and (piece := _next(fd, BLOCK + 1 - size)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _next(fd: int, max_bytes: int) -> bytes:
    try:
        return os.read(fd, max_bytes)
    except BlockingIOError:
        return b""


def _validators(found: os.stat_result) -> Validators:
    # The change time cannot be set back, as the modification time can.
    marks = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    etag = '"' + "-".join(f"{mark:x}" for mark in marks) + '"'
    return Validators(etag=etag.encode(), modified_s=found.st_mtime_ns // 1_000_000_000)
