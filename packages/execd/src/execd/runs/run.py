"""One execution: its store, its readers and the rules between them.

A run is written by the one who owns its program (`Control`) and read by any number of readers. Here is decided what
may be forgotten when the run outgrows its bound, when the program must be held, and when its last reader has been
gone too long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from execd.runs.asked import Asked
from execd.runs.audience import Audience
from execd.runs.budget import Budget
from execd.runs.cursor import Cursor
from execd.runs.ends import End, Totals, terminal_event
from execd.runs.feed import Feed
from execd.runs.index import RECORD_BYTES
from execd.runs.log import RawReader
from execd.runs.parties import Control, Keeper
from execd.runs.reader import Reader
from execd.runs.sse import Stream, encode
from execd.runs.store import Store
from execd.runs.strip import Strip
from execd.runs.text import Mode
from execd.runs.writes import Writes

MARGIN: Final = 64 * 1024 * 1024
"""Bytes kept behind the slowest reader: what has been sent may not have been received.

As much as the buffers on the way can hold: with the kernel's usual limits 10 MiB for each connection that a proxy makes
of one, with those of fast networks 38.
"""

_UNAWAITED: Final = frozenset({"interrupted", "cancelled"})
"""Ends that those who left have asked for: they do not come back for the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one run treats its output and its readers; fixed at the start."""

    mode: Mode
    on_disconnect: str
    disconnect_grace_ms: int
    on_overflow: str
    background: bool = False
    """Whether its start is all that the one who started it reads, and late output is kept."""
    max_output_bytes: int | None = None
    """How much of the output its readers get: head and tail."""


class Run:
    """One execution, from registration until retention forgets it."""

    def __init__(
        self, keeper: Keeper[Run], *, execution_id: str, kind: str, content: str, body: object, policy: Policy
    ) -> None:
        self.id = execution_id
        self.ordinal = 0
        """Which start of the registry's this is; clocks may step back, and two runs may begin in one millisecond."""
        self.kind = kind
        self.asked = Asked(content, body, keeper.spool)
        self.policy = policy
        self.control: Control | None = None
        self.pid: int | None = None
        self.end: End | None = None
        self.started_at_ms = keeper.clock.wall_ms()
        self.started_mono_ms = keeper.clock.mono_ms()
        self.finished_at_ms: int | None = None
        self.finished_mono_ms: int | None = None
        self.truncated = False
        self.held = False
        self.store = Store(policy.mode, keeper.spool)
        limit = policy.max_output_bytes
        # Head and tail must have room beside each other, and the tail for a moment twice.
        self._budget = None if limit is None else Budget(min(limit, keeper.bound() // 2), keeper.spool)
        self.late: Strip | None = None
        """What survivors have written after the end."""
        self.writes = Writes()
        """What has been written to its standard input under a name."""
        self.late_open = False
        """Whether survivors may still write something that is kept."""
        self.forgotten = False
        self.feed = Feed()
        self._keeper = keeper
        self._ended = Feed()
        self._audience = Audience()
        self._leader_alive = True
        self._counted = 0
        self.emit({"type": "init", "text": execution_id})

    # ── the writer's side ────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, stream: Stream, data: bytes) -> None:
        """Store one read of the program's output."""
        now = self._keeper.clock.wall_ms()
        if self._budget is not None:
            data = self._budget.admit(stream, data, time_ms=now)
        if data:
            self.store.write(stream, data, time_ms=now)
        self._grown()

    def write_late(self, stream: Stream, data: bytes) -> None:
        """Keep what a survivor writes after the end, within the bound: the oldest output of the run goes first."""
        if self.forgotten:
            return
        self.late = self.late or Strip(self._keeper.spool)
        self.late.append(stream, data, time_ms=self._keeper.clock.wall_ms())
        bound = self._keeper.bound()
        if self.size > bound:
            self._forget(self.store.record_within(max(0, bound - self.late.size)))
            self.late.limit(max(0, bound - self.store.size))
        self._keeper.account(self, self._growth())

    def emit(self, event: dict[str, Any] | msgspec.Struct) -> int:
        """Store a control event, stamped with the time, and return its number."""
        now = self._keeper.clock.wall_ms()
        fields = event if isinstance(event, dict) else msgspec.to_builtins(event)
        number = self.store.emit(encode({**fields, "timestamp": now}), time_ms=now)
        self._grown()
        return number

    def finish(self, end: End) -> None:
        """Flush what is unfinished and write the terminal event; a second call is a fault of the caller."""
        if self.end is not None:
            raise RuntimeError(f"execution {self.id} has already ended")
        now = self._keeper.clock.wall_ms()
        if self._budget is not None:
            self.truncated |= self._budget.release(self.store, time_ms=now)
        self.store.end("stdout", time_ms=now)
        self.store.end("stderr", time_ms=now)
        # What makes room for the last record is dropped now, or the end would not know of it.
        self.enforce(self._keeper.bound() - RECORD_BYTES)
        self.finished_mono_ms = self._keeper.clock.mono_ms()
        totals = Totals(
            execution_time_ms=self.execution_time_ms,
            stdout_bytes=self.store.stdout_bytes,
            stderr_bytes=self.store.stderr_bytes,
            truncated=self.truncated,
            timestamp_ms=now,
        )
        self.store.emit(encode(terminal_event(end, totals)), time_ms=now, terminal=True)
        self.end = end
        self.finished_at_ms = now
        try:
            if end.cause in _UNAWAITED:
                self._audience.expect_nobody()
            self.leader_exited()
            self._keeper.run_ended(self)
            self._grown()
        finally:
            # The end is written: whatever else fails, nobody may go on waiting for it.
            self._ended.wake()
            self.feed.wake()

    def leader_exited(self) -> None:
        """From now on nothing is held up for readers: what overflows is dropped, oldest first."""
        self._leader_alive = False
        self._release()

    async def room(self) -> None:
        """Return when the pipe may be read (again)."""
        while self.held:
            await self.feed.wait()

    async def ended(self) -> None:
        """Return when the terminal event is there."""
        if self.end is None:
            await self._ended.wait()

    @property
    def execution_time_ms(self) -> int:
        """Milliseconds since the start, until the end."""
        until = self.finished_mono_ms
        return (self._keeper.clock.mono_ms() if until is None else until) - self.started_mono_ms

    # ── readers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def watched(self) -> bool:
        """Whether anybody reads this run, so that it must not be forgotten."""
        return self._audience.present

    @property
    def expected(self) -> bool:
        """Whether a reader that lost its connection may still come back for the rest."""
        return self._audience.expects

    def attach(self, *, after: int, follow: bool, name: bytes | None = None) -> Reader:
        """Return a reader of the events after a number; the policies count only those that follow.

        It takes the place of the reader of the same name, for whom nobody waits any more.
        """
        cursor = Cursor(self.store, after=after, live=follow)
        reader = Reader(self, cursor, clock=self._keeper.clock, follows=follow, name=name)
        self._audience.join(reader)
        self.feed.wake()
        self.reconsider()
        return reader

    def read(self, *, cursor: int, until: int | None, stream: Stream | None) -> RawReader:
        """Return the raw bytes from a place on; raises `InvalidQuery` for places that are not there."""
        reader = RawReader(self, cursor=cursor, until=until, stream=stream)
        self._audience.join(reader)
        return reader

    def leave(self, reader: Reader | RawReader) -> None:
        """Forget a reader; one that has not got all may come back until its grace is over."""
        if not self._audience.part(reader):
            return
        is_awaited = self.end is None or self.end.cause not in _UNAWAITED
        if reader.follows and not reader.done and is_awaited:
            self._audience.expect(reader, for_s=self.policy.disconnect_grace_ms / 1000, then=self._grace_over)
        self._keeper.reader_left(self)

    def _grace_over(self) -> None:
        if self.end is not None:
            self._keeper.reader_left(self)
            return
        if self.policy.on_disconnect == "kill" and not self._audience.places() and self.control:
            self.control.stop("cancelled")
        self.reconsider()

    # ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def size(self) -> int:
        """Bytes that count toward retention."""
        beside = (self._budget, self.late)
        return self.asked.size + self.store.size + sum(strip.size for strip in beside if strip is not None)

    def reconsider(self) -> None:
        """Look again whether the program must be held: a reader has moved on, or a bound has changed."""
        if self.held:
            self.enforce(self._keeper.bound())

    def enforce(self, bound: int) -> None:
        """Forget or hold until the run is within `bound` bytes; one that is held goes on as its readers do."""
        crowded = self._keeper.spool.crowded and self._leader_alive
        if self.store.size <= bound:
            self._hold(crowded)
            return
        places = self._audience.places() if self.policy.on_overflow == "block" else []
        wanted = self.store.record_within(bound - bound // 16)
        # What a reader needed may be forgotten already: then it is as far behind as one can be.
        behind = self.store.weight(max(min(places), self.store.floor.record)) if places else 0
        margin = min(MARGIN, bound)
        # After the leader's exit nothing is held; what was held back for readers until then is still theirs.
        if places and (self._leader_alive or behind < bound + margin):
            self._forget(min(wanted, self.store.record_within(behind + margin)))
            self._hold(crowded or (self._leader_alive and behind >= bound))
            return
        self._forget(wanted)
        self._hold(crowded)

    def _forget(self, before: int) -> None:
        had = self.store.floor.record
        if not self.store.evict(before):
            return
        needed = min(self._audience.places(), default=had)
        if needed < self.store.floor.record:
            self.truncated = True

    def _hold(self, held: bool) -> None:  # noqa: FBT001 - the one private setter
        if held:
            self.held = True
        else:
            self._release()

    def _release(self) -> None:
        self.held = False
        self.feed.wake()

    def _grown(self) -> None:
        bound = self._keeper.bound()
        if self.held or self.store.size > bound or self._keeper.spool.crowded:
            self.enforce(bound)
        self._keeper.account(self, self._growth())
        self.feed.wake()

    def _growth(self) -> int:
        before = self._counted
        self._counted = self.size
        return self._counted - before

    def squeeze(self, excess: int) -> int:
        """Act as at a bound `excess` bytes lower, and return by how much that changed the size."""
        self.enforce(max(0, self.store.size - excess))
        return self._growth()

    def forget(self) -> int:
        """Give back all that is stored, and return how many bytes counted."""
        self._audience.expect_nobody()
        self.forgotten = True
        self.store.clear()
        self.asked.clear()
        if self.late is not None:
            self.late.clear()
        return self._counted
