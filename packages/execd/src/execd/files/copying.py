"""An entry made again on another file system: owners, modes, times, links and holes as they are. Blocking calls."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import Final

from execd.files.ladder import OPENING, Ladder
from execd.files.staging import copy_attributes
from execd.files.walk import entries

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST: Final = 64 * 1024 * 1024
"""Bytes in one call."""
_SET_ID_BITS: Final = stat.S_ISUID | stat.S_ISGID


def copy(source: str, target: str) -> None:
    """Make a copy at a path that is free; raises `OSError`, and then there may be a part of it."""
    found = os.lstat(source)
    if stat.S_ISDIR(found.st_mode):
        _copy_tree(source, target)
    else:
        _copy_entry(source, target, found, source_directory=None, target_directory=None)


def _copy_tree(source: str, target: str) -> None:
    from_ladder = Ladder(os.open(source, OPENING))
    try:
        os.mkdir(target, 0o700)
        to_ladder = Ladder(os.open(target, OPENING))
        try:
            _copy_below(from_ladder, to_ladder)
        finally:
            to_ladder.close()
    finally:
        from_ladder.close()


def _copy_below(source: Ladder, target: Ladder) -> None:
    levels = [entries(source.directory)]
    while levels:
        for name, is_directory in levels[-1]:
            if is_directory:
                source.down(name)
                os.mkdir(name, 0o700, dir_fd=target.directory)
                target.down(name)
                levels.append(entries(source.directory))
                break
            found = os.stat(name, dir_fd=source.directory, follow_symlinks=False)
            _copy_entry(name, name, found, source_directory=source.directory, target_directory=target.directory)
        else:
            # When it is full: a mode may forbid to write to it, and each entry changes its time.
            _give(target.directory, source.directory)
            if (source.up(), target.up()) != (1, 1):
                raise OSError(errno.ESTALE, "it was moved while it was copied")
            levels.pop()


def _copy_entry(
    source: str, target: str, found: os.stat_result, *, source_directory: int | None, target_directory: int | None
) -> None:
    if stat.S_ISREG(found.st_mode):
        reading = os.open(source, _READ, dir_fd=source_directory)
        try:
            writing = os.open(target, _NEW, 0o600, dir_fd=target_directory)
            try:
                _copy_content(reading, writing)
                _give(writing, reading)
            finally:
                os.close(writing)
        finally:
            os.close(reading)
        return
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(source, dir_fd=source_directory), target, dir_fd=target_directory)
    else:
        os.mknod(target, stat.S_IFMT(found.st_mode) | 0o600, found.st_rdev, dir_fd=target_directory)
    with suppress(PermissionError):
        os.chown(target, found.st_uid, found.st_gid, dir_fd=target_directory, follow_symlinks=False)
    if not stat.S_ISLNK(found.st_mode):
        os.chmod(target, stat.S_IMODE(found.st_mode), dir_fd=target_directory)
    times = found.st_atime_ns, found.st_mtime_ns
    os.utime(target, ns=times, dir_fd=target_directory, follow_symlinks=False)


def _copy_content(source: int, target: int) -> None:
    """Copy what is data, and leave holes where there are holes."""
    size = os.fstat(source).st_size
    start = _next_data(source, 0, size)
    while start < size:
        stop = os.lseek(source, start, os.SEEK_HOLE)
        os.lseek(target, start, os.SEEK_SET)
        while start < stop:
            sent = os.sendfile(target, source, start, min(_MOST, stop - start))
            if not sent:
                raise OSError(errno.ESTALE, "it became shorter while it was copied")
            start += sent
        start = _next_data(source, stop, size)
    os.ftruncate(target, size)


def _next_data(file: int, start: int, size: int) -> int:
    try:
        return os.lseek(file, start, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return size


def _give(target: int, source: int) -> None:
    """Give an open entry what another one has beside its content."""
    found = os.fstat(source)
    bits = stat.S_IMODE(found.st_mode)
    copy_attributes(source, target)
    try:
        os.fchown(target, found.st_uid, found.st_gid)
    except PermissionError:
        # They lend the rights of an owner that it does not have here.
        bits &= ~_SET_ID_BITS
    os.fchmod(target, bits)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
