"""When a file was born, by `statx`, which this Python's `os` does not offer; None where the system does not know."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Final

_AT_FDCWD: Final = -100
_AT_SYMLINK_NOFOLLOW: Final = 0x100
_STATX_BTIME: Final = 0x800
_NANOSECONDS: Final = 1_000_000_000


class _Moment(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_uint32), ("_reserved", ctypes.c_int32)]


class _Statx(ctypes.Structure):
    """The kernel's `struct statx`: 256 bytes, the same on every architecture."""

    _fields_ = [
        ("mask", ctypes.c_uint32),
        ("_before_times", ctypes.c_uint8 * 60),
        ("accessed", _Moment),
        ("born", _Moment),
        ("changed", _Moment),
        ("modified", _Moment),
        ("_rest", ctypes.c_uint8 * 128),
    ]


@cache
def _statx() -> ctypes._NamedFuncPointer | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).statx
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Statx))
    function.restype = ctypes.c_int
    return function


def born_ns(path: str) -> int | None:
    """Return the birth time of the entry itself, never of what it links to, in nanoseconds since the epoch."""
    function = _statx()
    if function is None:
        return None
    found = _Statx()
    status = function(_AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, _STATX_BTIME, ctypes.byref(found))
    if status != 0 or not found.mask & _STATX_BTIME:
        return None
    return int(found.born.seconds) * _NANOSECONDS + int(found.born.nanoseconds)
