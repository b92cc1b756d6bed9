"""The process of a kernel that is no Jupyter kernel: the leader of its group, which gets its signals."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Protocol

from execd.process.child import Child


class Buried(Protocol):
    """Whoever reads the process's pipes: a live shell, a worker."""

    @property
    def child(self) -> Child:
        """The process itself."""

    def bury(self) -> None:
        """Reap it, which has ended."""


class Leader:
    """The process; `before` is told of each signal that its group is about to get. `ended` is set by its reader."""

    def __init__(self, of: Buried, *, before: Callable[[int], None]) -> None:
        self.child = of.child
        self.ended = asyncio.Event()
        self._of = of
        self._before = before
        self._reaped = False

    @property
    def pid(self) -> int:
        """The number of the process, its group and its session."""
        return self.child.pid

    def signal_group(self, number: int) -> None:
        """Send a signal to everyone of its group; not after `bury`."""
        if not self._reaped:
            self._before(number)
            self.child.signal_group(number)

    async def bury(self) -> None:
        """Kill what is left of the group, and reap."""
        self.signal_group(signal.SIGKILL)
        await self.ended.wait()
        if not self._reaped:
            self._reaped = True
            self._of.bury()
