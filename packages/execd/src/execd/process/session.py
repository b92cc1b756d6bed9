"""One session: a live shell, the runs that queue for it, and what it says between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from execd.errors import StdinClosed
from execd.process.child import Program
from execd.process.clearing import clear
from execd.process.ends import start_failure
from execd.process.newcomers import Newcomers
from execd.process.owner import Terms
from execd.process.shell import READY_S, Shell
from execd.process.shelltext import word
from execd.process.states import Exit
from execd.process.turn import Turn
from execd.runs.registry import MEMORY_RUN_BYTES
from execd.runs.run import Run
from execd.runs.spool import Spool
from execd.runs.sse import Stream
from execd.runs.strip import Strip

_log: Final = logging.getLogger("execd.process")
_PATIENCE_S: Final = (0.03, 0.06, 0.12, *(0.2,) * 8)
"""How long a shell that is interrupted may take to say so, before more is done."""
_AGAIN_S: Final = 0.03
"""After what time it is interrupted again: between programs it misses every other time, and more on a busy machine."""
_ASKED_KINDLY: Final = 2
"""How often what it runs is only interrupted, before it is ended."""
_GOODBYE_S: Final = 3.0
"""How long a shell whose session ends may take for its EXIT trap."""


class Session:
    """Owns the shell of one session; a shell that ends is followed by a fresh one, and the next run says so."""

    def __init__(
        self, session_id: str, program: Program, terms: Terms, spool: Spool, *, place: Callable[[], str]
    ) -> None:
        self.id = session_id
        self._place = place
        self._program = program
        self._terms = terms
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._news = asyncio.Event()
        self._shell: Shell | None = None
        self._restarted = False
        self._turns: dict[Turn, asyncio.Task[None]] = {}
        self._current: Turn | None = None
        self._between = Strip(spool)
        self._lost_between = False
        self._syncs = 0
        self._holding: asyncio.Task[None] | None = None
        self._closing = False

    async def open(self) -> None:
        """Start the shell; raises `OSError`, or `TimeoutError` when it is not ready in time."""
        async with self._lock:
            await self._ready_shell()

    def run(self, run: Run, text: str, *, cwd: str | None, timeout_s: float) -> None:
        """Let a run have its turn, after those that are there."""
        if cwd is not None:
            text = f"CDPATH= \\builtin cd -- {word(cwd)} || {{ __execd_in=; \\builtin return 1; }}\n{text}"
        turn = Turn(run, text, timeout_s=timeout_s, news=self._news.set)
        run.control = turn
        if self._turns:
            run.emit({"type": "status", "text": "queued"})
        self._turns[turn] = self._loop.create_task(self._take_turn(turn))

    async def close(self, cause: str) -> None:
        """End every run, the shell, and everything that it has started."""
        self._closing = True
        runs = [turn.run for turn in self._turns]
        for turn in list(self._turns):
            turn.stop(cause)
        for run in runs:
            await run.ended()
        async with self._lock:
            if self._shell is not None:
                await self._end_shell(self._shell)

    # ── a turn ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _take_turn(self, turn: Turn) -> None:
        try:
            async with self._lock:
                if turn.run.end is None:
                    await self._perform(turn)
        except OSError as refusal:
            turn.run.control = None
            turn.run.finish(start_failure(refusal))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this run and of no other
            self._fault(error)
            if turn.run.end is None:
                turn.cause = "internal_error"
                turn.finish(None)
        finally:
            self._current = None
            del self._turns[turn]

    async def _perform(self, turn: Turn) -> None:
        # A shell may end before it takes the command, by what was done to it before; then it is another one's.
        for last in (False, True):
            shell = await self._ready_shell()
            if turn.run.end is None and not await self._attempt(turn, shell, last=last):
                continue
            return

    async def _attempt(self, turn: Turn, shell: Shell, *, last: bool) -> bool:
        self._open_run(turn, shell)
        timer = self._loop.call_later(turn.timeout_s, turn.stop, "timed_out") if turn.timeout_s else None
        kills_before = self._terms.memory_kills()
        newcomers = Newcomers(shell.child, self.id, self._terms.survey)
        shell.ended.clear()
        try:
            with suppress(StdinClosed):
                await shell.send(turn.run.id, turn.text)
            await self._until(lambda: bool(turn.cause) or turn.is_over)
            if turn.cause:
                await self._stop(turn, shell, newcomers)
            elif turn.asked and shell.exit is None:
                await self._sync(shell)
        finally:
            if timer is not None:
                timer.cancel()
        shell.flush()
        self._current = None
        exit_ = shell.exit
        if exit_ is not None:
            killed = exit_.signal == "SIGKILL" and self._terms.memory_kills() > kills_before
            self._bury(shell)
            if shell.begun != turn.run.id and not turn.is_stopping and not last:
                turn.shell = None
                return False
            turn.finish(Exit(exit_.code, exit_.signal, memory_kill=killed))
        else:
            turn.finish(None if turn.cause else Exit(shell.ended.pop(turn.run.id)))
            shell.ended.clear()
        return True

    def _open_run(self, turn: Turn, shell: Shell) -> None:
        if self._restarted:
            self._restarted = False
            turn.run.emit({"type": "status", "text": "restarted"})
        turn.run.pid = shell.child.pid
        turn.shell = shell
        raw = self._between.raw
        for span in self._between.spans(raw.start, raw.end):
            turn.run.write(span.stream, raw.read(span.start, span.end))
        turn.run.truncated |= self._lost_between
        self._between.clear()
        self._lost_between = False
        self._current = turn

    async def _stop(self, turn: Turn, shell: Shell, newcomers: Newcomers) -> None:
        """End what the run has started and take the shell back; one that does not come is killed."""
        # A command that is interrupted while the shell takes it is torn, and its end is never told.
        await self._until(lambda: shell.begun == turn.run.id or turn.is_over, within_s=READY_S)
        for round_, patience_s in enumerate(_PATIENCE_S):
            over = await self._call_back(turn, shell, within_s=patience_s, round_=round_)
            if not over and round_ < _ASKED_KINDLY:
                continue
            await newcomers.end(grace_s=self._terms.kill_grace_s)
            if turn.is_over:
                break
        else:
            await self._put_down(shell)
        if shell.exit is None and turn.is_over:
            await self._sync(shell)
        if not turn.is_over:
            await self._until(lambda: shell.exit is not None)

    async def _call_back(self, turn: Turn, shell: Shell, *, within_s: float, round_: int) -> bool:
        """Interrupt the shell until it has heard it, and return whether the run is over."""
        until = self._loop.time() + within_s
        kindly = round_ <= _ASKED_KINDLY
        may_have_heard = kindly and round_ > 0
        while not turn.is_over and self._loop.time() < until:
            # One that has heard it, and is slow, would only be thrown back. A broken line may also be its program's.
            if not (shell.is_back or (may_have_heard and shell.has_broken_line)):
                shell.interrupt()
            may_have_heard = True
            if not await self._until(lambda: turn.is_over, within_s=within_s if kindly else _AGAIN_S):
                shell.remind()
        return turn.is_over

    async def _sync(self, shell: Shell) -> None:
        # An interrupt that is still on its way would hit the next command: one that does nothing comes before.
        self._syncs += 1
        token = f"sync-{self._syncs}"
        with suppress(StdinClosed):
            await shell.send_aside(token)
        for patience_s in (*_PATIENCE_S, READY_S):
            if await self._until(lambda: shell.exit is not None or token in shell.ended, within_s=patience_s):
                return
            shell.remind()
        shell.kill()
        await self._until(lambda: shell.exit is not None)

    async def _until(self, there: Callable[[], bool], *, within_s: float | None = None) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not there():
                    self._news.clear()
                    await self._news.wait()
        return there()

    # ── the shell ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ready_shell(self) -> Shell:
        if self._shell is not None and self._shell.exit is None:
            return self._shell
        if self._shell is not None:
            self._bury(self._shell)
        shell = Shell(
            self._program, place=self._place(), deliver=self._deliver, news=self._news.set, failed=self._fault
        )
        self._shell = shell
        if not await self._until(lambda: shell.ready or shell.exit is not None, within_s=READY_S):
            shell.kill()
            await self._until(lambda: shell.exit is not None)
        if shell.exit is not None:
            self._bury(shell)
            raise OSError(None, "the shell did not start")
        return shell

    def _bury(self, shell: Shell) -> None:
        shell.bury()
        self._shell = None
        self._restarted = True

    async def _put_down(self, shell: Shell) -> None:
        """Kill a shell that does not come back; the last one of a session may first take its leave."""
        if self._closing:
            # Whatever it is at, and deaf to interrupts: by this it goes by way of its EXIT trap.
            shell.hang_up()
            await self._until(lambda: shell.exit is not None, within_s=_GOODBYE_S)
        shell.kill()

    async def _end_shell(self, shell: Shell) -> None:
        shell.close_input()
        if not await self._until(lambda: shell.exit is not None, within_s=_GOODBYE_S):
            shell.kill()
            await self._until(lambda: shell.exit is not None)
        await clear(shell.child, self.id, self._terms.survey, grace_s=self._terms.kill_grace_s)
        self._bury(shell)

    # ── output ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _deliver(self, stream: Stream, data: bytes) -> bool:
        if self._current is None:
            self._between.append(stream, data, time_ms=0)
            self._lost_between |= any(self._between.limit(MEMORY_RUN_BYTES))
            return True
        run = self._current.run
        run.write(stream, data)
        if run.held and self._holding is None:
            self._holding = self._loop.create_task(self._resume_in_time(run))
        return not run.held

    async def _resume_in_time(self, run: Run) -> None:
        try:
            await run.room()
        finally:
            self._holding = None
        if self._shell is not None:
            self._shell.resume()

    def _fault(self, error: Exception) -> None:
        _log.error("fault in session %s", self.id, exc_info=error)
