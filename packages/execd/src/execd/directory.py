"""A private directory for what kernels and shells are spoken to by: sockets, connection files, named pipes.

Its path is short, since a socket's may have 107 bytes; it is ours alone, since whoever can connect can run code; and it
lies outside of the temporary directory where that can be had, since workloads empty that one. A daemon that was killed
leaves its directory behind: each daemon holds a lock on its own, and removes those that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

ATTEMPTS: Final = 20
_PREFIX: Final = "execd-k-"
_OPEN_PREFIX: Final = "execd-v-"
_SOCKET_LIMIT: Final = 107
_ROOM: Final = len("/k-000000000-lines")
"""What is added to the directory's path by the longest name of a socket."""


class Directory:
    """A directory below the first of `parents` that will do; made when it is first asked for.

    One that is `open_to_all` is for everybody to look into, and its name tells it from the others.
    """

    def __init__(self, parents: Iterable[str], *, open_to_all: bool = False) -> None:
        self._prefix = _OPEN_PREFIX if open_to_all else _PREFIX
        self._mode = 0o755 if open_to_all else 0o700
        self._parents = [*parents, *_temporary(), "/tmp", "/dev/shm"]  # noqa: S108 - the directory in it is private
        self._path: str | None = None
        self._lock: int | None = None
        self._made = 0

    def name(self) -> str:
        """Return a path for the files of one more kernel or shell; raises `OSError` where no directory can be made."""
        self._made += 1
        return f"{self._usable()}/k-{self._made}"

    def remove(self) -> None:
        """Remove it with all that is in it."""
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._path = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _usable(self) -> str:
        if self._path is None or not os.path.isdir(self._path):
            self.remove()
            self._path, self._lock = self._make()
        return self._path

    def _make(self) -> tuple[str, int]:
        failed: OSError | None = None
        for parent in self._parents:
            if len(os.fsencode(parent)) + len(f"/{_PREFIX}00000000") + _ROOM > _SOCKET_LIMIT:
                continue
            try:
                os.makedirs(parent, mode=0o700, exist_ok=True)
                _clear(parent, self._prefix)
                path, lock = _own(parent, self._prefix)
                os.chmod(path, self._mode)
            except OSError as error:
                failed = error
            else:
                return path, lock
        raise failed or OSError(f"no directory whose path is short enough: {', '.join(self._parents)}")


def _temporary() -> list[str]:
    try:
        return [tempfile.gettempdir()]
    except OSError:  # nothing that it knows can be written: a container's root is read-only
        return []


def _own(parent: str, prefix: str) -> tuple[str, int]:
    """Return a new directory and the lock of it; raises `OSError`."""
    for _ in range(ATTEMPTS):
        path = tempfile.mkdtemp(prefix=prefix, dir=parent)
        # Until it is locked, another daemon that starts takes it for one that was left behind.
        with suppress(FileNotFoundError):
            lock = _locked(path)
            if lock is not None and os.path.isdir(path):
                return path, lock
            if lock is not None:
                os.close(lock)
    raise OSError(f"whatever is made in {parent} is removed at once")


def _clear(parent: str, prefix: str) -> None:
    with os.scandir(parent) as entries:
        left = [entry.path for entry in entries if entry.name.startswith(prefix)]
    for path in left:
        with suppress(OSError):
            held = _locked(path)
            if held is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(held)


def _locked(path: str) -> int | None:
    """Return a descriptor that holds the lock of a directory, None when another daemon has it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
