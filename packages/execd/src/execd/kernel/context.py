"""Code that keeps its state from run to run: one kernel at a time, and one cell after another.

A kernel that dies, or is killed for a cell that would not stop, is replaced under the same context: its group dies with
it, what has left the group lives until the context is closed.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from execd.kernel.anykernel import AnyKernel, KernelFailed
from execd.kernel.broadcast import Broadcast, Listener
from execd.kernel.cell import Cell, Order
from execd.kernel.execution import Death
from execd.kernel.messages import Message, Output, said
from execd.kernel.spec import Spec
from execd.process.child import Child
from execd.runs.ends import End
from execd.runs.run import Run

TRIES: Final = 3
"""After how many kernels that died at once those that wait for one are told."""
_TOLD_LATE: Final = ("result", "clear_output")
_log: Final = logging.getLogger("execd.kernel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a context is: fixed at its start, the same for every kernel that it has."""

    id: str
    spec: Spec
    directory: str
    envs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What all contexts share: how a kernel is started, how everyone of a mark is ended, how long we are patient.

    `expire` is called when a context has had nothing to do for `idle_s` seconds.
    """

    start: Callable[[Setting, Context], Awaitable[AnyKernel]]
    clear: Callable[[Child, str], Awaitable[None]]
    expire: Callable[[Context], None]
    grace_s: float
    idle_s: float | None
    now_ms: Callable[[], int]


class Context:
    """One context, from its first kernel to its close; what its kernels hear of belongs to a run, or to nobody."""

    def __init__(self, setting: Setting, means: Means) -> None:
        self.setting = setting
        self._means = means
        self._broadcast = Broadcast(means.now_ms)
        self._queue: deque[Cell] = deque()
        self._cell: Cell | None = None
        self._starting = False
        self._last: AnyKernel | None = None
        """The kernel before: not yet reaped, so that its group and session can still be named."""
        self._numbers = itertools.count(1)
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stirred = asyncio.Event()
        self._renewed = False
        self._replace = False
        self._futile = 0
        """Kernels in a row that died by themselves and had served nobody."""
        self._last_words: tuple[str, ...] = ()
        self._closing = False
        self._serving = asyncio.get_running_loop().create_task(self._serve())

    # ── from outside ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def ready(self) -> None:
        """Return when a kernel is up; raises `KernelFailed`."""
        await asyncio.shield(self._ready)

    def submit(self, run: Run, order: Order) -> None:
        """Put a run in line."""
        if self._queue or (self._cell is not None and self._cell.run.end is None):
            run.emit({"type": "status", "text": "queued"})
        gone = self._queue.remove
        cell = Cell(run, order, self.setting.spec, grace_s=self._means.grace_s, late=self._late, gone=gone)
        self._queue.append(cell)
        self._stirred.set()

    async def interrupt(self) -> None:
        """Interrupt the cell that runs, or waits for nothing but the kernel, and return when it has ended."""
        await _stop(self._cell or (self._queue[0] if self._queue else None))

    async def restart(self) -> None:
        """Replace the kernel: the cell that runs is interrupted, those in line go on; raises `KernelFailed`."""
        if self._ready.done():
            self._ready = asyncio.get_running_loop().create_future()
        self._replace = True
        self._stirred.set()
        await _stop(self._cell, forfeit=True)
        await self.ready()

    def listen(self) -> Listener:
        """Return a listener to what the kernel says outside of runs."""
        return self._broadcast.listen()

    async def close(self, cause: str, last_event: dict[str, Any]) -> None:
        """End every cell for this cause, the kernel, and everything that it has started."""
        again, self._closing = self._closing, True
        for cell in [*self._queue, *([self._cell] if self._cell else [])]:
            cell.stop(cause, forfeit=True)
        self._stirred.set()
        self._not_ready(KernelFailed("the context has been closed"))
        if self._starting and not again:  # A second time would break off the burial of what has been started.
            self._serving.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.shield(self._serving)
        last, self._last = self._last, None
        if last is not None:
            await self._means.clear(last.spawned.child, self.setting.id)
            await last.spawned.bury()
        self._broadcast.end(last_event)

    # ── the kernel speaks (kernel.Listener) ──────────────────────────────────────────────────────────────────────────

    def heard(self, message: Message) -> None:
        """Take a message: of the cell that runs, or late."""
        if self._cell is None:
            self._late(message)
        else:
            self._cell.hear(message)

    async def room(self) -> None:
        """Return when the cell's run takes more output."""
        if self._cell is not None:
            await self._cell.room()

    def leaving(self) -> None:
        """Take note that the kernel is gone; what it has said before is still to come, and waits for nobody."""
        if self._cell is not None:
            self._cell.run.leader_exited()

    def died(self, death: Death) -> None:
        """Take note that nothing more comes from the kernel."""
        self._last_words = death.last_words
        if self._cell is not None:
            self._cell.died(death)
        self._tell("dead")
        self._stirred.set()

    def _late(self, message: Message) -> None:
        told = said(message)
        if isinstance(told, Output):
            told = {"type": told.stream, "text": told.data.decode()} if told.data else None
        elif told is not None and told["type"] not in _TOLD_LATE:
            told = None
        if told is not None:
            execution_id = message.parent.partition(":")[0]
            self._broadcast.tell({**told, "execution_id": execution_id} if execution_id else told)

    # ── one kernel after another ─────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self) -> None:
        while not self._closing:
            try:
                await self._live_with(await self._start())
            except KernelFailed as failed:
                self._refuse(failed)
                await self._wanted()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this kernel, not of the context
                _log.exception("fault in context %s", self.setting.id)
                self._refuse(KernelFailed(f"a fault of the daemon's own: {error}"))
                await self._wanted()

    async def _start(self) -> AnyKernel:
        self._starting = True
        try:
            return await self._means.start(self.setting, self)
        finally:
            self._starting = False

    async def _live_with(self, kernel: AnyKernel) -> None:
        self._replace = False
        await self._forget_last()
        if self._renewed:
            self._tell("restarted")
        if not self._ready.done():
            self._ready.set_result(None)
        served = 0
        while (cell := await self._next(kernel)) is not None:
            served += 1
            await self._run(kernel, cell)
        if kernel.usable:
            await kernel.leave(within_s=self._means.grace_s)
        await kernel.close()
        self._last = kernel
        self._renewed = True
        self._futile = 0 if served or self._replace else self._futile + 1
        if self._futile == TRIES:
            self._futile = 0
            self._refuse(KernelFailed("one kernel after another died before it took a cell", self._last_words))
        if self._futile and not self._closing:
            # It died by itself: the next one may, too, so it is started when it is wanted.
            await self._wanted()

    async def _forget_last(self) -> None:
        if self._last is not None:
            await self._last.spawned.bury()
            self._last = None

    async def _wanted(self) -> None:
        while not self._queue and not self._closing and not self._replace:
            await self._rest()

    async def _next(self, kernel: AnyKernel) -> Cell | None:
        while kernel.usable and not self._closing and not self._replace:
            if self._queue and kernel.spawned.child.stopped():
                kernel.kill()
                return None
            if self._queue:
                return self._queue.popleft()
            await self._rest()
        return None

    async def _rest(self) -> None:
        self._stirred.clear()
        try:
            async with asyncio.timeout(self._means.idle_s):
                await self._stirred.wait()
        except TimeoutError:
            self._means.expire(self)

    async def _run(self, kernel: AnyKernel, cell: Cell) -> None:
        self._cell = cell
        if self._renewed:
            self._renewed = False
            cell.run.emit({"type": "status", "text": "restarted"})
        self._tell("busy")
        try:
            cell.begin(kernel, request_id=f"{cell.run.id}:{next(self._numbers)}")
            await cell.run.ended()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this run and of no other
            cell.fault(error)
        finally:
            self._cell = None
            self._tell("idle")

    def _tell(self, state: str) -> None:
        self._broadcast.tell({"type": "status", "text": state})

    def _refuse(self, failed: KernelFailed) -> None:
        words = failed.last_words or (str(failed),)
        reason = End(
            cause="kernel_died",
            code="KERNEL_DIED",
            ename="KernelDied",
            evalue=str(failed),
            traceback=words,
            state_lost=self._renewed,
        )
        while self._queue:
            self._queue.popleft().refuse(reason)
        self._replace = False
        self._not_ready(failed)

    def _not_ready(self, failed: KernelFailed) -> None:
        if not self._ready.done():
            self._ready.set_exception(failed)
            self._ready.exception()  # Nobody may have been waiting for it.


async def _stop(cell: Cell | None, *, forfeit: bool = False) -> None:
    if cell is not None:
        cell.stop("interrupted", forfeit=forfeit)
        await cell.run.ended()
