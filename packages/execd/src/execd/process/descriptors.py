"""How many descriptors the daemon may have, and how many its children start with.

A live run takes three or four, so that the usual soft limit of 1024 would be 250 runs. The daemon takes the hard limit;
children get the soft one that the daemon was started with, for there are programs that size tables by it or use select.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Final

_MARGIN: Final = 64
"""Descriptors that a start needs beyond those that are open, with room for what other threads do meanwhile."""
_RESERVED: Final = 16
"""Low numbers that are kept for starts: the pipe of Popen, `/dev/null`, the child's look at its descriptors."""

_reserve: Final[list[int]] = []


@cache
def inherited() -> int:
    """Return the soft limit that this process was started with; to be asked first before it is changed."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_limit() -> None:
    """Take as many descriptors as the hard limit allows."""
    inherited()
    _refill()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def with_inherited(start: Callable[[], int], *, lowest_free: int) -> int:
    """Start a process, which gets the inherited soft limit, and return its number.

    `lowest_free` tells from which number on descriptors are free.
    """
    soft = inherited()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == limits[0]:
        return start()
    # The limit is one on numbers: with more descriptors open than it allows, a start finds low numbers in the reserve.
    scarce = 0 <= soft <= lowest_free + _MARGIN
    if scarce:
        _release()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, limits[1]))
    try:
        return start()
    except OSError as refusal:
        if refusal.errno != errno.EMFILE:
            raise
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        if scarce:
            _refill()
    return _with_limit_afterwards(start, (soft, limits[1]))


def _with_limit_afterwards(start: Callable[[], int], limits: tuple[int, int]) -> int:
    # Another thread has taken what was reserved: the program starts all the same, and gets its limit a moment later.
    pid = start()
    with suppress(PermissionError, ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    return pid


def _refill() -> None:
    with suppress(OSError):
        while len(_reserve) < _RESERVED:
            _reserve.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))


def _release() -> None:
    while _reserve:
        os.close(_reserve.pop())
