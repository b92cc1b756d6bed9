"""The process of a live shell, what it is started with, and what it is given to do."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass

from execd.kernel.surroundings import Newcomers
from execd.process.child import Child, Program
from execd.process.shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellLaunch:
    """What a shell is started with.

    Its named pipes are made at `place`. `newcomers` takes note of who is there; what it returns ends those who have
    come since.
    """

    program: Program
    place: str
    limit_s: float
    memory_kills: Callable[[], int]
    newcomers: Callable[[Child], Newcomers]


@dataclass(frozen=True, slots=True)
class Job:
    """Text for the shell; what is to be done around a cell is not `shown`."""

    id: str
    text: str
    shown: bool


class ShellProcess:
    """The shell's process; a signal to it may reach the shell in the middle of whatever it does."""

    def __init__(self, shell: Shell, *, disturbed: Callable[[], None]) -> None:
        self.child = shell.child
        self.ended = asyncio.Event()
        self._shell = shell
        self._disturbed = disturbed
        self._reaped = False

    @property
    def pid(self) -> int:
        """The number of the process, its group and its session."""
        return self.child.pid

    def signal_group(self, number: int) -> None:
        """Send a signal to everyone of its group; not after `bury`."""
        if not self._reaped:
            self._disturbed()
            self.child.signal_group(number)

    async def bury(self) -> None:
        """Kill what is left of the group, and reap."""
        self.signal_group(signal.SIGKILL)
        await self.ended.wait()
        if not self._reaped:
            self._reaped = True
            self._shell.bury()
