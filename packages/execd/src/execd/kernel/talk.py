"""One job after another for a live shell: handed over whole, taken back when it is to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from execd.errors import StdinClosed
from execd.kernel.shelljob import Job
from execd.kernel.surroundings import Newcomers
from execd.process.shell import Shell

PATIENCE_S: Final = 0.15
"""How long what was interrupted may take, each time."""
REPEAT_S: Final = 0.01
REPEATS: Final = 30
ROUNDS: Final = 5
TAKES_S: Final = 1.0
"""How long a shell may take to read a cell, until that is looked into."""
SYNC_S: Final = 0.5
SYNCS: Final = 40


class Talk:
    """What is said to a shell, and heard of it; `news` is set whenever something may have changed."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.disturbed = False
        """Whether a signal may still be on its way to it."""
        self._others = 0
        self._shell: Shell

    def begin(self, shell: Shell) -> None:
        """Talk to this shell."""
        self._shell = shell

    @property
    def gone(self) -> bool:
        """Whether the shell has ended."""
        return self._shell.exit is not None

    async def hand_over(self, job: Job) -> None:
        """Return when the shell has the whole text, or has ended."""
        send = self._shell.send if job.shown else self._shell.send_aside

        def has() -> bool:
            return self._shell.begun == job.id or self.is_over(job)

        while not has():
            with suppress(StdinClosed):  # It is gone, or about to.
                await send(job.id, job.text)
            if not await self.until(has, within_s=TAKES_S):
                # It is long, or a signal from anywhere has torn it: then what comes after it passes before it.
                await self.sync()

    def is_over(self, job: Job) -> bool:
        """Return whether a job has ended, or its shell."""
        return self.gone or job.id in self._shell.ended

    async def take_back(self, job: Job, newcomers: Newcomers) -> None:
        """Interrupt again, and end what will not heed it; a shell that does not come back is killed by its context."""
        over = partial(self.is_over, job)
        for _ in range(REPEATS):
            # A shell loses one that comes while it starts a program, or while one ends: in a loop, most of them. One
            # that comes while it is on its way back can be its end: as long as it waits for a program, it is not.
            if await self.until(over, within_s=REPEAT_S):
                return
            if newcomers.are_waited_for():
                self._shell.interrupt()
        for _ in range(ROUNDS):
            self._shell.remind()
            if await self.until(over, within_s=PATIENCE_S):
                return
            await newcomers.end()
            if not over():
                self._shell.interrupt()
        await self.until(over)

    async def sync(self) -> None:
        """Return when the shell has done a command that does nothing, or is gone; one that cannot is killed."""
        # A signal that is still on its way would hit the next command, and may tear this one, too: so several are sent.
        self.disturbed = False
        for _ in range(SYNCS):
            self._others += 1
            job = Job(f"sync-{self._others}", "\\builtin :", shown=False)
            with suppress(StdinClosed):
                await self._shell.send_aside(job.id, job.text)
            if await self.until(partial(self.is_over, job), within_s=SYNC_S):
                return
        self._shell.kill()
        await self.until(lambda: self.gone)

    async def until(self, there: Callable[[], bool], *, within_s: float | None = None) -> bool:
        """Return whether something has become so, when it has, or the time is over; looked at with every news."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not there():
                    self.news.clear()
                    await self.news.wait()
        return there()
