"""Runs and their registry: overflow policies, grace, limits, retention, attachment, and the one end."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execd.errors import (
    ExecutionConflict,
    ExecutionNotFound,
    InvalidQuery,
    InvalidRequestBody,
    LimitReached,
    ShuttingDown,
)
from execd.runs.clock import Clock
from execd.runs.ends import End
from execd.runs.reader import Reader
from execd.runs.registry import Registry, Retention
from execd.runs.run import Policy, Run
from execd.runs.spool import Spool

from .test_store import parse

DONE = End(cause="exited", exit_code=0)
KIB = 1024


class FakeClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.clock = Clock(wall_ms=lambda: self.now, mono_ms=lambda: self.now)


class FakeControl:
    """A program that ends as soon as it is told to."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.causes: list[str] = []

    def stop(self, cause: str) -> None:
        self.causes.append(cause)
        if self.run.end is None:
            self.run.finish(End(cause=cause, code=cause.upper()))

    def send_signal(self, name: str) -> None:
        raise NotImplementedError

    async def write_stdin(self, data: bytes) -> None:
        raise NotImplementedError

    def close_stdin(self) -> None:
        raise NotImplementedError


def real_clock() -> Clock:
    return Clock(wall_ms=lambda: time.time_ns() // 10**6, mono_ms=lambda: time.monotonic_ns() // 10**6)


def make_registry(**bounds: Any) -> Registry:
    return Registry(retention=Retention(**bounds), spool=_Healthy(), clock=FakeClock().clock)


class _Healthy(Spool):
    """A memory spool that counts as healthy, so that the bounds under test are the configured ones."""

    def __init__(self) -> None:
        super().__init__(None)
        self.healthy = True


def start(
    registry: Registry, *, overflow: str = "block", disconnect: str = "detach", grace_ms: int = 0, **more: Any
) -> Run:
    policy = Policy(mode="lines", on_disconnect=disconnect, disconnect_grace_ms=grace_ms, on_overflow=overflow)
    run, created = registry.register(kind="command", content="x", body=more.pop("body", None), policy=policy, **more)
    assert created
    return run


def drain(reader: Reader) -> list[tuple[int | None, dict[str, Any]]]:
    out = []
    while frames := reader.take():
        out += parse(frames)
    return out


@pytest.fixture
async def registry() -> Registry:
    return make_registry()


async def test_a_reader_that_was_left_behind_after_the_leaders_exit_is_told_what_is_missing() -> None:
    registry = make_registry(run_bytes=8 * KIB)
    run = start(registry)
    reader = registry.attach(run)
    run.leader_exited()
    for _ in range(64):
        run.write("stdout", b"x" * KIB + b"\n")
    run.finish(DONE)
    assert "truncated" in [event["type"] for _, event in drain(reader)]
    assert run.truncated


@settings(max_examples=60, deadline=None)
@given(
    paces=st.lists(st.integers(1, 60), min_size=1, max_size=3),
    writes=st.lists(st.integers(1, 3000), min_size=10, max_size=80),
    overflow=st.sampled_from(["block", "drop_oldest"]),
)
def test_readers_of_any_pace_get_everything_or_are_told_what_is_missing(
    paces: list[int], writes: list[int], overflow: str
) -> None:
    asyncio.run(asyncio.wait_for(_race(paces, writes, overflow), 20))


async def _race(paces: list[int], writes: list[int], overflow: str) -> None:
    bound = 8 * KIB
    registry = make_registry(run_bytes=bound)
    run = start(registry, overflow=overflow)

    async def write() -> None:
        for at, size in enumerate(writes):
            await run.room()
            assert not run.held
            run.write("stdout", b"%06d" % at + b"x" * size + b"\n")
            assert run.size <= 2 * bound + 4 * KIB
            await asyncio.sleep(0)
        run.finish(DONE)

    async def read(pace: int) -> list[tuple[int | None, dict[str, Any]]]:
        reader, got = registry.attach(run), []
        while not reader.done:
            assert await reader.wait(5)
            got += parse(reader.take(1))
            for _ in range(pace):
                await asyncio.sleep(0)
        reader.close()
        return got

    writing = asyncio.ensure_future(write())
    for got in await asyncio.gather(*(read(pace) for pace in paces)):
        assert_complete(got, lines=len(writes), whole=overflow == "block")
    await writing


def assert_complete(got: list[tuple[int | None, dict[str, Any]]], *, lines: int, whole: bool) -> None:
    position = 0
    for number, event in got:
        if number is None:
            assert not whole
            assert event["from"] == position + 1
            position = event["to"]
            continue
        assert number == position + 1
        position = number
        if event["type"] == "stdout":
            assert int(event["text"][:6]) == number - 2
    assert position == lines + 2
    assert got[-1][1]["type"] == "execution_complete"


async def test_a_stopped_reader_holds_the_program_only_at_the_bound_and_loses_nothing() -> None:
    registry = make_registry(run_bytes=64 * KIB)
    run = start(registry)
    reader = registry.attach(run)
    written = 0
    while not run.held:
        run.write("stdout", b"x" * 1023 + b"\n")
        written += 1
    assert written * KIB + 4 * KIB >= 64 * KIB
    assert written * KIB <= 66 * KIB
    got = drain(reader)
    await asyncio.wait_for(run.room(), 1)
    run.finish(DONE)
    got += drain(reader)
    assert_complete(
        [
            (number, {**event, "text": f"{number - 2:06d}"} if event["type"] == "stdout" else event)
            for number, event in got
            if number
        ],
        lines=written,
        whole=True,
    )


async def test_a_reader_that_comes_back_on_another_connection_is_not_waited_for_twice() -> None:
    registry = make_registry(run_bytes=8 * KIB)
    run = start(registry)
    dead = registry.attach(run, name=b"me")
    drain(dead)
    for _ in range(16):
        run.write("stdout", b"x" * KIB + b"\n")
    back = registry.attach(run, after=dead.position, name=b"me")
    got = drain(back)
    for _ in range(64):
        assert not run.held
        run.write("stdout", b"x" * KIB + b"\n")
        got += drain(back)
    run.finish(DONE)
    got += drain(back)
    assert [number for number, _ in got] == list(range(2, run.store.next_event))
    assert (dead.done, dead.take()) == (True, b"")


async def test_readers_of_other_names_are_waited_for() -> None:
    registry = make_registry(run_bytes=8 * KIB)
    run = start(registry)
    for name in (b"one", b"two", None, None):
        registry.attach(run, name=name)
    assert len(run._audience.places()) == 4
    registry.attach(run, name=b"two").close()
    assert len(run._audience.places()) == 3 + 1  # and the grace of the one that left


async def test_without_readers_block_acts_as_drop_oldest() -> None:
    registry = make_registry(run_bytes=8 * KIB)
    run = start(registry)
    for _ in range(100):
        run.write("stdout", b"y" * 1000 + b"\n")
        assert not run.held
    run.finish(DONE)
    got = drain(registry.attach(run))
    assert [event["type"] for _, event in got[:2]] == ["init", "truncated"]
    assert got[-1][1]["truncated"] is True
    assert got[-1][1]["stdout_bytes"] == 100 * 1001


async def test_after_the_leaders_exit_nothing_is_held() -> None:
    registry = make_registry(run_bytes=8 * KIB)
    run = start(registry)
    registry.attach(run)
    while not run.held:
        run.write("stdout", b"z" * 999 + b"\n")
    run.leader_exited()
    await asyncio.wait_for(run.room(), 1)
    run.write("stdout", b"z" * 999 + b"\n")
    assert not run.held


async def test_what_every_reader_passed_is_dropped_without_calling_the_output_truncated() -> None:
    registry = make_registry(run_bytes=8 * KIB)
    run = start(registry)
    reader = registry.attach(run)
    got = []
    for at in range(200):
        run.write("stdout", b"%06d" % at + b"w" * 1000 + b"\n")
        got += drain(reader)
    run.finish(DONE)
    got += drain(reader)
    assert_complete(got, lines=200, whole=True)
    assert got[-1][1]["truncated"] is False
    assert run.store.floor.record > 0


async def test_the_last_reader_gone_longer_than_its_grace_cancels(registry: Registry) -> None:
    run = start(registry, disconnect="kill", grace_ms=10)
    run.control = FakeControl(run)
    registry.attach(run).close()
    await asyncio.wait_for(run.ended(), 5)
    assert run.end is not None
    assert run.end.cause == "cancelled"


async def test_a_reader_that_comes_back_within_its_grace_keeps_the_run(registry: Registry) -> None:
    run = start(registry, disconnect="kill", grace_ms=60_000)
    run.control = control = FakeControl(run)
    first = registry.attach(run)
    first.take()
    first.close()
    again = registry.attach(run, after=1)
    assert run._audience._graces == []
    again.close()
    assert len(run._audience._graces) == 1
    assert control.causes == []


async def test_a_reader_that_does_not_follow_neither_counts_nor_waits(registry: Registry) -> None:
    run = start(registry, disconnect="kill", grace_ms=0)
    run.control = control = FakeControl(run)
    reader = registry.attach(run, follow=False)
    assert [number for number, _ in drain(reader)] == [1]
    assert reader.done
    reader.close()
    await asyncio.sleep(0)
    assert control.causes == []
    assert registry.attach(run, after=1, follow=False).empty
    assert not registry.attach(run, after=1).empty


async def test_the_end_comes_once(registry: Registry) -> None:
    run = start(registry)
    run.finish(DONE)
    with pytest.raises(RuntimeError, match="already ended"):
        run.finish(DONE)
    assert [event["type"] for _, event in drain(registry.attach(run))] == ["init", "execution_complete"]
    assert registry.attach(run, after=2).empty
    assert registry.attach(run, after=99).empty


async def test_waiting_ends_with_the_event_or_with_the_time(registry: Registry) -> None:
    run = start(registry)
    reader = registry.attach(run, after=1)
    assert await reader.wait(0.01) is False
    asyncio.get_running_loop().call_soon(run.write, "stdout", b"now\n")
    assert await reader.wait(5) is True


async def test_the_same_id_and_body_attach_and_another_body_conflicts(registry: Registry) -> None:
    run = start(registry, execution_id="mine", body={"a": 1})
    policy = run.policy
    same, created = registry.register(kind="command", content="x", body={"a": 1}, policy=policy, execution_id="mine")
    assert (same, created) == (run, False)
    with pytest.raises(ExecutionConflict):
        registry.register(kind="command", content="x", body={"a": 2}, policy=policy, execution_id="mine")
    run.finish(DONE)
    assert registry.register(kind="command", content="x", body={"a": 1}, policy=policy, execution_id="mine") == (
        run,
        False,
    )


@pytest.mark.parametrize("bad", ["", "a" * 65, "a\n", "a b", "é", "../x"])
async def test_ids_are_matched_whole(registry: Registry, bad: str) -> None:
    with pytest.raises(InvalidRequestBody):
        start(registry, execution_id=bad)


async def test_the_future_of_a_live_run_is_refused(registry: Registry) -> None:
    run = start(registry)
    with pytest.raises(InvalidQuery):
        registry.attach(run, after=2)


async def test_live_runs_are_limited_and_finished_ones_do_not_count() -> None:
    registry = make_registry(max_live=1)
    run = start(registry)
    with pytest.raises(LimitReached):
        start(registry)
    run.finish(DONE)
    start(registry)


async def test_the_finished_are_forgotten_when_their_time_is_over_unless_someone_reads() -> None:
    fake = FakeClock()
    registry = Registry(retention=Retention(keep_s=600), spool=_Healthy(), clock=fake.clock)
    run, read = start(registry), start(registry)
    reader = registry.attach(read)
    run.finish(DONE)
    read.finish(DONE)
    fake.now += 599_999
    registry.sweep()
    assert registry.find(run.id) is run
    fake.now += 1
    registry.sweep()
    with pytest.raises(ExecutionNotFound):
        registry.find(run.id)
    assert registry.find(read.id) is read
    reader.close()
    with pytest.raises(ExecutionNotFound):
        registry.find(read.id)
    assert registry.total_bytes == 0


async def test_the_last_finished_run_is_forgotten_although_its_reader_left_before_its_time() -> None:
    registry = Registry(retention=Retention(keep_s=0.05), spool=_Healthy(), clock=real_clock())
    run = start(registry)
    reader = registry.attach(run)
    run.finish(DONE)
    reader.close()
    async with asyncio.timeout(10):
        while registry.runs():  # noqa: ASYNC110 - nothing but the registry's own timer tells
            await asyncio.sleep(0.01)


async def test_what_makes_room_for_the_end_is_told_by_the_end() -> None:
    registry = make_registry(run_bytes=8 * KIB)
    run = start(registry)
    while run.size + 48 + 1001 <= 8 * KIB:
        run.write("stdout", b"x" * 1000 + b"\n")
    run.write("stdout", b"y" * (8 * KIB - run.size - 48 - 100) + b"\n")
    assert not run.truncated
    run.finish(DONE)
    terminal = drain(registry.attach(run))[-1][1]
    assert terminal["truncated"] is run.truncated is True


async def test_over_the_total_the_oldest_finished_goes_first_then_the_largest_live_one_gives_way() -> None:
    registry = make_registry(total_bytes=40 * KIB)
    finished = start(registry)
    finished.write("stdout", b"a" * 20 * KIB)
    finished.finish(DONE)
    small, large = start(registry), start(registry, overflow="drop_oldest")
    small.write("stdout", b"b" * 4 * KIB)
    for _ in range(30):
        large.write("stdout", b"c" * KIB)
    with pytest.raises(ExecutionNotFound):
        registry.find(finished.id)
    for _ in range(30):
        large.write("stdout", b"c" * KIB)
    assert registry.total_bytes <= 40 * KIB
    assert small.store.floor.record == 0
    assert large.store.floor.record > 0


async def test_over_the_total_what_a_broken_reader_will_come_back_for_goes_last() -> None:
    registry = make_registry(total_bytes=20 * KIB)
    broken, read = start(registry, grace_ms=60_000), start(registry, grace_ms=60_000)
    for run in (broken, read):
        reader = registry.attach(run)
        run.write("stdout", b"x" * 4 * KIB)
        run.finish(DONE)
        if run is read:
            drain(reader)
        reader.close()
    assert (broken.expected, read.expected) == (True, False)
    more = [start(registry) for _ in range(3)]
    for run in more:
        run.write("stdout", b"x" * 4 * KIB)
    assert registry.runs() == [broken, *more]
    more[0].write("stdout", b"x" * 8 * KIB)
    assert registry.runs() == more


@pytest.mark.parametrize("left_first", [True, False])
async def test_nobody_comes_back_for_what_was_stopped(left_first: bool) -> None:
    run = start(make_registry(), grace_ms=60_000)
    reader = run.attach(after=0, follow=True)
    if left_first:
        reader.close()
    run.finish(End(cause="interrupted", code="INTERRUPTED"))
    reader.close()
    assert not run.expected


async def test_over_the_total_a_finished_run_that_is_read_is_spared() -> None:
    registry = make_registry(total_bytes=40 * KIB)
    read = start(registry)
    reader = registry.attach(read)
    read.write("stdout", b"a" * 20 * KIB)
    read.finish(DONE)
    live = start(registry, overflow="drop_oldest")
    for _ in range(60):
        live.write("stdout", b"c" * KIB)
    assert registry.find(read.id) is read
    reader.close()
    live.write("stdout", b"c" * 4 * KIB)
    with pytest.raises(ExecutionNotFound):
        registry.find(read.id)


async def test_a_registry_that_closes_takes_nothing_new_and_waits_for_every_end(registry: Registry) -> None:
    runs = [start(registry) for _ in range(3)]
    for run in runs:
        run.control = FakeControl(run)
    await asyncio.wait_for(registry.close(), 5)
    assert {run.end.cause for run in runs if run.end} == {"shutting_down"}
    with pytest.raises(ShuttingDown):
        start(registry)


async def test_a_program_that_outruns_the_disk_is_held_until_it_has_caught_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, pwrite = threading.Event(), os.pwrite

    def slow(*arguments: Any) -> int:
        gate.wait(20)
        return pwrite(*arguments)

    monkeypatch.setattr("os.pwrite", slow)
    monkeypatch.setattr("execd.runs.spool.BACKLOG_LIMIT", 1024 * KIB)
    spool = Spool(str(tmp_path))
    registry = Registry(retention=Retention(), spool=spool, clock=FakeClock().clock)
    run = start(registry)
    while not run.held:
        run.write("stdout", b"e" * 64 * KIB)
    assert run.size <= 2 * 1024 * KIB
    gate.set()
    await asyncio.wait_for(run.room(), 20)
    run.finish(DONE)
    spool.close()


async def test_while_the_disk_refuses_a_run_keeps_little() -> None:
    registry = Registry(retention=Retention(), spool=Spool(None), clock=FakeClock().clock)
    run = start(registry, overflow="drop_oldest")
    for _ in range(80):
        run.write("stdout", b"d" * 64 * KIB)
    assert run.size <= 4 * KIB * KIB + 64 * KIB
    run.finish(DONE)
    assert drain(registry.attach(run))[-1][1]["truncated"] is True


async def test_while_the_disk_refuses_all_runs_together_keep_16_mib() -> None:
    registry = Registry(retention=Retention(), spool=Spool(None), clock=FakeClock().clock)
    for _ in range(6):
        run = start(registry, overflow="drop_oldest")
        for _ in range(80):
            run.write("stdout", b"d" * 64 * KIB)
    assert 12 * KIB * KIB < registry.total_bytes <= 16 * KIB * KIB + 64 * KIB
