"""A live shell as a kernel: cells go in as commands, and what becomes of them comes out as a kernel's messages.

It is the shell of sessions (process/shell.py). How its last command ended is how a cell ended: any status but 0 is an
error, whatever was written to standard error. A shell that leaves by itself (`exit`, `exec`, `set -e`) ends its cell by
its own status.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from execd.kernel.anykernel import KernelFailed, Listener
from execd.kernel.execution import Death
from execd.kernel.inbox import Inbox
from execd.kernel.leader import Leader
from execd.kernel.lending import RETURN, lend
from execd.kernel.messages import Message, text
from execd.kernel.outcome import reply
from execd.kernel.shelljob import Job, ShellLaunch
from execd.kernel.talk import Talk
from execd.process.shell import Shell
from execd.runs.sse import Stream

_log: Final = logging.getLogger("execd.kernel")


class LiveShell:
    """A shell that is up; `start` makes one."""

    def __init__(self, launch: ShellLaunch, listener: Listener) -> None:
        self._launch = launch
        self._listener = listener
        self._talk = Talk()
        self._jobs: deque[Job] = deque()
        self._parent = ""
        self._count = 0
        self._others = 0
        self._early: list[tuple[Stream, bytes]] | None = None
        """What came before the shell has told that it took the cell; None when nothing is to be kept back."""
        self._interrupted = False
        self._retired = False
        self._killed = False
        self._closed = False
        self._kills_before = launch.memory_kills()
        self._shell = Shell(
            launch.program, place=launch.place, deliver=self._deliver, news=self._notice, failed=self._fault
        )
        self._talk.begin(self._shell)
        self._inbox = Inbox(listener, emptied=self._go_on)
        # A signal may reach it in the middle of whatever it does.
        self.spawned = Leader(self._shell, before=lambda _: self._disturb())
        self._serving = asyncio.get_running_loop().create_task(self._serve())

    @classmethod
    async def start(cls, launch: ShellLaunch, listener: Listener) -> LiveShell:
        """Return a shell that takes commands; raises `KernelFailed` with its last words, `OSError`."""
        made = cls(launch, listener)
        try:
            await made._ready(launch.limit_s)
        except BaseException:
            await made.close()
            await made.spawned.bury()
            raise
        return made

    async def _ready(self, limit_s: float) -> None:
        if not await self._talk.until(lambda: self._shell.ready or self._gone, within_s=limit_s):
            raise KernelFailed(f"the shell did not answer within {limit_s:g} s", self._words())
        if self._gone:
            raise KernelFailed(f"the kernel did not start: it {self._fate()}", self._words())

    @property
    def orderly(self) -> bool:
        """Whether all that it publishes comes."""
        return True

    @property
    def usable(self) -> bool:
        """Whether it can be given a cell."""
        return not (self._gone or self._retired)

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def execute(self, code: str, *, request_id: str, allow_stdin: bool) -> None:
        """Put a cell in line; its standard input is empty."""
        self._kills_before = self._launch.memory_kills()
        # As a shell reads its scripts: without the bytes that no text of it can hold.
        self._add(Job(request_id, text(code).replace("\0", ""), shown=True))

    def lend_envs(self, values: Mapping[str, str]) -> None:
        """Export variables before the next cell, until `return_envs`."""
        self._aside(lend(values))

    def return_envs(self) -> None:
        """Give back what the variables lent were before."""
        self._aside(RETURN)

    def answer(self, value: str) -> None:
        """Do nothing: a shell asks for no input."""

    def _aside(self, what: str) -> None:
        self._others += 1
        self._add(Job(f":{self._others}", what, shown=False))

    def _add(self, job: Job) -> None:
        self._jobs.append(job)
        self._talk.news.set()

    # ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def interrupt(self) -> None:
        """Take the shell, and what it waits for, back to its top level."""
        self._interrupted = True
        self._disturb()
        self._shell.interrupt()
        self._talk.news.set()

    def pause(self) -> None:
        """Do nothing: a pipe that nobody reads holds it up."""

    def resume(self) -> None:
        """Do nothing: a pipe that is read again lets it go on."""

    def retire(self) -> None:
        """Take note that it is about to leave by itself."""
        self._retired = True

    def kill(self) -> None:
        """Kill the shell and its group; the end arrives as a death."""
        self._killed = True
        self.spawned.signal_group(signal.SIGKILL)

    def _disturb(self) -> None:
        self._talk.disturbed = True

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def leave(self, *, within_s: float) -> None:
        """Let the shell end by itself, by way of its EXIT trap, and return when it has, or when the time is over."""
        self._shell.close_input()
        await self._talk.until(lambda: self._gone, within_s=within_s)

    async def close(self) -> None:
        """Kill what is left of it and its group; `spawned` remains to be buried, and who survives writes for nobody."""
        self.kill()
        await self.spawned.ended.wait()
        self._closed = True
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        await self._inbox.close()
        self._shell.resume()

    async def _mourn(self) -> None:
        self.spawned.signal_group(signal.SIGKILL)
        self._listener.leaving()
        self._shell.flush()
        self._inbox.finish(self._parent)
        await self._talk.until(lambda: self._inbox.empty)
        self._listener.died(self._death())

    def _death(self) -> Death:
        exit_ = self._shell.exit
        name = exit_.signal if exit_ else None
        killed = name == "SIGKILL" and not self._killed and self._launch.memory_kills() > self._kills_before
        return Death(exit_code=exit_.code if exit_ else None, signal=name, memory_kill=killed)

    @property
    def _gone(self) -> bool:
        return self._shell.exit is not None

    def _fate(self) -> str:
        return str(self._death()).removeprefix("the kernel ")

    def _words(self) -> tuple[str, ...]:
        self._shell.flush()
        return tuple(bytes(self._shell.words).decode("utf-8", "replace").splitlines())

    # ── one job after another ────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self) -> None:
        try:
            while await self._talk.until(lambda: bool(self._jobs) or self._gone) and not self._gone:
                await self._perform(self._jobs.popleft())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this shell and of nothing else
            self._fault(error)
            self.kill()
            await self._talk.until(lambda: self._gone)
        await self._mourn()

    async def _perform(self, job: Job) -> None:
        if self._talk.disturbed:
            await self._talk.sync()  # By a signal that came when the last one was over already.
        self._interrupted = False
        self._shell.ended.clear()
        newcomers = self._launch.newcomers(self._shell.child)
        if job.shown:
            self._parent, self._early = job.id, []
        await self._talk.hand_over(job)
        if job.shown:
            self._begin(job)
        await self._talk.until(lambda: self._talk.is_over(job) or self._interrupted)
        if not self._talk.is_over(job):
            await self._talk.take_back(job, newcomers)
        if self._talk.disturbed and not self._gone:
            await self._talk.sync()
        self._shell.flush()
        if job.shown:
            self._reply(job)

    def _begin(self, job: Job) -> None:
        self._count += 1
        self._say("execute_input", {"code": job.text, "execution_count": self._count})
        early, self._early = self._early or [], None
        for stream, data in early:
            self._deliver(stream, data)

    # ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _reply(self, job: Job) -> None:
        exit_ = self._shell.exit
        code = self._shell.ended.pop(job.id, None) if exit_ is None or job.id in self._shell.ended else exit_.code
        if code is None or (exit_ is not None and self._interrupted):
            return  # It was killed, or has not survived the interrupt: its death says so.
        self._inbox.finish(self._parent)
        told = reply(code, count=self._count, interrupted=self._interrupted, leaves=exit_ is not None)
        self._say("execute_reply", told)
        self._say("status", {"execution_state": "idle"})

    def _say(self, kind: str, content: Mapping[str, Any]) -> None:
        self._inbox.put(Message(kind, self._parent, content))

    def _deliver(self, stream: Stream, data: bytes) -> bool:
        if self._closed:
            return True
        if self._early is not None:
            self._early.append((stream, data))
            return True
        self._inbox.write(self._parent, stream, data)
        return not self._inbox.full

    def _go_on(self) -> None:
        self._shell.resume()
        self._talk.news.set()

    def _notice(self) -> None:
        if self._gone:
            self.spawned.ended.set()
        self._talk.news.set()

    def _fault(self, error: Exception) -> None:
        _log.error("fault in a live shell", exc_info=error)
