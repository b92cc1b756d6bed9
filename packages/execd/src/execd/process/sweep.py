"""Ends everyone of a run: its group at once, and what has left the group as soon as a census has found it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final

from execd.process.child import Child
from execd.process.members import Census, Process, look, take_census, take_orphans

WATCHED_AT_ONCE: Final = 64
"""Members that are waited for at a time: a run of thousands must not take the daemon's descriptors."""
RETRY_S: Final = 0.01
KILL_PATIENCE_S: Final = 1.0
"""How long what has been sent SIGKILL is waited for, where others wait for that."""
_ROUNDS: Final = 20


class Survey:
    """Takes one census for all who ask in the same turn of the loop.

    `root` is the process below which all that we start remains (a subreaper); None looks at every process.
    """

    def __init__(self, *, root: int | None = None) -> None:
        self._root = root
        self._asking: list[Callable[[Census], None]] = []

    def ask(self, answer: Callable[[Census], None]) -> None:
        """Call `answer` with the next census."""
        if not self._asking:
            asyncio.get_running_loop().call_soon(self._take)
        self._asking.append(answer)

    async def census(self) -> Census:
        """Return the next census."""
        future: asyncio.Future[Census] = asyncio.get_running_loop().create_future()
        self.ask(lambda census: None if future.done() else future.set_result(census))
        return await future

    def _take(self) -> None:
        asking, self._asking = self._asking, []
        census = take_census(root=self._root)
        for answer in asking:
            answer(census)


def kill_orphans(instance: str) -> None:
    """Kill what a daemon's runs have left behind, as long as it keeps coming, within reason."""
    # Orphans pass to whoever is the daemon's own parent now: its guard, or who came after a guard that was killed.
    for _ in range(_ROUNDS):
        parent = os.getppid()
        orphans = take_orphans(instance, parent=parent)
        for orphan in orphans:
            if (descriptor := _hold(orphan)) is not None:
                _signal(descriptor, signal.SIGKILL)
                os.close(descriptor)
        # A guard that dies closes its files first: all that it had may pass on while this looks.
        if not orphans and parent == os.getppid():
            return


class Sweep:
    """Signals the members of one run and reports when they have gone; its leader is somebody else's to wait for.

    After `watch`, `gone` is called as soon as a census finds no member; `failed` gets what goes wrong in a turn of the
    loop. `others` tells the numbers of those who are known as members from elsewhere.
    """

    def __init__(
        self,
        child: Child,
        mark: str,
        survey: Survey,
        *,
        gone: Callable[[], None],
        failed: Callable[[Exception], None],
        others: Callable[[], Collection[int]] | None = None,
    ) -> None:
        self._others = others
        self._child = child
        self._mark = mark
        self._survey = survey
        self._gone = gone
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._number = signal.SIGTERM
        self._reached: set[tuple[int, int]] = set()
        self._watched: set[int] = set()
        self._watching = False
        self._asked = False
        self._closed = False

    def send(self, number: signal.Signals) -> None:
        """Send SIGTERM or SIGKILL to everyone: the group now, the others when they are found."""
        self._number = number
        self._reached.clear()
        self._child.signal_group(number)
        if number != signal.SIGKILL:
            self._child.signal_group(signal.SIGCONT)  # A stopped process would not notice.
        self._ask()

    def watch(self) -> None:
        """From now on report when nobody is left."""
        self._watching = True
        self._ask()

    def close(self) -> None:
        """Forget it all."""
        self._closed = True
        for descriptor in list(self._watched):
            self._unwatch(descriptor)

    def _ask(self) -> None:
        if not self._asked and not self._closed:
            self._asked = True
            self._survey.ask(self._found)

    def _found(self, census: Census) -> None:
        self._asked = False
        if self._closed:
            return
        try:
            self._reach(self._members(census))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this run and of no other
            self._failed(error)

    def _members(self, census: Census) -> list[Process]:
        members = census.members(self._child.pid, self._mark)
        if self._others is None:
            return members
        known = {member.pid for member in members} | {self._child.pid}
        strayed = (look(pid) for pid in self._others() if pid not in known)
        return [*members, *(process for process in strayed if process and process.lives)]

    def _reach(self, members: list[Process]) -> None:
        for member in members:
            self._reach_one(member)
        if not self._watching or self._watched:
            return
        if members:  # All of them left while we looked, or there are no descriptors.
            self._loop.call_later(RETRY_S, self._ask)
        else:
            self._gone()

    def _reach_one(self, member: Process) -> None:
        descriptor = _hold(member)
        if descriptor is None:
            return
        escaped = member.group != self._child.pid
        if escaped and (member.pid, member.start) not in self._reached:
            self._reached.add((member.pid, member.start))
            _signal(descriptor, self._number)
        if self._watching and len(self._watched) < WATCHED_AT_ONCE:
            self._watched.add(descriptor)
            self._loop.add_reader(descriptor, self._left, descriptor)
        else:
            os.close(descriptor)

    def _left(self, descriptor: int) -> None:
        self._unwatch(descriptor)
        if not self._watched:
            self._ask()

    def _unwatch(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        self._watched.discard(descriptor)
        os.close(descriptor)


async def end_processes(members: Collection[Process], *, grace_s: float) -> None:
    """Ask these processes to go, kill who stays longer than the grace, and return when they have gone, or will not."""
    held = {descriptor for member in members if (descriptor := _hold(member)) is not None}
    try:
        for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, KILL_PATIENCE_S)):
            for descriptor in held:
                _signal(descriptor, number)
            left = await _await_ends(held, within_s=patience_s)
            _close(held - left)
            held = left
    finally:
        _close(held)


async def _await_ends(descriptors: set[int], *, within_s: float) -> set[int]:
    """Return those whose processes have not ended in time."""
    loop = asyncio.get_running_loop()
    left = set(descriptors)
    changed = asyncio.Event()

    def ended(descriptor: int) -> None:
        loop.remove_reader(descriptor)
        left.discard(descriptor)
        changed.set()

    for descriptor in descriptors:
        loop.add_reader(descriptor, ended, descriptor)
    try:
        async with asyncio.timeout(within_s):
            while left:
                changed.clear()
                await changed.wait()
    except TimeoutError:
        pass
    finally:
        for descriptor in left:
            loop.remove_reader(descriptor)
    return left


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _hold(member: Process) -> int | None:
    """Return a pidfd of exactly this process: one that has taken over its number is not it."""
    try:
        descriptor = os.pidfd_open(member.pid)
    except OSError:
        return None
    now = look(member.pid)
    if now is None or now.start != member.start:
        os.close(descriptor)
        return None
    return descriptor


def _signal(descriptor: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        signal.pidfd_send_signal(descriptor, number)
        if number != signal.SIGKILL:
            signal.pidfd_send_signal(descriptor, signal.SIGCONT)
