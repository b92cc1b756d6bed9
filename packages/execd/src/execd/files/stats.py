"""What the system says of an entry, its birth among it: one call of `statx`, which this Python's `os` does not offer.

Never of what a link leads to. Where there is no `statx`, `lstat` stands in, and the birth is not known.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import threading
from functools import cache
from typing import Final, NamedTuple

_AT_FDCWD: Final = -100
_AT_SYMLINK_NOFOLLOW: Final = 0x100
_STATX_BASIC: Final = 0x7FF
_STATX_BTIME: Final = 0x800
_STATX_WANTED: Final = _STATX_BASIC | _STATX_BTIME
_NANOSECONDS: Final = 1_000_000_000
_BYTES: Final = 256
# The kernel's `struct statx`, the same on every architecture: mask, uid, gid, mode, size; birth, change, modification.
_unpack: Final = struct.Struct("=I16xIIH10xQ32xqI4xqI4xqI4x").unpack_from
_REFUSED: Final = frozenset({errno.ENOSYS, errno.EPERM})
"""By a kernel that is too old, or by a filter of system calls that knows nothing of it."""


class _Answers(threading.local):
    """Where the kernel writes: one place for each thread, for a walk asks a hundred thousand times."""

    def __init__(self) -> None:
        self.buffer = ctypes.create_string_buffer(_BYTES)


_answers: Final = _Answers()


class Stats(NamedTuple):
    """One entry; moments in nanoseconds since the epoch, None for a birth that is not known."""

    mode: int
    size: int
    uid: int
    gid: int
    modified_ns: int
    changed_ns: int
    born_ns: int | None


def stats(path: str, *, directory: int | None = None) -> Stats:
    """Return what is at a path, below an open directory where one is given.

    Raises `OSError`, and `ValueError` for a NUL.
    """
    function = _statx()
    if function is not None:
        if "\0" in path:
            # Python's own calls refuse it; here the system would see what comes before.
            raise ValueError("embedded null byte")
        buffer = _answers.buffer
        at = _AT_FDCWD if directory is None else directory
        name = path.encode("ascii") if path.isascii() else os.fsencode(path)
        if function(at, name, _AT_SYMLINK_NOFOLLOW, _STATX_WANTED, buffer) == 0:
            mask, uid, gid, mode, size, born_s, born, changed_s, changed, modified_s, modified = _unpack(buffer)
            return Stats(
                mode,
                size,
                uid,
                gid,
                modified_s * _NANOSECONDS + modified,
                changed_s * _NANOSECONDS + changed,
                born_s * _NANOSECONDS + born if mask & _STATX_BTIME else None,
            )
        if (number := ctypes.get_errno()) not in _REFUSED:
            raise OSError(number, os.strerror(number), path)
    found = os.stat(path, dir_fd=directory, follow_symlinks=False)
    return Stats(
        found.st_mode, found.st_size, found.st_uid, found.st_gid, found.st_mtime_ns, found.st_ctime_ns, born_ns=None
    )


@cache
def _statx() -> ctypes._NamedFuncPointer | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).statx
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p)
    function.restype = ctypes.c_int
    return function
