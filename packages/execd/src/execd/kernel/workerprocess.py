"""The process of a worker: its group gets the signals, and of an interrupt it is told besides."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from execd.process.worker import Worker


class WorkerProcess:
    """The process; `interrupted` is called when its group is about to get SIGINT."""

    def __init__(self, worker: Worker, *, interrupted: Callable[[], None]) -> None:
        self.child = worker.child
        self.ended = asyncio.Event()
        self._worker = worker
        self._interrupted = interrupted
        self._reaped = False

    @property
    def pid(self) -> int:
        """The number of the process, its group and its session."""
        return self.child.pid

    def signal_group(self, number: int) -> None:
        """Send a signal to everyone of its group; not after `bury`."""
        if self._reaped:
            return
        if number == signal.SIGINT:
            self._interrupted()
        self.child.signal_group(number)

    async def bury(self) -> None:
        """Kill what is left of the group, and reap."""
        self.signal_group(signal.SIGKILL)
        await self.ended.wait()
        if not self._reaped:
            self._reaped = True
            self._worker.bury()
