"""The store of one run: its bytes once, its packed index, its few control events, and nothing that waits.

One writer appends; any number of cursors (`cursor.py`) derive events from it. Eviction forgets a prefix of records;
what was unfinished at that place is kept aside, so that framing can begin there as if nothing were missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Final, NamedTuple

from execd.runs.blocks import Log
from execd.runs.index import RECORD_BYTES, Kind, Record, rightmost, unpack
from execd.runs.spool import Spool
from execd.runs.sse import Stream, encode
from execd.runs.strip import Span
from execd.runs.text import NOTHING, Carry, Mode, step

_WINDOW: Final = 512
"""Records unpacked at a time."""
_MARKS: Final = 1024


class Counts(NamedTuple):
    """Bytes of each stream."""

    stdout: int = 0
    stderr: int = 0


class Mark(NamedTuple):
    """A place where framing can begin: a record, and what both streams had unfinished there."""

    record: int
    first_event: int
    stdout: Carry
    stderr: Carry
    counts: Counts
    """Bytes of each stream in events before `first_event`."""


class Store:
    """Bytes, index and control events of one run; numbers events, evicts, and answers where an event begins."""

    def __init__(self, mode: Mode, spool: Spool) -> None:
        self.mode: Mode = mode
        self.spool = spool
        self.raw = Log(spool)
        self.index = Log(spool, keep_blocks=0)
        self.control = Log(spool)
        self.records = 0
        self.next_event = 1
        self.stdout_bytes = 0
        self.stderr_bytes = 0
        self.init = b""
        self.terminal = b""
        self.floor = Mark(0, 1, NOTHING, NOTHING, Counts())
        self._carries: dict[Stream, Carry] = {"stdout": NOTHING, "stderr": NOTHING}
        self._gap = (0, 0)
        """The record of the gap, and how many bytes the raw store lacks from there on."""
        self._history: list[tuple[int, Counts]] = []

    @property
    def size(self) -> int:
        """Bytes that count toward retention: output, index and control events."""
        return self.raw.size + self.index.size + self.control.size

    @property
    def closed(self) -> bool:
        """Whether the terminal event is there."""
        return bool(self.terminal)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, stream: Stream, data: bytes, *, time_ms: int) -> None:
        """Append one read of one stream."""
        self._record(Kind.STDOUT if stream == "stdout" else Kind.STDERR, time_ms)
        self.raw.append(data)
        if stream == "stdout":
            self.stdout_bytes += len(data)
        else:
            self.stderr_bytes += len(data)
        self._advance(stream, data, last=False)

    def end(self, stream: Stream, *, time_ms: int) -> None:
        """Append the end of a stream: what was unfinished becomes its last event."""
        self._record(Kind.STDOUT_END if stream == "stdout" else Kind.STDERR_END, time_ms)
        self._advance(stream, b"", last=True)

    def emit(self, payload: bytes, *, time_ms: int, terminal: bool = False) -> int:
        """Append a control event that is already JSON, and return its number."""
        number = self.next_event
        self._record(Kind.TERMINAL if terminal else Kind.CONTROL, time_ms)
        self.next_event += 1
        if terminal:
            self.terminal = payload
            for log in (self.raw, self.index, self.control):
                log.settle()
        elif number == 1:
            self.init = payload
        else:
            self.control.append(len(payload).to_bytes(8, "little") + payload)
        return number

    def gap(self, dropped: Counts, *, time_ms: int) -> None:
        """Append what stands for output that is not stored; what is unfinished before it becomes an event first."""
        for stream in self._carries:
            self.end(stream, time_ms=time_ms)
        event = {
            "type": "truncated",
            "from": self.next_event,
            "to": self.next_event,
            "stdout_bytes": dropped.stdout,
            "stderr_bytes": dropped.stderr,
            "timestamp": time_ms,
        }
        self._gap = (self.records, sum(dropped))
        self._record(Kind.GAP, time_ms)
        payload = encode(event)
        self.control.append(len(payload).to_bytes(8, "little") + payload)
        self.next_event += 1
        self.stdout_bytes += dropped.stdout
        self.stderr_bytes += dropped.stderr

    def _record(self, kind: Kind, time_ms: int) -> None:
        out, err = self._carries["stdout"], self._carries["stderr"]
        record = Record(
            kind, time_ms, self.raw.end, self.next_event, self.control.end, self.stdout_bytes,
            len(out.pending), len(err.pending), out.after_cr, err.after_cr,
        )  # fmt: skip
        self.index.append(record.pack())
        self.records += 1

    def _advance(self, stream: Stream, data: bytes, *, last: bool) -> None:
        done = step(self.mode, self._carries[stream], data, last=last)
        self.next_event += len(done.pieces)
        self._carries[stream] = done.carry

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def record(self, at: int) -> Record:
        """Return one record that has not been evicted."""
        return self.records_from(at, count=1)[0]

    def records_from(self, at: int, *, count: int = _WINDOW) -> list[Record]:
        """Return up to `count` records from one on."""
        stop = min(at + count, self.records)
        return unpack(self.index.read(at * RECORD_BYTES, stop * RECORD_BYTES))

    def payload(self, record: Record) -> bytes:
        """Return the JSON of a control event."""
        if record.kind is Kind.TERMINAL:
            return self.terminal
        if record.first_event == 1:
            return self.init
        at = record.control
        length = int.from_bytes(self.control.read(at, at + 8), "little")
        return self.control.read(at + 8, at + 8 + length)

    def mark(self, at: int) -> Mark:
        """Return the place of record `at`, from which framing can begin."""
        if at == self.floor.record:
            return self.floor
        if at == self.records:
            return self._mark_of_end()
        return self._mark_of(at, self.record(at))

    def _mark_of_end(self) -> Mark:
        out, err = self._carries["stdout"], self._carries["stderr"]
        counts = Counts(self.stdout_bytes - len(out.pending), self.stderr_bytes - len(err.pending))
        return Mark(self.records, self.next_event, out, err, counts)

    def _mark_of(self, at: int, record: Record) -> Mark:
        out = self._gather("stdout", at, record.out_pending)
        err = self._gather("stderr", at, record.err_pending)
        before = record.stdout_before
        gap, lacking = self._gap
        written = record.start + (lacking if at > gap else 0)
        counts = Counts(before - len(out), written - before - len(err))
        return Mark(at, record.first_event, Carry(out, record.out_cr), Carry(err, record.err_cr), counts)

    def _gather(self, stream: Stream, at: int, length: int) -> bytes:
        """Return the last `length` bytes of one stream before a record; what was evicted of them the floor holds."""
        kind = Kind.STDOUT if stream == "stdout" else Kind.STDERR
        parts: list[bytes] = []
        end = self.place(at)[0]
        while length and at > self.floor.record:
            first = max(self.floor.record, at - _WINDOW)
            for record in reversed(self.records_from(first, count=at - first)):
                taken = min(end - record.start, length) if record.kind is kind else 0
                if taken:
                    parts.append(self.raw.read(end - taken, end))
                    length -= taken
                end = record.start
            at = first
        if length:
            parts.append((self.floor.stdout if stream == "stdout" else self.floor.stderr).pending[-length:])
        return b"".join(reversed(parts))

    def place(self, at: int) -> tuple[int, int]:
        """Return where a record, or the end, stands in the raw store and in the control log."""
        if at == self.records:
            return self.raw.end, self.control.end
        record = self.record(at)
        return record.start, record.control

    def record_of_event(self, number: int) -> int:
        """Return the record that completes an event, or the number of records if it is still to come."""
        if number >= self.next_event:
            return self.records
        return rightmost(self.floor.record, self.records, accepts=lambda at: self.record(at).first_event <= number)

    def counts_before(self, number: int) -> Counts:
        """Return the bytes in events before an evicted one: exact at places of eviction, else of the nearest before."""
        at = rightmost(0, len(self._history), accepts=lambda place: self._history[place][0] <= number)
        return self._history[at][1] if at >= 0 else Counts()

    def excerpt(self, start: int, end: int) -> Store:
        """Return the raw bytes [start, end) with their index as a store that keeps them until its `clear`."""
        kept = copy(self)
        kept.raw = self.raw.copy(start, end)
        kept.index = self.index.copy(self.index.start, self.index.end)
        kept.control = Log(self.spool)
        return kept

    def spans(self, start: int, end: int) -> Iterator[Span]:
        """Say which stream wrote what of the raw bytes [start, end), all of which must still be there."""
        at = max(
            self.floor.record, rightmost(self.floor.record, self.records, accepts=lambda at: self.place(at)[0] <= start)
        )
        while start < end and at < self.records:
            records = self.records_from(at)
            at += len(records)
            stops = [*(record.start for record in records[1:]), self.place(at)[0]]
            for record, stop in zip(records, stops, strict=True):
                first, last = max(record.start, start), min(stop, end)
                if first < last:
                    yield Span("stdout" if record.kind is Kind.STDOUT else "stderr", first, last, record.time_ms)
            start = max(start, stops[-1])

    # ── forgetting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def clear(self) -> None:
        """Give back all that is stored."""
        for log in (self.raw, self.index, self.control):
            log.clear()

    def weight(self, at: int) -> int:
        """Return the bytes, output, index and control events, from record `at` to the end."""
        raw, control = self.place(at)
        return self.raw.end - raw + self.control.end - control + (self.records - at) * RECORD_BYTES

    def record_within(self, weight: int) -> int:
        """Return the first record from which the rest weighs at most `weight`."""
        return rightmost(self.floor.record, self.records, accepts=lambda at: self.weight(at) > weight) + 1

    def evict(self, before: int) -> bool:
        """Forget all records before one; return whether there was anything to forget."""
        # The terminal event stays: its record is never passed.
        before = min(before, self.records - 1 if self.closed else self.records)
        if before <= self.floor.record:
            return False
        self._history.append((self.floor.first_event, self.floor.counts))
        if len(self._history) > _MARKS:
            del self._history[1:-1:2]
        raw, control = self.place(before)
        self.floor = self.mark(before)
        self.raw.drop(raw)
        self.index.drop(before * RECORD_BYTES)
        self.control.drop(control)
        return True
