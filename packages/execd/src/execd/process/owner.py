"""The owner of one command: what happens to its processes goes into the tables, what the tables say is done here."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from execd.errors import InvalidRequestBody
from execd.process.child import Child, Program, spawn
from execd.process.ends import ending, start_failure
from execd.process.groups import RunGroup
from execd.process.pipes import Pipes
from execd.process.states import Do, Input, Kind, Output, State, step, verdict
from execd.process.sweep import Survey, Sweep
from execd.runs.run import Run

KILL_LIMIT_S: Final = 10.0
"""How long what has been sent SIGKILL is waited for: longer than any load holds it up."""
_log: Final = logging.getLogger("execd.process")
_FAULT: Final = Input(Kind.FAULT, cause="internal_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all commands of a daemon share: two graces, the survey, and how often the kernel has killed for memory."""

    kill_grace_s: float
    drain_grace_s: float
    survey: Survey
    memory_kills: Callable[[], int]


class Owner:
    """Owns the processes of one run from start to end: the run's `Control`.

    `group` is the control group in which they are limited, if they are.
    """

    _child: Child
    _pipes: Pipes

    def __init__(self, run: Run, terms: Terms, *, timeout_s: float, group: RunGroup | None = None) -> None:
        self._run = run
        self._terms = terms
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._state = State()
        self._faulted = False
        self._leader_lives = False
        self._failure: OSError | None = None
        self._sweep: Sweep | None = None
        self._timers: dict[Kind, asyncio.TimerHandle] = {}
        self._group = group
        self._kills = group.kills if group is not None and group.limits_memory else terms.memory_kills
        self._kills_before = self._kills()

    # ── the run's Control ────────────────────────────────────────────────────────────────────────────────────────────

    def stop(self, cause: str) -> None:
        """End the program; the end arrives as the terminal event."""
        self._notice_exit()
        self._feed(Input(Kind.STOP, cause=cause))

    def send_signal(self, name: str) -> None:
        """Send a signal by name to the program's group."""
        if name not in signal.Signals.__members__:
            raise InvalidRequestBody(f"signal: there is no signal {name[:32]!r}", details={"field": "signal"})
        self._notice_exit()
        self._feed(Input(Kind.SIGNAL, signal=name))

    async def write_stdin(self, data: bytes) -> None:
        """Write to standard input, waiting while the program does not read; raises `StdinClosed`."""
        await self._pipes.stdin.write(data)

    def close_stdin(self) -> None:
        """End standard input; raises `StdinClosed` when there is none."""
        self._pipes.stdin.end()

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, program: Program) -> None:
        """Start the program; a failure is the run's end."""
        try:
            child = self._spawn(program)
        except OSError as error:
            self._failure = error
            self._feed(Input(Kind.START_FAILED, cause="never_started"))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this run and of no other
            self._fault(error)
        else:
            self._take_over(child)

    def _spawn(self, program: Program) -> Child:
        if self._group is None:
            return spawn(program)
        try:
            return spawn(replace(program, doors=self._group.doors))
        finally:
            self._group.shut()

    def _take_over(self, child: Child) -> None:
        try:
            self._adopt(child)
        except Exception as error:  # noqa: BLE001 - as above, and the program must not go on without an owner
            self._leader_lives = False
            child.signal_group(signal.SIGKILL)
            child.reap()
            self._fault(error)
        else:
            self._feed(Input(Kind.STARTED))

    def _adopt(self, child: Child) -> None:
        self._child = child
        self._leader_lives = True
        self._loop.add_reader(child.pidfd, self._notice_exit)
        self._pipes = Pipes(child, self._run, ended=lambda: self._feed(Input(Kind.PIPES_ENDED)), failed=self._fault)
        self._run.pid = child.pid
        self._run.control = self

    def _notice_exit(self) -> None:
        # A stop looks too: a leader that is gone already was not stopped by us.
        if not self._leader_lives or (exit_ := self._child.exit()) is None:
            return
        self._leader_lives = False
        self._loop.remove_reader(self._child.pidfd)
        if exit_.signal == "SIGKILL":
            exit_ = replace(exit_, memory_kill=self._kills() > self._kills_before)
        self._feed(Input(Kind.EXITED, exit=exit_))

    def _feed(self, happened: Input) -> None:
        try:
            self._state, todo = step(self._state, happened)
            for do in todo:
                self._ACTIONS[do](self, happened)
        except Exception as error:  # noqa: BLE001 - as above
            self._fault(error)

    def _fault(self, error: Exception) -> None:
        _log.error("fault in execution %s", self._run.id, exc_info=error)
        if self._faulted or self._state.output is Output.ENDED:
            self._end_anyhow()
        else:
            self._faulted = True
            self._feed(_FAULT)

    def _end_anyhow(self) -> None:
        # Not even the end goes as it should: what is left is that nobody waits for ever.
        if self._run.end is None:
            self._run.control = None
            self._run.finish(ending("internal_error", None))
        if self._leader_lives:
            self._child.signal_group(signal.SIGKILL)
        self._leave_group()

    def _leave_group(self) -> None:
        if self._group is not None:
            self._group.release()

    # ── what is to be done ───────────────────────────────────────────────────────────────────────────────────────────

    def _terminate(self, _: Input) -> None:
        self._everyone().send(signal.SIGTERM)

    def _kill(self, _: Input) -> None:
        if self._group is not None:
            self._group.seal()
        self._everyone().send(signal.SIGKILL)

    def _watch(self, _: Input) -> None:
        self._everyone().watch()

    def _everyone(self) -> Sweep:
        if self._sweep is None:
            gone = Input(Kind.GROUP_GONE)
            self._sweep = Sweep(
                self._child,
                self._run.id,
                self._terms.survey,
                gone=lambda: self._feed(gone),
                failed=self._fault,
                others=self._group.members if self._group is not None else None,
            )
        return self._sweep

    def _forward(self, happened: Input) -> None:
        self._child.signal_group(signal.Signals[happened.signal])

    def _start_timeout(self, _: Input) -> None:
        if self._timeout_s:
            self._ring(self._timeout_s, Input(Kind.TIMEOUT, cause="timed_out"))

    def _start_grace(self, _: Input) -> None:
        self._ring(self._terms.kill_grace_s, Input(Kind.GRACE_OVER))

    def _start_limit(self, _: Input) -> None:
        self._ring(KILL_LIMIT_S, Input(Kind.GRACE_OVER))

    def _start_drain(self, _: Input) -> None:
        self._ring(self._terms.drain_grace_s, Input(Kind.DRAIN_OVER))

    def _ring(self, delay_s: float, happened: Input) -> None:
        if before := self._timers.get(happened.kind):
            before.cancel()
        self._timers[happened.kind] = self._loop.call_later(delay_s, self._rung, happened)

    def _rung(self, happened: Input) -> None:
        # The exit may have come first and still wait to be noticed in the same turn of the loop.
        self._notice_exit()
        self._feed(happened)

    def _release(self, _: Input) -> None:
        self._run.leader_exited()
        self._pipes.close_stdin()

    def _flush(self, _: Input) -> None:
        self._pipes.flush()

    def _discard(self, _: Input) -> None:
        if self._run.pid is not None:  # Else the fault was in the start.
            self._pipes.discard()

    def _reap(self, _: Input) -> None:
        self._child.reap()

    def _finish(self, _: Input) -> None:
        for timer in self._timers.values():
            timer.cancel()
        if self._sweep is not None:
            self._sweep.close()
        self._leave_group()
        self._run.control = None
        failure = self._failure
        self._run.finish(start_failure(failure) if failure else ending(verdict(self._state), self._state.exit))

    _ACTIONS: ClassVar[dict[Do, Callable[[Owner, Input], None]]] = {
        Do.TERMINATE: _terminate,
        Do.KILL: _kill,
        Do.WATCH: _watch,
        Do.FORWARD: _forward,
        Do.START_TIMEOUT: _start_timeout,
        Do.START_GRACE: _start_grace,
        Do.START_LIMIT: _start_limit,
        Do.START_DRAIN: _start_drain,
        Do.RELEASE: _release,
        Do.FLUSH: _flush,
        Do.DISCARD: _discard,
        Do.REAP: _reap,
        Do.FINISH: _finish,
    }
