"""One reader's place in a store: what comes next, as frames ready to send.

A cursor never merges or splits events, and never repeats one. Where records that it still needed have been evicted it
says so with `truncated` and goes on at the oldest that is left.
"""

from __future__ import annotations

from typing import Final

import msgspec

from execd.runs.index import Kind, Record
from execd.runs.sse import Stream, control_frame, encode, text_frames
from execd.runs.store import Counts, Mark, Store
from execd.runs.text import NOTHING, Carry, step

_STREAMS: Final[dict[Kind, Stream]] = {
    Kind.STDOUT: "stdout",
    Kind.STDERR: "stderr",
    Kind.STDOUT_END: "stdout",
    Kind.STDERR_END: "stderr",
}


class Cursor:
    """Frames the events after number `after`; `position` is the last number that has been taken.

    With `live` false it ends at what is there now.
    """

    def __init__(self, store: Store, *, after: int, live: bool = True) -> None:
        self._store = store
        self.position = after
        self.record = 0
        self.done = False
        self._stop = None if live else store.records
        self._carries: dict[Stream, Carry] = {}
        self._seen: dict[Stream, int] = {}
        if after + 1 >= store.floor.first_event:
            self._go(store.mark(store.record_of_event(after + 1)))
        else:
            # Not there any more: begin before the floor, so that the first take tells what is missing.
            self._go(Mark(store.floor.record - 1, after + 1, NOTHING, NOTHING, store.counts_before(after + 1)))

    def _go(self, mark: Mark) -> None:
        self.record = mark.record
        self._carries = {"stdout": mark.stdout, "stderr": mark.stderr}
        self._seen = {
            "stdout": mark.counts.stdout + len(mark.stdout.pending),
            "stderr": mark.counts.stderr + len(mark.stderr.pending),
        }

    @property
    def exhausted(self) -> bool:
        """Whether `take` has nothing now."""
        return self.done or self.record >= self._limit

    @property
    def _limit(self) -> int:
        return self._store.records if self._stop is None else self._stop

    @property
    def counts(self) -> Counts:
        """Bytes of each stream in the events up to `position`."""
        out, err = self._carries["stdout"], self._carries["stderr"]
        return Counts(self._seen["stdout"] - len(out.pending), self._seen["stderr"] - len(err.pending))

    def take(self, max_bytes: int, *, time_ms: int) -> bytes:
        """Return whole frames until `max_bytes` is reached, b"" when there are none; `time_ms` stamps a truncation."""
        parts: list[bytes] = []
        size = 0
        if not self.exhausted and self.record < self._store.floor.record:
            parts.append(self._jump(time_ms))
        while size < max_bytes and not self.exhausted:
            size += self._window(max_bytes - size, parts)
        if self._stop is not None and self.record >= self._stop:
            self.done = True
        return b"".join(parts)

    def _window(self, room: int, parts: list[bytes]) -> int:
        """Add the parts of up to one window of records, and return their size; whole records, at least one."""
        records = self._store.records_from(self.record, count=min(self._limit - self.record, 1 + room // 64, 512))
        stops = [record.start for record in records[1:]]
        stops.append(self._store.place(self.record + len(records))[0])
        size = 0
        for record, stop in zip(records, stops, strict=True):
            if size >= room:
                break
            self.record += 1
            added = self._parts(record, stop)
            parts += added
            size += sum(map(len, added))
        return size

    def _parts(self, record: Record, stop: int) -> list[bytes]:
        stream = _STREAMS.get(record.kind)
        if record.kind is Kind.GAP:
            return self._gap(record)
        if stream is None:
            return self._control(record)
        last = record.kind in (Kind.STDOUT_END, Kind.STDERR_END)
        data = b"" if last else self._store.raw.read(record.start, stop)
        done = step(self._store.mode, self._carries[stream], data, last=last)
        self._carries[stream] = done.carry
        self._seen[stream] += len(data)
        first = record.first_event
        skip = max(0, self.position + 1 - first)
        self.position = max(self.position, first + len(done.pieces) - 1)
        return text_frames(self._store.mode, stream, done, skip=skip, first=first, timestamp_ms=record.time_ms)

    def _gap(self, record: Record) -> list[bytes]:
        payload = self._store.payload(record)
        event = msgspec.json.decode(payload)
        for stream in self._seen:
            self._seen[stream] += event[f"{stream}_bytes"]
        if event["to"] <= self.position:
            return []
        self.position = event["to"]
        return [control_frame(None, payload)]

    def _control(self, record: Record) -> list[bytes]:
        self.done = record.kind is Kind.TERMINAL
        if record.first_event <= self.position:
            return []
        self.position = record.first_event
        return [control_frame(record.first_event, self._store.payload(record))]

    def _jump(self, time_ms: int) -> bytes:
        """Go to the oldest place left, and say what lies between."""
        frame = b""
        if self.position == 0:
            frame = control_frame(1, self._store.init)
            self.position = 1
        had, floor = self.counts, self._store.floor
        self._go(floor)
        if floor.first_event <= self.position + 1:
            return frame
        missing = {
            "type": "truncated",
            "from": self.position + 1,
            "to": floor.first_event - 1,
            "stdout_bytes": max(0, floor.counts.stdout - had.stdout),
            "stderr_bytes": max(0, floor.counts.stderr - had.stderr),
            "timestamp": time_ms,
        }
        self.position = floor.first_event - 1
        return frame + control_frame(None, encode(missing))
