"""A program in the language as a kernel: lines of JSON go in and come out, and its output is its pipes'.

What can be said is in docs/workers.md. Whatever a cell has written is read before its reply is heard, since the program
writes its reply last; nothing of it is counted, parsed or copied on the way.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from execd.kernel.anykernel import KernelFailed, Listener
from execd.kernel.execution import Death
from execd.kernel.inbox import Inbox
from execd.kernel.leader import Leader
from execd.kernel.messages import Message
from execd.process.child import Program
from execd.process.worker import Worker
from execd.runs.sse import Stream

_SHOWN: Final = ("execute_result", "display_data", "update_display_data", "clear_output", "input_request")
"""Kinds that are messages of a kernel as they come."""
END_OF_INPUT: Final = "\x04"
"""What stands for the end of the input among the answers of a run."""
_log: Final = logging.getLogger("execd.kernel")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLaunch:
    """What a worker is started with."""

    program: Program
    limit_s: float
    memory_kills: Callable[[], int]


class Line(msgspec.Struct, frozen=True):
    """What a worker says."""

    type: str
    id: str = ""
    content: dict[str, Any] = {}


class WorkerKernel:
    """A worker that is up; `start` makes one."""

    def __init__(self, launch: WorkerLaunch, listener: Listener) -> None:
        self._launch = launch
        self._listener = listener
        self._codes: dict[str, str] = {}
        """Cells that it has not begun with."""
        self._running = ""
        self._parent = ""
        self._unsettled: list[tuple[Stream, bytes]] = []
        """Output of which it is not known yet whose it is."""
        self._count = 0
        self._retired = False
        self._killed = False
        self._closed = False
        self._kills_before = launch.memory_kills()
        self._stirred = asyncio.Event()
        self._worker = Worker(
            launch.program, hear=self._hear, deliver=self._deliver, news=self._notice, failed=self._fault
        )
        self._inbox = Inbox(listener, emptied=self._go_on)
        self.spawned = Leader(self._worker, before=self._tell_interrupt)
        self._mourning: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, launch: WorkerLaunch, listener: Listener) -> WorkerKernel:
        """Return a worker that takes cells; raises `KernelFailed` with its last words, `OSError`."""
        made = cls(launch, listener)
        try:
            await made._ready()
        except BaseException:
            await made.close()
            await made.spawned.bury()
            raise
        return made

    async def _ready(self) -> None:
        limit_s = self._launch.limit_s
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not (self._worker.ready or self._gone):
                    self._stirred.clear()
                    await self._stirred.wait()
        if self._gone:
            raise KernelFailed(str(self._death()).replace("kernel", "kernel did not start: it", 1), self._words())
        if not self._worker.ready:
            raise KernelFailed(f"the kernel did not answer within {limit_s:g} s", self._words())

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
        """Send a cell; what it says has `request_id` as its parent."""
        self._kills_before = self._launch.memory_kills()
        self._codes[request_id] = code
        self._running = request_id
        self._send({"type": "execute", "id": request_id, "code": code, "allow_stdin": allow_stdin})

    def lend_envs(self, values: Mapping[str, str]) -> None:
        """Set variables before the next cell, until `return_envs`."""
        self._send({"type": "lend_envs", "envs": dict(values)})

    def return_envs(self) -> None:
        """Give back what the variables lent were before."""
        self._send({"type": "return_envs"})

    def answer(self, value: str) -> None:
        """Answer a request for input."""
        self._send({"type": "input", "value": None if value == END_OF_INPUT else value})

    def _send(self, what: Mapping[str, Any]) -> None:
        self._worker.send(msgspec.json.encode(what))

    # ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def interrupt(self) -> None:
        """Interrupt the cell and the programs that it has started."""
        self.spawned.signal_group(signal.SIGINT)
        self.spawned.signal_group(signal.SIGCONT)

    def _tell_interrupt(self, number: int) -> None:
        # By the cell's name, so that one that comes late is not taken for the next cell's.
        if number == signal.SIGINT and self._running:
            self._send({"type": "interrupt", "id": self._running})

    def pause(self) -> None:
        """Do nothing: a pipe that nobody reads holds it up."""

    def resume(self) -> None:
        """Do nothing: a pipe that is read again lets it go on."""

    def retire(self) -> None:
        """Take note that it is about to leave by itself."""
        self._retired = True

    def kill(self) -> None:
        """Kill it and its group; the end arrives as a death."""
        self._killed = True
        self.spawned.signal_group(signal.SIGKILL)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def leave(self, *, within_s: float) -> None:
        """Let it end by itself, and return when it has, or when the time is over."""
        self._retired = True
        self._worker.close_input()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.spawned.ended.wait()

    async def close(self) -> None:
        """Kill what is left of it and its group; `spawned` remains to be buried, and who survives writes for nobody."""
        self.kill()
        await self.spawned.ended.wait()
        self._closed = True
        if self._mourning is not None:
            self._mourning.cancel()
            await asyncio.gather(self._mourning, return_exceptions=True)
        await self._inbox.close()
        self._worker.resume()

    def _notice(self) -> None:
        self.spawned.ended.set()
        self._stirred.set()
        if not self._closed:
            self._mourning = asyncio.get_running_loop().create_task(self._mourn())

    async def _mourn(self) -> None:
        self.spawned.signal_group(signal.SIGKILL)
        self._listener.leaving()
        self._worker.flush()
        self._inbox.finish(self._parent)
        while not self._inbox.empty:
            self._stirred.clear()
            await self._stirred.wait()
        self._listener.died(self._death())

    def _death(self) -> Death:
        exit_ = self._worker.exit
        name = exit_.signal if exit_ else None
        killed = name == "SIGKILL" and not self._killed and self._launch.memory_kills() > self._kills_before
        return Death(exit_code=exit_.code if exit_ else None, signal=name, memory_kill=killed)

    @property
    def _gone(self) -> bool:
        return self._worker.exit is not None

    def _words(self) -> tuple[str, ...]:
        self._worker.flush()
        return tuple(bytes(self._worker.words).decode("utf-8", "replace").splitlines())

    # ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _hear(self, raw: bytes) -> bool:
        try:
            line = msgspec.json.decode(raw, type=Line)
        except msgspec.DecodeError:
            _log.warning("a worker said what is no line of ours: %.200r", raw)
            return True
        if line.type in ("begun", "reply"):
            self._begin(line.id)
        # What was written before this line comes before what it says.
        self._settle()
        if line.type == "ready":
            self._worker.ready = True
            self._stirred.set()
        elif line.type == "reply":
            self._reply(line)
        elif line.type in _SHOWN:
            self._say(line.type, line.id or self._parent, line.content)
        return not self._inbox.full

    def _begin(self, request_id: str) -> None:
        code = self._codes.pop(request_id, None)
        if code is not None:
            self._inbox.finish(self._parent)
            self._parent = request_id
            self._count += 1
            self._say("execute_input", request_id, {"code": code, "execution_count": self._count})
            self._settle()

    def _reply(self, line: Line) -> None:
        if line.id != self._running:
            return
        self._running = ""
        self._inbox.finish(line.id)
        self._say("execute_reply", line.id, {**line.content, "execution_count": self._count})
        self._say("status", line.id, {"execution_state": "idle"})

    def _say(self, kind: str, parent: str, content: Mapping[str, Any]) -> None:
        self._inbox.put(Message(kind, parent, content))

    def _deliver(self, stream: Stream, data: bytes) -> bool:
        if self._closed:
            return True
        self._unsettled.append((stream, data))
        if self._codes and not self._worker.hearing:
            # It may have begun with its cell: then it has said so before it wrote this.
            self._worker.listen()
        if not self._worker.hearing:
            self._settle()
        return not self._inbox.full

    def _settle(self) -> None:
        unsettled, self._unsettled = self._unsettled, []
        for stream, data in unsettled:
            self._inbox.write(self._parent, stream, data)

    def _go_on(self) -> None:
        self._worker.resume()
        self._stirred.set()

    def _fault(self, error: Exception) -> None:
        _log.error("fault in a worker", exc_info=error)
        self.kill()
