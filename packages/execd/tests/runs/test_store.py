"""The store against a reference model: two streams, any chunking, eviction, spill, and readers at any pace.

Whatever the readers' speed and whatever the chunking, each reader sees every event once, in order, the end last; what
it cannot see is named by `truncated`; and replay from N is the suffix.
"""

from __future__ import annotations

import json
import os
import threading
import time
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execd.runs import text
from execd.runs.blocks import Log
from execd.runs.cursor import Cursor
from execd.runs.index import Kind, Record, rightmost, unpack
from execd.runs.spool import BLOCK, Spool
from execd.runs.sse import Stream, encode
from execd.runs.store import Store
from execd.runs.text import Mode

TERMINAL = {"type": "execution_complete", "timestamp": 9}


def parse(frames: bytes) -> list[tuple[int | None, dict[str, Any]]]:
    """Return (number, event) of every frame, in the strictest reading of the format."""
    out = []
    assert frames == b"" or frames.endswith(b"\n\n")
    for frame in frames.split(b"\n\n")[:-1]:
        lines = frame.decode().splitlines()
        number = int(lines.pop(0).removeprefix("id: ")) if lines[0].startswith("id: ") else None
        (data,) = lines
        out.append((number, json.loads(data.removeprefix("data: "))))
    return out


@dataclass
class Model:
    """Every event of a run, made the slow way: one byte at a time, one list, nothing dropped."""

    mode: Mode
    events: list[dict[str, Any]] = field(default_factory=list)
    bytes_of: dict[str, int] = field(default_factory=lambda: {"stdout": 0, "stderr": 0})
    lines: dict[str, bytes] = field(default_factory=lambda: {"stdout": b"", "stderr": b""})
    swallow: dict[str, bool] = field(default_factory=lambda: {"stdout": False, "stderr": False})

    def write(self, stream: Stream, data: bytes, at: int) -> None:
        self.bytes_of[stream] += len(data)
        for byte in data:
            self._byte(stream, bytes([byte]), at)

    def _byte(self, stream: Stream, byte: bytes, at: int) -> None:
        if byte == b"\n" and self.swallow[stream]:
            self.swallow[stream] = False
            return
        self.swallow[stream] = byte == b"\r"
        if byte in b"\r\n":
            self._line(stream, at)
            return
        self.lines[stream] += byte
        line = self.lines[stream]
        if len(line) > text.LINE_LIMIT:
            limit = text.LINE_LIMIT
            place = next((k for k in range(limit, limit - 4, -1) if line[k] & 0xC0 != 0x80), limit)
            self.lines[stream] = line[:place]
            self._line(stream, at, partial=True)
            self.lines[stream] = line[place:]

    def _line(self, stream: Stream, at: int, *, partial: bool = False) -> None:
        event = {"type": stream, "text": self.lines[stream].decode("utf-8", "replace") or "\n", "timestamp": at}
        self.events.append({**event, "partial": True} if partial else event)
        self.lines[stream] = b""

    def end(self, at: int) -> None:
        streams: tuple[Stream, ...] = ("stdout", "stderr")
        for stream in streams:
            if self.lines[stream]:
                self._line(stream, at)


class Reader:
    """A cursor and all that it has given."""

    def __init__(self, store: Store, after: int) -> None:
        self.after = after
        self.cursor = Cursor(store, after=after)
        self.got: list[tuple[int | None, dict[str, Any]]] = []

    def take(self, size: int) -> None:
        self.got += parse(self.cursor.take(size, time_ms=0))

    def check(self, events: list[dict[str, Any]]) -> None:
        """Everything once, in order, gaps named, the end last."""
        position = self.after
        for number, event in self.got:
            if number is None:
                assert event["type"] == "truncated"
                assert event["from"] == position + 1 <= event["to"]
                position = event["to"]
            else:
                assert number == position + 1
                position = number
                assert event == events[number - 1]
        assert position == len(events)
        assert self.got[-1][1] == events[-1]


