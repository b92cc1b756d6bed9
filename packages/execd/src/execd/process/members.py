"""Who belongs to a run: its group, its session, their descendants, and whoever carries the run's mark.

The leader gives group and session their number and is reaped last, so both stay what they are. A process that has left
them is found by its parents, or by `EXECD_EXECUTION_ID` in its environment; one that has lost its parents and has
overwritten its environment, or runs as a user whose environment we may not read, cannot be recognised.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

MARK: Final = "EXECD_EXECUTION_ID"
_MARK: Final = b"\0EXECD_EXECUTION_ID="
INSTANCE: Final = "EXECD_INSTANCE_ID"
"""The same for all that one daemon has started."""
_DEAD: Final = frozenset("ZXx")


class Process(NamedTuple):
    """One line of the process table; `start` tells it from a later one with the same number."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    start: int

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.state not in _DEAD


@dataclass(frozen=True, slots=True)
class Moment:
    """Who was there at a moment: of a child's children, and by the table of all processes."""

    ticks: int
    """Since the machine's start, as the table tells it: in hundredths of a second, mostly."""
    last_pid: int
    """The number that was given last, which tells starts of the same tick apart; 0 where the kernel does not say."""
    children: frozenset[int] = frozenset()

    @classmethod
    def now(cls, leader: int) -> Moment:
        """Return this moment, with the children of a process."""
        ticks = int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))
        last = _read("/proc/loadavg").split()[-1:]
        return cls(ticks, int(last[0]) if last and last[0].isdigit() else 0, frozenset(children(leader)))

    def is_after(self, process: Process) -> bool:
        """Whether a process was there already."""
        if process.pid in self.children or process.start < self.ticks:
            return True
        return process.start == self.ticks and process.pid <= self.last_pid


def parse_stat(text: bytes) -> Process:
    """Return what `/proc/PID/stat` says.

    >>> parse_stat(b"7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0")
    Process(pid=7, state='S', parent=1, group=7, session=7, start=99)
    """
    head, _, tail = text.rpartition(b")")
    fields = tail.split()
    return Process(
        int(head.split(b" ", 1)[0]), fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19])
    )


def parse_mark(environ: bytes) -> str | None:
    """Return the id of the run that a process was started in.

    >>> parse_mark(b"A=1\\0EXECD_EXECUTION_ID=abc\\0B=2\\0")
    'abc'
    """
    _, found, rest = (b"\0" + environ).partition(_MARK)
    return rest.partition(b"\0")[0].decode(errors="replace") if found else None


class Census:
    """The living processes at one moment, by what ties them to a run."""

    def __init__(self, processes: Iterable[tuple[Process, str | None]]) -> None:
        self._children: dict[int, list[Process]] = defaultdict(list)
        self._tied: dict[int | str, list[Process]] = defaultdict(list)
        for process, mark in processes:
            self._children[process.parent].append(process)
            if not process.lives:
                continue
            self._tied[process.group].append(process)
            self._tied[process.session].append(process)
            if mark is not None:
                self._tied[mark].append(process)

    def members(self, leader: int, mark: str) -> list[Process]:
        """Return the living processes of a run, its leader left out."""
        first = [*self._tied.get(leader, ()), *self._tied.get(mark, ()), *self._children.get(leader, ())]
        return [process for process in self.with_descendants(first) if process.pid != leader]

    def newcomers(self, leader: int, mark: str, *, since: Moment) -> list[Process]:
        """Return the living members, but for those who were there at a moment, and their descendants."""
        everyone = self.members(leader, mark)
        earlier = self.with_descendants(filter(since.is_after, everyone))
        spared = {process.pid for process in earlier}
        return [process for process in everyone if process.pid not in spared]

    def with_descendants(self, first: Iterable[Process]) -> list[Process]:
        """Return the living ones of these and of all that descends from them."""
        found: dict[int, Process] = {}
        ahead = list(first)
        while ahead:
            process = ahead.pop()
            if process.pid not in found:
                found[process.pid] = process
                ahead += self._children.get(process.pid, ())
        return [process for process in found.values() if process.lives]


def take_census(*, root: int | None = None) -> Census:
    """Look at every process, or at those that descend from `root`; the daemon itself is left out."""
    own = os.getpid()
    processes = [process for process in map(look, _pids()) if process and process.pid != own]
    if root is not None:
        processes = _below(root, processes)
    return Census((process, _mark(process)) for process in processes)


def split_group(leader: int, *, since: Moment) -> tuple[list[Process], list[Process]]:
    """Return who of a leader's group was there at a moment, with what descends from them, and who came otherwise."""
    census = Census((process, None) for process in map(look, _pids()) if process)
    members = [process for process in census.members(leader, "") if process.group == leader]
    came = {process.pid for process in census.newcomers(leader, "", since=since)}
    later = [process for process in members if process.pid in came]
    return [process for process in members if process.pid not in came], later


def ignores(pid: int, number: int) -> bool:
    """Return whether a process ignores a signal; one that is gone does."""
    _, found, rest = _read(f"/proc/{pid}/status").partition(b"\nSigIgn:")
    return not found or bool(int(rest.split(None, 1)[0], 16) >> (number - 1) & 1)


def take_orphans(instance: str, *, parent: int) -> list[Process]:
    """Return who a daemon has started, as far as it has passed to `parent`, with descendants; the living ones."""
    processes = [process for process in map(look, _pids()) if process and process.pid != os.getpid()]
    mark = f"\0{INSTANCE}={instance}\0".encode()
    passed = (process for process in processes if process.parent == parent)
    return Census((process, None) for process in processes).with_descendants(
        process for process in passed if mark in b"\0" + _read(f"/proc/{process.pid}/environ")
    )


def family(root: int | None) -> set[int]:
    """Return the numbers of `root`, of the daemon, and of all that descends from either.

    A root that is the first process of its container has everyone in it: who is let in from outside has no parent.
    """
    own = os.getpid()
    processes = [process for process in map(look, _pids()) if process]
    if root == 1:
        return {process.pid for process in processes}
    found = _below(own if root is None else root, processes)
    return {own, *(process.pid for process in found), *(() if root is None else (root,))}


def children(pid: int) -> set[int]:
    """Return the children of a process at this moment, as far as the kernel tells."""
    return set(map(int, _read(f"/proc/{pid}/task/{pid}/children").split()))


def look(pid: int) -> Process | None:
    """Return a process as it is now, None when there is none of that number."""
    text = _read(f"/proc/{pid}/stat")
    return parse_stat(text) if text else None


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _below(root: int, processes: list[Process]) -> list[Process]:
    children = defaultdict(list)
    for process in processes:
        children[process.parent].append(process)
    found: list[Process] = []
    ahead = [*children[root], *children[os.getpid()]]
    while ahead:
        process = ahead.pop()
        found.append(process)
        ahead += children[process.pid]
    return found


def _mark(process: Process) -> str | None:
    return None if not process.lives else parse_mark(_read(f"/proc/{process.pid}/environ"))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""
