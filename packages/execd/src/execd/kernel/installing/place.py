"""Directories that are there whole or not at all, and one installation at a time for each directory of kernels."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from execd.kernel.installing.means import Missing

_LOCK: Final = ".lock"
_PART: Final = ".part-"
_WAIT_S: Final = 0.2


@asynccontextmanager
async def alone(kernels: str) -> AsyncIterator[None]:
    """Hold the lock of a directory of kernels, which is made if need be; raises `Missing` where it may not be written.

    What installations that were killed have left is removed.
    """
    try:
        os.makedirs(kernels, mode=0o755, exist_ok=True)
        descriptor = os.open(f"{kernels}/{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Missing(
            f"{kernels} cannot be written to: {error.strerror}", "execd kernels install --kernels-dir DIRECTORY"
        ) from None
    try:
        while not _locked(descriptor):  # noqa: ASYNC110 - another process has it
            await asyncio.sleep(_WAIT_S)
        _clear(kernels)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear(kernels: str) -> None:
    for directory in (kernels, f"{kernels}/toolchains"):
        if os.path.isdir(directory):
            for name in os.listdir(directory):
                if name.startswith(_PART):
                    remove(f"{directory}/{name}")


@contextmanager
def part(directory: str) -> Iterator[str]:
    """Give a new directory in another one, for what nobody is to see; it is removed afterwards."""
    os.makedirs(directory, mode=0o755, exist_ok=True)
    made = tempfile.mkdtemp(prefix=_PART, dir=directory)
    try:
        yield made
    finally:
        remove(made)


@contextmanager
def becoming(place: str) -> Iterator[str]:
    """Give a new directory that takes the place, and that of whatever is there, if nothing fails."""
    with part(os.path.dirname(place)) as outer:
        made = f"{outer}/new"
        os.mkdir(made, 0o755)
        yield made
        if os.path.lexists(place):
            os.rename(place, f"{outer}/old")
        os.rename(made, place)


def remove(path: str) -> None:
    """Remove a tree, one that is write-protected too."""

    def unprotect(_: object, failed: str, __: object) -> None:
        os.chmod(os.path.dirname(failed), 0o700)
        if os.path.isdir(failed) and not os.path.islink(failed):
            os.chmod(failed, 0o700)
            shutil.rmtree(failed, ignore_errors=True)
        elif os.path.lexists(failed):
            os.unlink(failed)

    if os.path.islink(path):
        os.unlink(path)
    elif os.path.isdir(path):
        shutil.rmtree(path, onerror=unprotect)