PIECES = st.sampled_from(
    [b"a", b"bcdefgh", b"\n", b"\r", b"\r\n", "é€".encode(), "🙂".encode(), b"\xff\xfe", b"\xf0\x9f", b"0123456789" * 3]
)
READ = st.lists(PIECES, min_size=1, max_size=6).map(b"".join)
WRITE = st.tuples(st.just("write"), st.sampled_from(["stdout", "stderr"]), READ | st.sampled_from([b"x", b"\n", b"\r"]))
OPERATION = (
    WRITE
    | st.tuples(st.just("emit"))
    | st.tuples(st.just("evict"), st.integers(0, 12))
    | st.tuples(st.just("attach"), st.integers(0, 60))
    | st.tuples(st.just("flush"))
    | st.tuples(st.just("take"), st.integers(0, 5), st.integers(1, 400))
)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 64 bytes, so that short runs reach the disk; lines of 12, so that long ones are split."""
    monkeypatch.setattr("execd.runs.spool.BLOCK", 64)
    monkeypatch.setattr("execd.runs.blocks.BLOCK", 64)
    monkeypatch.setattr("execd.runs.text.LINE_LIMIT", 12)


def play(store: Store, model: Model, operations: list[Any], readers: list[Reader]) -> None:
    """Drive store and model alike."""
    for at, (name, *rest) in enumerate(operations, 10):
        if name == "write":
            store.write(rest[0], rest[1], time_ms=at)
            model.write(rest[0], rest[1], at)
        elif name == "emit":
            event = {"type": "status", "text": f"s{at}", "timestamp": at}
            number = store.emit(encode(event), time_ms=at)
            model.events.append(event)
            assert number == len(model.events)
        elif name == "evict":
            store.evict(store.records - rest[0])
        elif name == "flush":
            flush(store)
        elif name == "attach":
            readers.append(Reader(store, min(rest[0], store.next_event - 1)))
        elif readers:
            readers[rest[0] % len(readers)].take(rest[1])
        assert store.next_event == len(model.events) + 1


def flush(store: Store) -> None:
    """Wait until all that is to go to disk is there, so that what follows reads it from there."""
    limit = time.monotonic() + 20
    while store.spool.backlog:
        assert time.monotonic() < limit
        time.sleep(0)


def finish(store: Store, model: Model) -> None:
    """End both: the rest of standard output before that of standard error, then the terminal event."""
    store.end("stdout", time_ms=9)
    store.end("stderr", time_ms=9)
    model.end(9)
    store.emit(encode(TERMINAL), time_ms=9, terminal=True)
    model.events.append(TERMINAL)


def begin(mode: Mode, spool: Spool) -> tuple[Store, Model]:
    """Return a store and a model that hold the init event."""
    store, model = Store(mode, spool), Model(mode)
    init = {"type": "init", "text": "id", "timestamp": 1}
    store.emit(encode(init), time_ms=1)
    model.events.append(init)
    return store, model


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("on_disk", [True, False])
@settings(max_examples=150)
@given(operations=st.lists(OPERATION, max_size=60))
def test_every_reader_sees_every_event_once_in_order_and_the_end_last(
    tmp_path_factory: pytest.TempPathFactory, *, on_disk: bool, operations: list[Any]
) -> None:
    spool = Spool(str(tmp_path_factory.getbasetemp()) if on_disk else None)
    try:
        store, model = begin("lines", spool)
        readers = [Reader(store, 0)]
        play(store, model, operations, readers)
        finish(store, model)
        for reader in readers:
            while not reader.cursor.done:
                reader.take(50)
            reader.check(model.events)
        check_counts(readers[0], model)
        check_replay(store, model)
    finally:
        spool.close()


def check_counts(reader: Reader, model: Model) -> None:
    """What was truncated and what came add up to what was written, in bytes."""
    assert reader.cursor.counts == (model.bytes_of["stdout"], model.bytes_of["stderr"])
    if all(number is not None for number, _ in reader.got):
        return
    assert sum(event["to"] - event["from"] + 1 for number, event in reader.got if number is None) + sum(
        number is not None for number, _ in reader.got
    ) == len(model.events)


def check_replay(store: Store, model: Model) -> None:
    """Replay from N is the suffix, at every N."""
    for after in range(len(model.events)):
        reader = Reader(store, after)
        while not reader.cursor.done:
            reader.take(1_000_000)
        reader.check(model.events)


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=100)
@given(
    operations=st.lists(WRITE | st.tuples(st.just("evict"), st.integers(0, 12)), max_size=40), pace=st.integers(1, 300)
)
def test_chunks_and_truncations_add_up_to_the_bytes_written(operations: list[Any], pace: int) -> None:
    store = Store("chunks", Spool(None))
    store.emit(encode({"type": "init"}), time_ms=1)
    reader, written, whole = Reader(store, 0), {"stdout": b"", "stderr": b""}, True
    for at, (name, *rest) in enumerate(operations):
        if name == "write":
            store.write(rest[0], rest[1], time_ms=at)
            written[rest[0]] += rest[1]
            reader.take(pace)
        else:
            whole &= not store.evict(store.records - rest[0]) or store.floor.record <= reader.cursor.record
    store.end("stdout", time_ms=9)
    store.end("stderr", time_ms=9)
    store.emit(encode(TERMINAL), time_ms=9, terminal=True)
    while not reader.cursor.done:
        reader.take(pace)
    got = {"stdout": b"", "stderr": b""}
    lost = {"stdout": 0, "stderr": 0}
    for _, event in reader.got:
        if event["type"] in got:
            got[event["type"]] += event["text"].encode() if "text" in event else b64decode(event["data"])
        elif event["type"] == "truncated":
            lost = {stream: lost[stream] + event[f"{stream}_bytes"] for stream in lost}
    for stream, data in written.items():
        assert len(got[stream]) + lost[stream] == len(data)
        assert not whole or got[stream] == data


def test_a_cursor_that_does_not_follow_ends_at_what_was_there() -> None:
    store, _ = begin("lines", Spool(None))
    store.write("stdout", b"one\ntwo\n", time_ms=2)
    cursor = Cursor(store, after=1, live=False)
    store.write("stdout", b"three\n", time_ms=3)
    assert [number for number, _ in parse(cursor.take(1000, time_ms=0))] == [2, 3]
    assert cursor.done


def test_a_read_that_is_not_utf8_comes_whole_as_data() -> None:
    store, _ = begin("chunks", Spool(None))
    store.write("stderr", b"ok \xff", time_ms=2)
    ((number, event),) = parse(Cursor(store, after=1).take(1000, time_ms=0))
    assert (number, b64decode(event["data"]), "text" in event) == (2, b"ok \xff", False)


def test_line_separators_of_other_clients_are_escaped() -> None:
    store, _ = begin("chunks", Spool(None))
    store.write("stdout", "a\u0085b\u2028c\u2029d\\u2028".encode(), time_ms=2)
    frame = Cursor(store, after=1).take(1000, time_ms=0)
    assert len(frame.decode().splitlines()) == 3
    assert parse(frame)[0][1]["text"] == "a\u0085b\u2028c\u2029d\\u2028"


@given(
    st.builds(
        Record,
        st.sampled_from(Kind),
        *[st.integers(0, 2**50)] * 5,
        *[st.integers(0, 2**20)] * 2,
        st.booleans(),
        st.booleans(),
    )
)
def test_a_record_survives_packing(record: Record) -> None:
    assert unpack(record.pack() * 2) == [record, record]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(-1, 41))
def test_rightmost_finds_the_last_that_accepts(low: int, span: int, edge: int) -> None:
    high = low + span
    assert rightmost(low, high, accepts=lambda at: at <= edge) == max(low - 1, min(edge, high - 1))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3 * BLOCK), st.integers(0, 100)), max_size=12), st.booleans())
def test_a_log_gives_back_what_was_appended_from_memory_or_disk(
    tmp_path_factory: pytest.TempPathFactory, appends: list[tuple[int, int]], on_disk: bool
) -> None:
    spool = Spool(str(tmp_path_factory.getbasetemp()) if on_disk else None)
    try:
        log, whole = Log(spool, keep_blocks=1), b""
        for size, forget in appends:
            data = bytes([len(whole) % 251]) * size
            log.append(data)
            whole += data
            log.drop(log.end * forget // 100)
            assert log.end == len(whole)
            middle = (log.start + log.end) // 2
            assert log.read(log.start, log.end) == whole[log.start :]
            assert log.read(middle, log.end) == whole[middle:]
            assert log.read(log.start, middle) == whole[log.start : middle]
        log.settle()
        assert log.read(log.start, log.end) == whole[log.start :]
        log.drop(log.end)
        assert log.size == 0
    finally:
        spool.close()


def test_what_has_been_written_is_read_from_disk_and_its_memory_given_back(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    store = Store("chunks", spool)
    store.raw.append(os.urandom(BLOCK) * 10)
    store.raw.settle()
    flush(store)
    resident = [block for block in store.raw._blocks if block.data is not None]
    assert resident == []
    assert store.raw.read(0, BLOCK) * 10 == store.raw.read(0, store.raw.end)
    spool.close()


def test_a_line_feed_is_swallowed_also_where_replay_begins_between_the_two() -> None:
    store, _ = begin("lines", Spool(None))
    store.write("stdout", b"one\r", time_ms=2)
    store.write("stdout", b"\ntwo\n", time_ms=3)
    store.evict(2)
    assert [event.get("text") for _, event in parse(Cursor(store, after=2).take(1000, time_ms=0))] == ["two"]
    again, _ = begin("lines", Spool(None))
    again.write("stdout", b"one\r", time_ms=2)
    again.write("stdout", b"\ntwo\n", time_ms=3)
    assert [event.get("text") for _, event in parse(Cursor(again, after=2).take(1000, time_ms=0))] == ["two"]


@pytest.mark.parametrize(("start", "end"), [(0, 2), (3, 9)])
def test_a_log_refuses_what_it_does_not_have(start: int, end: int) -> None:
    log = Log(Spool(None))
    log.append(b"abcdef")
    log.drop(1)
    with pytest.raises(IndexError):
        log.read(start, end)


def test_without_room_for_a_thread_blocks_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    spool = Spool(str(tmp_path))
    log = Log(spool, keep_blocks=0)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        log.append(b"a" * BLOCK)
        assert spool.backlog == 0
    log.append(b"b" * BLOCK)
    assert log.read(0, log.end) == b"a" * BLOCK + b"b" * BLOCK
    spool.close()
    assert spool.healthy


def test_a_full_disk_leaves_the_bytes_in_memory_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", refuse)
    spool = Spool(str(tmp_path))
    log = Log(spool, keep_blocks=0)
    log.append(b"x" * BLOCK * 3)
    spool.close()
    assert not spool.healthy
    assert log.read(0, log.end) == b"x" * BLOCK * 3


def test_the_spool_file_has_no_name_and_is_given_back_when_all_is_dropped(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    log = Log(spool, keep_blocks=0)
    log.append(b"x" * BLOCK * 5)
    log.settle()
    spool.close()
    assert list(tmp_path.iterdir()) == []
