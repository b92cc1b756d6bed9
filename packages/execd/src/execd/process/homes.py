"""Where the groups of runs are made: below the daemon's own group, in one that others can tell is in use.

Version 2 lets a group limit others only when no process is in it: there the daemon, and all that it has started, move
one level down first, which they may only if they are alone in their group.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from execd.errors import NotSupported
from execd.process.groups import Controller, Files, Place

_PREFIX: Final = "execd-"
_OWN: Final = "daemon"
"""The group into which the daemon itself moves (version 2)."""
_ROUNDS: Final = 100


class Home:
    """The group of this daemon in one hierarchy, below which those of its runs are made."""

    def __init__(self, files: Files, place: Place, *, name: str, family: Callable[[], set[int]]) -> None:
        self._files = files
        self._above = place.directory
        self._family = family
        self.place = Place(place.version, f"{place.directory}/{_PREFIX}{name}")
        self._lock: int | None = None

    @property
    def is_there(self) -> bool:
        """Whether it still exists."""
        try:
            self._members(self.place.directory)
        except OSError:
            return False
        return True

    def open(self) -> None:
        """Make it, and remove what daemons that are no more have left; raises `OSError`."""
        for directory in self._files.below(self._above):
            if os.path.basename(directory).startswith(_PREFIX) and directory != self.place.directory:
                self._remove_stale(directory)
        with suppress(FileExistsError):
            self._files.make(self.place.directory)
        self._lock = self._files.lock(self.place.directory)

    def close(self) -> None:
        """Remove it, if nobody is in it."""
        with suppress(OSError):
            self._files.remove(self.place.directory)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def serve(self, controller: Controller) -> None:
        """See to it that groups below can limit this; raises `NotSupported`, `OSError`."""
        if self.place.version == 1:
            return
        if controller not in self._words(f"{self._above}/cgroup.controllers"):
            raise NotSupported(f"the controller {controller} is not given to the daemon's control group {self._above}")
        for directory in (self._above, self.place.directory):
            if controller not in self._words(f"{directory}/cgroup.subtree_control"):
                self._enable(directory, controller)

    def _enable(self, directory: str, controller: Controller) -> None:
        try:
            self._files.write(f"{directory}/cgroup.subtree_control", f"+{controller}")
        except OSError as refusal:
            if refusal.errno != errno.EBUSY or directory != self._above:
                raise
            self._move_down()
            self._files.write(f"{directory}/cgroup.subtree_control", f"+{controller}")

    def _move_down(self) -> None:
        own = f"{self.place.directory}/{_OWN}"
        for _ in range(_ROUNDS):
            inside = self._members(self._above)
            if not inside:
                return
            self._refuse_strangers(inside)
            with suppress(FileExistsError):
                self._files.make(own)
            self._move(inside, own)

    def _refuse_strangers(self, inside: set[int]) -> None:
        # What is started or ends between two looks is in one of them only: a stranger is in both.
        if inside - self._family() and self._members(self._above) & inside - self._family():
            raise NotSupported(
                f"the daemon's control group {self._above} has other processes in it: start it in one of its own"
            )

    def _move(self, pids: Iterable[int], directory: str) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):  # It has ended meanwhile.
                self._files.write(f"{directory}/cgroup.procs", str(pid))

    def _members(self, directory: str) -> set[int]:
        return set(map(int, self._words(f"{directory}/cgroup.procs")))

    def _words(self, path: str) -> list[str]:
        return self._files.read(path).split()

    def _remove_stale(self, directory: str) -> None:
        with suppress(OSError):
            lock = self._files.lock(directory)
            if lock is None:
                return
            try:
                for inside in self._files.below(directory):
                    with suppress(OSError):
                        self._files.remove(inside)
                self._files.remove(directory)
            finally:
                os.close(lock)
