"""What is at a path: one entry, reported as it is, links not followed. Blocking calls."""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Final

from execd._wire import FileInfo, FileType
from execd.files.birth import born_ns
from execd.files.modes import to_wire
from execd.files.owners import group_name, user_name
from execd.files.refusals import refused, shown

_TYPES: Final = {stat.S_IFREG: FileType.FILE, stat.S_IFDIR: FileType.DIRECTORY, stat.S_IFLNK: FileType.SYMLINK}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MOMENT: Final = "0001-01-01T00:00:00.000Z"
_LAST_MOMENT: Final = "9999-12-31T23:59:59.999Z"
# A file may claim any time that fits 64 bits, and RFC 3339 knows four digits of a year.


def entry(path: str) -> FileInfo:
    """Return what is at an absolute path; raises `FileNotFound`, `PermissionDenied`, `InvalidFile`."""
    with refused(path):
        found = os.lstat(path)
        target = os.readlink(path) if stat.S_ISLNK(found.st_mode) else None
    return FileInfo(
        path=shown(path),
        path_b64=_base64_unless_text(path),
        type=_TYPES.get(stat.S_IFMT(found.st_mode), FileType.OTHER),
        size=found.st_size,
        modified_at=moment(found.st_mtime_ns),
        created_at=moment(born_ns(path) or found.st_ctime_ns),
        owner=user_name(found.st_uid),
        group=group_name(found.st_gid),
        mode=to_wire(found.st_mode),
        target=None if target is None else shown(target),
    )


def _base64_unless_text(path: str) -> str | None:
    raw = os.fsencode(path)
    try:
        raw.decode()
    except UnicodeDecodeError:
        return b64encode(raw).decode()
    return None


def moment(nanoseconds: int) -> str:
    """Return nanoseconds since 1970 as the wire has moments: UTC, whole milliseconds, rounded down, `Z`."""
    seconds, rest = divmod(nanoseconds // 1_000_000, 1000)
    try:
        text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    except OverflowError:
        return _LAST_MOMENT if seconds > 0 else _FIRST_MOMENT
    return f"{text:0>19}.{rest:03d}Z"
