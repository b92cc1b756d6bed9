"""The control group of one run, in version 1 or 2: its limits, who is in it, and how many have died of them.

A directory is a group. Version 1 has a hierarchy for each controller, so a run with both limits is in two groups there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Literal, NamedTuple, Protocol

Controller = Literal["memory", "pids"]


class Place(NamedTuple):
    """A group as a directory, and the version of its hierarchy."""

    version: Literal[1, 2]
    directory: str


class Files(Protocol):
    """The file system of control groups; everything raises `OSError`."""

    def read(self, path: str) -> str:
        """Return what a file says."""

    def write(self, path: str, text: str) -> None:
        """Write to a file that is there, at once."""

    def make(self, directory: str) -> None:
        """Make a group."""

    def remove(self, directory: str) -> None:
        """Remove a group; refused while a process lives in it, or another group."""

    def below(self, directory: str) -> list[str]:
        """Return the groups directly below."""

    def open(self, path: str) -> int:
        """Return a descriptor that can be written to."""

    def lock(self, directory: str) -> int | None:
        """Return a descriptor that says that a group is in use, None where another says so."""


class Kernel:
    """The true file system."""

    def read(self, path: str) -> str:
        """Return what a file says."""
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()

    def write(self, path: str, text: str) -> None:
        """Write to a file that is there, at once."""
        descriptor = self.open(path)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def make(self, directory: str) -> None:
        """Make a group."""
        os.mkdir(directory, 0o755)

    def remove(self, directory: str) -> None:
        """Remove a group."""
        os.rmdir(directory)

    def below(self, directory: str) -> list[str]:
        """Return the groups directly below."""
        with os.scandir(directory) as found:
            return [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]

    def open(self, path: str) -> int:
        """Return a descriptor that can be written to."""
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def lock(self, directory: str) -> int | None:
        """Return a descriptor that says that a group is in use, for as long as it is open and its process lives."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor


class RunGroup:
    """The group, or in version 1 the groups, of one run; `released` is called when the run has ended."""

    def __init__(
        self, files: Files, places: Mapping[Controller, Place], *, released: Callable[[RunGroup], None]
    ) -> None:
        self._files = files
        self._places = places
        self._released = released
        self._doors: list[int] = []
        self.run_id = ""
        """Whose it is, once that is known."""

    @property
    def directories(self) -> list[str]:
        """Where it is."""
        return sorted({place.directory for place in self._places.values()})

    @property
    def limits_memory(self) -> bool:
        """Whether what dies for want of memory in here is told by `kills`."""
        return "memory" in self._places

    def set_up(self, limits: Mapping[Controller, int]) -> None:
        """Make the group with its limits; raises `OSError`, and leaves nothing then."""
        made: list[str] = []
        try:
            for directory in self.directories:
                self._files.make(directory)
                made.append(directory)
            for controller, limit in limits.items():
                self._limit(controller, limit)
            for directory in self.directories:
                self._doors.append(self._files.open(f"{directory}/cgroup.procs"))
        except OSError:
            self.shut()
            for directory in made:
                with suppress(OSError):
                    self._files.remove(directory)
            raise

    @property
    def doors(self) -> tuple[int, ...]:
        """Descriptors to which a process writes 0 in order to enter; open until `shut`."""
        return tuple(self._doors)

    def shut(self) -> None:
        """Let nobody enter any more but by birth."""
        while self._doors:
            os.close(self._doors.pop())

    def kills(self) -> int:
        """Return how many processes have been killed in here for want of memory."""
        place = self._places.get("memory")
        if place is None:
            return 0
        name = "memory.events" if place.version == 2 else "memory.oom_control"
        with suppress(OSError):
            for line in self._files.read(f"{place.directory}/{name}").splitlines():
                key, _, value = line.partition(" ")
                if key == "oom_kill":
                    return int(value)
        return 0

    def members(self) -> set[int]:
        """Return who is in it."""
        found: set[int] = set()
        for directory in self.directories:
            with suppress(OSError):
                found.update(map(int, self._files.read(f"{directory}/cgroup.procs").split()))
        return found - {0}

    def seal(self) -> None:
        """Let nobody in it start another process: what forks faster than it can be found comes to an end."""
        place = self._places.get("pids")
        if place is not None:
            with suppress(OSError):
                self._files.write(f"{place.directory}/pids.max", "0")

    def release(self) -> None:
        """Say that the run has ended: the group goes as soon as its last survivor has gone."""
        self.shut()
        self._released(self)

    def remove(self) -> bool:
        """Remove it; False while somebody lives in it."""
        for directory in self.directories:
            try:
                self._files.remove(directory)
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True

    def _limit(self, controller: Controller, limit: int) -> None:
        place = self._places[controller]
        if controller == "pids":
            self._files.write(f"{place.directory}/pids.max", str(limit))
            return
        name, swap = _MEMORY_FILES[place.version]
        self._files.write(f"{place.directory}/{name}", str(limit))
        # Memory that goes to swap is used all the same. Without swap, or its accounting, there is no such file.
        with suppress(FileNotFoundError):
            self._files.write(f"{place.directory}/{swap}", "0" if place.version == 2 else str(limit))


_MEMORY_FILES: Final = {
    1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    2: ("memory.max", "memory.swap.max"),
}
