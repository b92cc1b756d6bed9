"""A child in the event loop: its exit as something to wait for, and the last of what it wrote.

Nothing polls: the pidfd tells of the exit, and both pipes are read as long as anybody holds them open, so that whoever
has inherited them neither waits nor dies of SIGPIPE.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Final

from execd.kernel.execution import Death
from execd.process.child import Child, Program, spawn

READ_BYTES: Final = 64 * 1024
KEPT_BYTES: Final = 16 * 1024
"""What is kept of the last words."""
WORDS: Final = 40
"""Lines of them that are told."""


class Spawned:
    """One program, leader of its own session and group, from spawn to reap; raises `OSError` when it cannot start.

    A child that is there already is taken over.
    """

    def __init__(self, program: Program | Child) -> None:
        self.child: Child = spawn(program) if isinstance(program, Program) else program
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[Death] = self._loop.create_future()
        self._wrote = bytearray()
        self._open = {self.child.stdout, self.child.stderr}
        self._reaped = False
        self._loop.add_reader(self.child.pidfd, self._look)
        for descriptor in self._open:
            self._loop.add_reader(descriptor, self._read, descriptor)

    @property
    def pid(self) -> int:
        """The process and, for as long as it is not reaped, its group and session."""
        return self.child.pid

    @property
    def lives(self) -> bool:
        """Whether it has not exited, as far as we know."""
        return not self._exited.done()

    async def exited(self) -> Death:
        """Return how it ended, when it has."""
        return await asyncio.shield(self._exited)

    def words(self) -> tuple[str, ...]:
        """Return the last lines of what it wrote."""
        return tuple(self.text().splitlines()[-WORDS:])

    def text(self) -> str:
        """Return what it wrote, as far as that is kept."""
        for descriptor in list(self._open):
            self._read(descriptor)
        return bytes(self._wrote).decode("utf-8", "replace")

    def signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        if self.lives:
            signal.pidfd_send_signal(self.child.pidfd, number)

    def signal_group(self, number: int) -> None:
        """Send a signal to everyone of its group, also after its own exit; not after `bury`."""
        if not self._reaped:
            self.child.signal_group(number)
            if number == signal.SIGKILL:
                # One that was forked a moment ago has no group of its own yet.
                with suppress(ProcessLookupError):
                    self.signal(number)

    async def bury(self) -> Death:
        """Kill what is left of the group, reap the process, and return how it ended."""
        self.signal_group(signal.SIGKILL)
        death = await self.exited()
        if not self._reaped:
            self._reaped = True
            self.child.reap()
        return death

    def _look(self) -> None:
        done = self.child.exit()
        if done is not None and self.lives:
            self._loop.remove_reader(self.child.pidfd)
            self._exited.set_result(Death(exit_code=done.code, signal=done.signal))

    def _read(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return
        if data:
            self._wrote += data
            del self._wrote[:-KEPT_BYTES]
            return
        self._loop.remove_reader(descriptor)
        self._open.discard(descriptor)
        os.close(descriptor)
