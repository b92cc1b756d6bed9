"""What is at a path: one entry, reported as it is, links not followed. Blocking calls."""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from execd._wire import FileInfo, FileType
from execd.files.modes import to_wire
from execd.files.owners import Names
from execd.files.refusals import refused, shown
from execd.files.stats import stats

_TYPES: Final = {stat.S_IFREG: FileType.FILE, stat.S_IFDIR: FileType.DIRECTORY, stat.S_IFLNK: FileType.SYMLINK}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MOMENT: Final = "0001-01-01T00:00:00.000Z"
_LAST_MOMENT: Final = "9999-12-31T23:59:59.999Z"
# A file may claim any time that fits 64 bits, and RFC 3339 knows four digits of a year.


def entry(path: str) -> FileInfo:
    """Return what is at an absolute path; raises `FileNotFound`, `PermissionDenied`, `InvalidFile`."""
    with refused(path):
        return entry_in(None, path, path=path, names=Names())


def entry_in(directory: int | None, name: str, *, path: str, names: Names) -> FileInfo:
    """Return what has a name in an open directory, told as being at `path`; raises `OSError`."""
    found = stats(name, directory=directory)
    target = os.readlink(name, dir_fd=directory) if stat.S_ISLNK(found.mode) else None
    return FileInfo(
        path=shown(path),
        path_b64=_base64_unless_text(path),
        type=_TYPES.get(stat.S_IFMT(found.mode), FileType.OTHER),
        size=found.size,
        modified_at=moment(found.modified_ns),
        created_at=moment(found.changed_ns if found.born_ns is None else found.born_ns),
        owner=names.user(found.uid),
        group=names.group(found.gid),
        mode=_mode(stat.S_IMODE(found.mode)),
        target=None if target is None else shown(target),
    )


_mode: Final = lru_cache(maxsize=4096)(to_wire)
"""Few modes are in use."""


def _base64_unless_text(path: str) -> str | None:
    if path.isascii():
        return None
    try:
        path.encode()
    except UnicodeEncodeError:
        return b64encode(os.fsencode(path)).decode()
    return None


def moment(nanoseconds: int) -> str:
    """Return nanoseconds since 1970 as the wire has moments: UTC, whole milliseconds, rounded down, `Z`."""
    seconds, rest = divmod(nanoseconds // 1_000_000, 1000)
    whole = _second(seconds)
    if whole is None:
        return _LAST_MOMENT if seconds > 0 else _FIRST_MOMENT
    return f"{whole}.{rest:03d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str | None:
    """Return one second as text: files that were written together share it."""
    try:
        text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    except OverflowError:
        return None
    return f"{text:0>19}"
