"""One run in a context: what the kernel says goes into the tables, what the tables say is done here."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from execd.errors import InvalidRequestBody
from execd.kernel.answers import Answers
from execd.kernel.anykernel import AnyKernel
from execd.kernel.execution import Death, Do, Effect, Hearing, Kind, Late, State, Step, end, hear, step, stopped
from execd.kernel.messages import Message, Output
from execd.kernel.spec import Spec
from execd.runs.ends import End
from execd.runs.run import Run
from execd.runs.text import LINE_LIMIT, boundary

WATCH_S: Final = 0.25
"""How often a kernel is looked at that may have been stopped, which nothing tells of."""
_STOPS: Final = ("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
_log: Final = logging.getLogger("execd.kernel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run asks of a context."""

    code: str
    timeout_s: float | None = None
    allow_stdin: bool = False
    envs: Mapping[str, str] | None = None


class Cell:
    """A run that waits for its kernel, is in it, or has ended; the run's `Control`.

    `late` gets what belongs to no run any more, `gone` is called when a cell that still waits is not to be run.
    """

    _kernel: AnyKernel

    def __init__(
        self,
        run: Run,
        order: Order,
        spec: Spec,
        *,
        grace_s: float,
        late: Callable[[Message], None],
        gone: Callable[[Cell], None],
    ) -> None:
        self.run = run
        self._order = order
        self._late = late
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._begun = False
        self._state = State(parent="")
        self._lent = False
        self._timers: dict[Kind, asyncio.TimerHandle] = {}
        self._watching: asyncio.TimerHandle | None = None
        self._halted = False
        """Whether the kernel stands still because we, or our client, want it to."""
        self._stopped_by: str | None = None
        self._answers = Answers(self._answer, open_=order.allow_stdin, end_of_input=spec.end_of_input or "")
        self._grace_s = grace_s
        self._silence_s = spec.silence_s
        run.control = self

    # ── the run's Control ────────────────────────────────────────────────────────────────────────────────────────────

    def stop(self, cause: str, *, forfeit: bool = False) -> None:
        """End the cell: one that waits is dropped at once, one that runs is interrupted.

        `forfeit`: its kernel goes in any case, and with it the state.
        """
        if self.run.end is not None:
            return
        self._state = replace(self._state, forfeit=forfeit or self._state.forfeit)
        if not self._begun:
            self._finish(stopped(cause))
            self._gone(self)
            return
        # Whoever reads no further must not keep the kernel from being interrupted.
        self.run.leader_exited()
        self._take(step(self._state, Kind.STOP, cause=cause))

    def send_signal(self, name: str) -> None:
        """Send a signal by name to the kernel and the programs that it has started."""
        if name not in signal.Signals.__members__:
            raise InvalidRequestBody(f"signal: there is no signal {name[:32]!r}", details={"field": "signal"})
        if self._begun:
            self._halted = name in _STOPS or (self._halted and name != "SIGCONT")
            self._kernel.spawned.signal_group(signal.Signals[name])

    async def write_stdin(self, data: bytes) -> None:
        """Answer what the cell asks for, or will ask for; raises `StdinClosed`."""
        await self._answers.write(data)

    def close_stdin(self) -> None:
        """Let further questions find the end of the input; raises `StdinClosed`."""
        self._answers.close()

    # ── the context's side ───────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, kernel: AnyKernel, *, request_id: str) -> None:
        """Send the code; variables of this run alone are lent by a request before it."""
        self._kernel, self._begun = kernel, True
        self._state = State(parent=request_id)
        self.run.pid = kernel.spawned.pid
        if self._order.envs:
            self._lent = True
            kernel.lend_envs(self._order.envs)
        kernel.execute(self._order.code, request_id=request_id, allow_stdin=self._order.allow_stdin)
        if self._order.timeout_s:
            self._timers[Kind.STOP] = self._loop.call_later(self._order.timeout_s, self.stop, "timed_out")
        self._watch()

    def hear(self, message: Message) -> None:
        """Take a message of the kernel."""
        self._take(hear(self._state, message))

    def died(self, death: Death) -> None:
        """Take note of the kernel's death."""
        if self._stopped_by:
            death = replace(death, signal=self._stopped_by, reason=f"was stopped by {self._stopped_by}")
        self._take(step(self._state, Kind.DIED, death=death))

    def refuse(self, reason: End) -> None:
        """End a cell for another reason than its kernel's."""
        self._finish(reason)

    def fault(self, error: Exception) -> None:
        """End the cell over a fault of ours, and its kernel with it."""
        _log.error("fault in execution %s", self.run.id, exc_info=error)
        if self._begun:
            self._kernel.kill()
        self.refuse(stopped("internal_error", lost=self._begun))

    async def room(self) -> None:
        """Return when the run takes more output; meanwhile the kernel is stopped, since nothing else holds it up."""
        if not self.run.held:
            return
        self._halted = True
        self._kernel.pause()
        try:
            await self.run.room()
        finally:
            self._kernel.resume()
            self._halted = False

    def _watch(self) -> None:
        stopped_by = self._kernel.spawned.child.stopped()
        if stopped_by and not self._halted:
            self._stopped_by = stopped_by
            self._kernel.kill()
        else:
            self._watching = self._loop.call_later(WATCH_S, self._watch)

    # ── what is to be done ───────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, done: Step) -> None:
        self._state, effects = done
        try:
            for effect in effects:
                self._do(effect)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this run and of no other
            self.fault(error)

    def _do(self, effect: Effect) -> None:
        if isinstance(effect, Do):
            self._act(effect)
        elif isinstance(effect, Output):
            self._write(effect)
        elif isinstance(effect, Late):
            self._late(effect.message)
        else:
            self._emit(effect)

    def _act(self, do: Do) -> None:
        match do:
            case Do.INTERRUPT:
                self._kernel.interrupt()
            case Do.KILL:
                self._kernel.kill()
            case Do.RETIRE:
                self._kernel.retire()
            case Do.START_GRACE:
                self._ring(self._grace_s, Kind.GRACE_OVER)
            case Do.START_SILENCE:
                if self._state.hearing is not Hearing.REPLY or not self._kernel.orderly:
                    self._ring(self._silence_s, Kind.SILENCE_OVER)
            case Do.FINISH:
                self._finish(end(self._state))

    def _write(self, output: Output) -> None:
        data, at = output.data, 0
        while len(data) - at > LINE_LIMIT:
            # As the kernel gave it, but no event that deployed clients could not read.
            to = at + boundary(data[at : at + LINE_LIMIT + 1], LINE_LIMIT)
            self.run.write(output.stream, data[at:to])
            at = to
        self.run.write(output.stream, data[at:])

    def _emit(self, event: dict[str, Any]) -> None:
        self.run.emit(event)
        if event["type"] == "input_request":
            self._answers.asked()

    def _answer(self, text: str) -> None:
        self._kernel.answer(text)

    def _ring(self, delay_s: float, kind: Kind) -> None:
        if before := self._timers.get(kind):
            before.cancel()
        self._timers[kind] = self._loop.call_later(delay_s, lambda: self._take(step(self._state, kind)))

    def _finish(self, reason: End) -> None:
        if self.run.end is not None:
            return
        for timer in self._timers.values():
            timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        self._answers.end()
        self.run.control = None
        self._give_back()
        self.run.finish(reason)

    def _give_back(self) -> None:
        # Requests are taken in order: this one before the next cell, whenever that comes.
        if self._lent and self._kernel.usable:
            self._kernel.return_envs()
