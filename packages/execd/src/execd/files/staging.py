"""New content for one path: written beside its target, where nobody sees it, then put in its place in one step.

The file has no name while it is written (`O_TMPFILE`), so that nothing is left even when the daemon is killed; where
the file system cannot do that, it has a hidden one. Blocking calls.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from execd.errors import InvalidFile, IsADirectory, PermissionDenied
from execd.files.hidden import new_name
from execd.files.refusals import shown

_VECTOR: Final = 512
"""Pieces in one write; the system takes 1024."""
_READ: Final = 1024 * 1024
_CANNOT: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL})
_WRITE: Final = os.O_RDWR | os.O_CLOEXEC
_SET_ID_BITS: Final = stat.S_ISUID | stat.S_ISGID


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Whose the file is to be and with which mode; None leaves it. `create_mode` is for a file that is new."""

    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    create_mode: int
    fsync: bool = False
    """Whether content and name are to be on the disk when it is published."""


class Staged:
    """Content on its way to `target`, which is a file or free; exactly one of `publish` and `abandon` ends it."""

    def __init__(self, target: str, *, wish: Wish) -> None:
        self.target = target
        self._wish = wish
        self._replaced = replaceable(target)
        self._pending: list[bytes] = []
        self._hidden: str | None = None
        self._fd: int | None = _nameless(os.path.dirname(target))
        if self._fd is None:
            hidden = self._new_name()
            self._fd = os.open(hidden, _WRITE | os.O_CREAT | os.O_EXCL, 0o600)
            self._hidden = hidden

    def _new_name(self) -> str:
        return f"{os.path.dirname(self.target)}/{new_name(replaces=self._replaced is not None)}"

    def write(self, data: bytes) -> None:
        """Append, at the latest when `flush` is called; raises `OSError`."""
        self._pending.append(data)
        if len(self._pending) >= _VECTOR:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the system, in one call: each one costs a handover of the interpreter's lock too."""
        views = [memoryview(data) for data in self._pending]
        self._pending.clear()
        while views and self._fd is not None:
            written = os.writev(self._fd, views)
            while views and written >= len(views[0]):
                written -= len(views.pop(0))
            if written:
                views[0] = views[0][written:]

    @property
    def size(self) -> int:
        """How many bytes the system has taken; what `flush` failed for is not among them."""
        return 0 if self._fd is None else os.lseek(self._fd, 0, os.SEEK_CUR)

    def read_back(self) -> Iterator[bytes]:
        """Yield what has been written so far, in blocks."""
        offset = 0
        while self._fd is not None and (block := os.pread(self._fd, _READ, offset)):
            yield block
            offset += len(block)

    def seal(self) -> None:
        """Give the content its owner, its mode and a hidden name, and let go of the descriptor; again is nothing."""
        if self._fd is None:
            return
        self.flush()
        self._adopt(self._fd)
        if self._wish.fsync:
            os.fsync(self._fd)
        if self._hidden is None:
            hidden = self._new_name()
            # A directory descriptor, of which an absolute path makes no use, is what makes Python call linkat(2).
            os.link(_by_descriptor(self._fd), hidden, src_dir_fd=self._fd, follow_symlinks=True)
            self._hidden = hidden
        os.close(self._fd)
        self._fd = None

    def _adopt(self, fd: int) -> None:
        wish, old = self._wish, self._replaced
        kept = True
        if old is not None:
            kept = _kept_owner(fd, old)
            copy_attributes(self.target, fd)
        if wish.uid is not None or wish.gid is not None:
            os.fchown(fd, -1 if wish.uid is None else wish.uid, -1 if wish.gid is None else wish.gid)
        mode = wish.mode
        if mode is None and old is not None:
            mode = stat.S_IMODE(old.st_mode) & ~(0 if kept else _SET_ID_BITS)
        # Last: changing the owner clears the set-id bits.
        os.fchmod(fd, wish.create_mode if mode is None else mode)

    def publish(self) -> None:
        """Put the content in the target's place; raises `OSError`, and is then still to be abandoned."""
        self.seal()
        if self._hidden is not None:
            os.rename(self._hidden, self.target)
            self._hidden = None
            if self._wish.fsync:
                _sync_directory(os.path.dirname(self.target) or "/")

    def abandon(self) -> None:
        """Leave nothing; again, and after `publish`, is nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        if self._hidden is not None:
            with suppress(OSError):
                os.unlink(self._hidden)
            self._hidden = None


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _nameless(directory: str) -> int | None:
    """Return a new file without a name, None where there can be none, or where it could not be given one later."""
    if not _has_links_to_descriptors():
        return None
    try:
        return os.open(directory, _WRITE | os.O_TMPFILE, 0o600)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        return None


@cache
def _has_links_to_descriptors() -> bool:
    return os.path.isdir("/proc/self/fd")


def replaceable(target: str) -> os.stat_result | None:
    """Return what new content would replace, None if the path is free; refuses what a plain write would not do."""
    try:
        found = os.lstat(target)
    except FileNotFoundError:
        return None
    details = {"path": shown(target)}
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectory(f"{shown(target)} is a directory", details=details)
    if not stat.S_ISREG(found.st_mode):
        raise InvalidFile(f"{shown(target)} is not a regular file", details=details)
    if not os.access(target, os.W_OK):
        raise PermissionDenied(f"{shown(target)} may not be written to", details=details)
    return found


def make_parents(directory: str) -> list[str]:
    """Make a directory and its parents; returns those that were made, the outermost first."""
    missing: list[str] = []
    while not os.path.isdir(directory):
        missing.append(directory)
        directory = os.path.dirname(directory)
    made: list[str] = []
    try:
        for path in reversed(missing):
            if _make(path):
                made.append(path)  # noqa: PERF401 - what was made so far must be known when the next one fails
    except BaseException:
        remove_parents(made)
        raise
    return made


def _make(directory: str) -> bool:
    try:
        os.mkdir(directory)
    except FileExistsError:
        if not os.path.isdir(directory):
            raise
        return False
    return True


def remove_parents(made: list[str]) -> None:
    """Remove directories that were made in vain, unless somebody uses them by now."""
    for path in reversed(made):
        with suppress(OSError):
            os.rmdir(path)


def _by_descriptor(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


def _kept_owner(fd: int, old: os.stat_result) -> bool:
    mine = os.fstat(fd)
    if (mine.st_uid, mine.st_gid) == (old.st_uid, old.st_gid):
        return True
    try:
        os.fchown(fd, old.st_uid, old.st_gid)
    except PermissionError:
        return False
    return True


def copy_attributes(source: str | int, fd: int) -> None:
    """Give an open file the extended attributes and the access list of a file, by its path or open too."""
    # Without its access list a file's group bits, which are then only the list's mask, would say too much.
    follow = not isinstance(source, str)
    try:
        names = os.listxattr(source, follow_symlinks=follow)
    except OSError:
        return
    for name in names:
        if name.startswith("user.") or name == "system.posix_acl_access":
            with suppress(OSError):
                os.setxattr(fd, name, os.getxattr(source, name, follow_symlinks=follow))
