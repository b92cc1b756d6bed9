"""All runs of the daemon, of every kind: ids, attachment, limits, retention, and the end of them all."""

from __future__ import annotations

import asyncio
import itertools
import math
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from execd.errors import (
    ExecutionConflict,
    ExecutionNotFound,
    InvalidQuery,
    InvalidRequestBody,
    LimitReached,
    ShuttingDown,
)
from execd.runs.clock import Clock
from execd.runs.reader import Reader
from execd.runs.run import Policy, Run
from execd.runs.spool import Spool

MEMORY_RUN_BYTES: Final = 4 * 1024 * 1024
MEMORY_TOTAL_BYTES: Final = 16 * 1024 * 1024
"""Bounds while the disk refuses, or where there is no state directory."""
SWEEP_PAUSE_S: Final = 0.1
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Bounds: bytes of one run, bytes of all, seconds kept after the end, finished runs kept, live runs at once."""

    run_bytes: int = 256 * 1024 * 1024
    total_bytes: int = 1024 * 1024 * 1024
    keep_s: float = 600
    keep_count: int = 20_000
    max_live: int = 1000


class Registry:
    """Registers runs, finds them again, and forgets the oldest when bounds or time say so."""

    def __init__(self, *, retention: Retention, spool: Spool, clock: Clock) -> None:
        self.clock = clock
        self.spool = spool
        self.total_bytes = 0
        self._retention = retention
        self._runs: dict[str, Run] = {}
        self._starts = 0
        self._live: dict[str, Run] = {}
        self._finished: dict[str, Run] = {}
        """Ended runs, in the order of their ends."""
        self._leaving: set[Run] = set()
        """Deleted runs that somebody still reads."""
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        spool.on_progress = self._progressed
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._sweep_at_ms = math.inf

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def register(
        self, *, kind: str, content: str, body: object, policy: Policy, execution_id: str | None = None
    ) -> tuple[Run, bool]:
        """Return the run of that id, and whether it is new: the same id with the same body attaches to the first.

        Raises `ExecutionConflict` for another body, `LimitReached`, `ShuttingDown`, `InvalidRequestBody` for a bad id.
        """
        if execution_id is not None:
            if not _ID.fullmatch(execution_id):
                raise InvalidRequestBody("execution_id: 1 to 64 letters, digits, '_' and '-' are allowed")
            if (run := self._runs.get(execution_id)) is not None:
                if run.kind != kind or not run.asked.is_same(body):
                    raise ExecutionConflict(f"execution {execution_id} was started by another request")
                return run, False
        self._loop = asyncio.get_running_loop()
        if self._closing:
            raise ShuttingDown("the daemon is going down")
        if len(self._live) >= self._retention.max_live:
            raise LimitReached(f"{self._retention.max_live} executions are running, the most that may run at once")
        execution_id = execution_id or uuid.uuid4().hex
        run = Run(self, execution_id=execution_id, kind=kind, content=content, body=body, policy=policy)
        self._starts += 1
        run.ordinal = self._starts
        self._runs[run.id] = self._live[run.id] = run
        return run, True

    def find(self, execution_id: str) -> Run:
        """Return a run that is live or retained; raises `ExecutionNotFound`."""
        run = self._runs.get(execution_id)
        if run is None:
            raise ExecutionNotFound(f"no execution {execution_id[:64]!r}, or it is no longer kept")
        return run

    def runs(self) -> list[Run]:
        """Return all runs in the order of their starts."""
        return list(self._runs.values())

    def attach(self, run: Run, *, after: int = 0, follow: bool = True, name: bytes | None = None) -> Reader:
        """Return a reader of the events after number `after`; raises `InvalidQuery` past the newest of a live run.

        The reader of the same `name` that was there before is waited for no more.
        """
        newest = run.store.next_event - 1
        if run.end is None and after > newest:
            raise InvalidQuery(f"after: {after} is past the newest event, {newest}")
        return run.attach(after=min(after, newest), follow=follow, name=name)

    async def delete(self, run: Run) -> None:
        """Stop a run if it goes on, and forget it; who reads it at that moment still gets the rest."""
        if run.end is None and run.control is not None:
            run.control.stop("interrupted")
        await run.ended()
        if self._finished.get(run.id) is not run:
            return
        if run.watched:
            del self._runs[run.id], self._finished[run.id]
            self._leaving.add(run)
        else:
            self._forget(run)

    async def close(self) -> None:
        """Take nothing new, stop every live run, and return when all have ended; the caller limits the time."""
        self._closing = True
        for run in list(self._live.values()):
            if run.control:
                run.control.stop("shutting_down")
        for run in list(self._live.values()):
            await run.ended()

    # ── what a run reports (Keeper) ──────────────────────────────────────────────────────────────────────────────────

    def bound(self) -> int:
        """Return the bytes that one run may keep."""
        return self._retention.run_bytes if self.spool.healthy else min(self._retention.run_bytes, MEMORY_RUN_BYTES)

    def account(self, run: Run, grown: int) -> None:
        """Add to the total; over its bound the oldest finished run goes first, then the largest live one gives way."""
        self.total_bytes += grown
        if self.total_bytes > self._total_bound():
            self._relieve()

    def run_ended(self, run: Run) -> None:
        """Move a run to the finished ones and see to it that it is forgotten in time."""
        del self._live[run.id]
        self._finished[run.id] = run
        self._keep_newest()
        if run.id in self._finished and not run.watched:
            self._sweep_by(self._expiry_ms(run))

    def reader_left(self, run: Run) -> None:
        """Forget at once what only its readers kept."""
        if run.watched:
            return
        if run in self._leaving:
            self._leaving.discard(run)
            self.total_bytes -= run.forget()
            self.reconsider()
        if self._finished.get(run.id) is not run:
            return
        if self._expiry_ms(run) <= self.clock.mono_ms() or self.total_bytes > self._total_bound():
            self._forget(run)
            self.reconsider()
        else:
            self._sweep_by(self._expiry_ms(run))
            self._keep_newest()

    def reconsider(self) -> None:
        """Look again at every held run: the disk has caught up, or others have made room."""
        for run in list(self._live.values()):
            run.reconsider()

    def _progressed(self) -> None:
        # Called in the spool's thread, also when the loop is gone.
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.reconsider)

    # ── forgetting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def sweep(self) -> None:
        """Forget the finished runs whose time is over and that nobody reads; the others' time is waited for."""
        now = self.clock.mono_ms()
        unread = [run for run in self._finished.values() if not run.watched]
        over = [run for run in unread if self._expiry_ms(run) <= now]
        for run in over:
            self._forget(run)
        if over:
            self.reconsider()
        if len(unread) > len(over):
            self._sweep_by(min(self._expiry_ms(run) for run in unread if run.id in self._finished))

    def _sweep_by(self, moment_ms: float) -> None:
        if self._sweep_timer is not None:
            if self._sweep_at_ms <= moment_ms:
                return
            self._sweep_timer.cancel()
        self._sweep_at_ms = moment_ms
        # Not more often than this, however many ends lie close together.
        delay_s = max(SWEEP_PAUSE_S, (moment_ms - self.clock.mono_ms()) / 1000 + 0.001)
        self._sweep_timer = asyncio.get_running_loop().call_later(delay_s, self._swept)

    def _swept(self) -> None:
        self._sweep_timer = None
        self.sweep()

    def _expiry_ms(self, run: Run) -> float:
        ended = run.finished_mono_ms
        return math.inf if ended is None else ended + self._retention.keep_s * 1000

    def _total_bound(self) -> int:
        total = self._retention.total_bytes
        return total if self.spool.healthy else min(total, MEMORY_TOTAL_BYTES)

    def _relieve(self) -> None:
        unread = [run for run in self._finished.values() if not run.watched]
        # Who lost a connection in the middle comes back sooner than anybody asks for what has been read.
        for run in sorted(unread, key=lambda run: run.expected):
            if self.total_bytes <= self._total_bound():
                return
            self._forget(run)
        excess = self.total_bytes - self._total_bound()
        if excess > 0 and self._live:
            largest = max(self._live.values(), key=lambda run: run.size)
            self.total_bytes += largest.squeeze(excess)

    def _keep_newest(self) -> None:
        """Forget the oldest finished runs beyond the bound on their number; those that are read stay."""
        excess = len(self._finished) - self._retention.keep_count
        unread = (run for run in self._finished.values() if not run.watched)
        for run in list(itertools.islice(unread, max(0, excess))):
            self._forget(run)

    def _forget(self, run: Run) -> None:
        del self._runs[run.id], self._finished[run.id]
        self.total_bytes -= run.forget()
