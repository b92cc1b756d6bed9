"""Runs that write more than is kept, and readers that do not read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.events import Event
from execd_conformance.laws import EVERY, NUMBERED, ending, lawful, numbered, whole, written
from execd_conformance.polling import ended, eventually, steady
from execd_conformance.raw import Raw

MIB = 1024 * 1024
BOUND = MIB
MUCH = 64 * MIB
"""More than the buffers of a connection hold together with a bound."""


def _flood(size: int) -> str:
    return f"yes 0123456789abcdef0123456789abcdef | head -c {size}"


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    "retention.bytes",
    "retention.ends-kept",
    "overflow.detached-default",
    "overflow.drop-never-holds",
    "overflow.drop-told",
    "overflow.no-reader",
    "event.truncated",
    "event.truncated-no-number",
    "stream.dropped-numbered",
    "stream.gap-named",
    "end.truncated",
    "end.counts",
    features={"overflow", "disconnect", "replay"},
    needs={"start"},
)
async def test_what_nobody_reads_gives_way_and_is_told(checks: Checks, daemons: Daemons) -> None:
    size = 4 * MIB
    async with daemons(retention_bytes=BOUND) as daemon:
        detached = {"on_disconnect": "detach", "disconnect_grace_ms": 0}
        for overflow in (
            detached,
            {**detached, "on_overflow": "drop_oldest"},
            {**detached, "on_overflow": "block"},
            {"background": True},
            {"background": True, "on_overflow": "block"},
        ):
            body = {"command": _flood(size), "output": "chunks"}
            async with daemon.raw.stream("POST", "/command", json={**body, **overflow}) as stream:
                told = (await stream.until(lambda event: event.type == "init"))["text"]
                await stream.leave()
            status = await ended(daemon.raw, told, limit_s=15)
            proves = "overflow.no-reader" if overflow.get("on_overflow") == "block" else "overflow.drop-never-holds"
            checks.equal(proves, (status.get("cause"), status.get("exit_code")), ("exited", 0))
            events = await daemon.raw.events("GET", f"/executions/{told}/events")
            lawful(checks, events)
            numbered(checks, events)
            _judge_gap(checks, events, size)
            within = await daemon.raw.events("GET", f"/executions/{told}/events", params={"after": 5})
            checks.equal("stream.gap-named", (within[0].type, within[0].get("from")), ("truncated", 6))
            numbered(checks, within, after=5)


def _judge_gap(checks: Checks, events: Sequence[Event], size: int) -> None:
    gaps = [event for event in events if event.type == "truncated"]
    checks.that("overflow.drop-told", len(gaps) >= 1, saw=[event.type for event in events[:4]])
    checks.that("overflow.detached-default", len(gaps) >= 1, saw=len(gaps))
    checks.that("event.truncated-no-number", {gap.number for gap in gaps} == {None})
    kept = len(written(events))
    checks.that("retention.bytes", 0 < kept <= BOUND, saw=kept)
    lost = sum(int(gap.get("stdout_bytes", 0)) for gap in gaps)
    checks.equal("event.truncated", lost + kept, size)
    checks.equal("event.truncated", {gap.get("stderr_bytes") for gap in gaps}, {0})
    checks.that("retention.ends-kept", events[0].type == "init" and events[-1].is_terminal)
    after_gap = [later for gap, later in pairwise(events) if gap.type == "truncated"]
    jumps = [(gap["to"], later.number) for gap, later in zip(gaps, after_gap, strict=False)]
    checks.that("stream.gap-named", bool(jumps) and all(number == to + 1 for to, number in jumps), saw=jumps)
    checks.that("stream.dropped-numbered", (events[-1].number or 0) > len(events), saw=(events[-1].number, len(events)))
    end = ending(events)
    checks.that("end.truncated", end.get("truncated") is True, saw=end.raw)
    checks.equal("end.counts", end.get("stdout_bytes"), size)


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    "overflow.block-default",
    "overflow.block-holds",
    "overflow.block-loses-nothing",
    "end.truncated",
    "end.counts",
    features={"overflow", "output", "replay"},
    needs={"start"},
    limit_s=60,
)
async def test_a_reader_that_stops_holds_the_program_and_loses_nothing(checks: Checks, daemons: Daemons) -> None:
    async with (
        daemons(retention_bytes=BOUND) as daemon,
        daemon.raw.stream("POST", "/command", json={"command": _flood(MUCH), "output": "chunks"}, timeout_s=60) as slow,
    ):
        init = await slow.until(lambda event: event.type == "init")
        so_far = await steady(lambda: _told(daemon.raw, init["text"], "stdout_bytes"))
        running = await _told(daemon.raw, init["text"], "running")
        checks.that("overflow.block-holds", running and 0 < so_far < MUCH, saw=(running, so_far))
        checks.that("overflow.block-default", running, saw=running)
        await slow.until(_reading(so_far), limit_s=20)

        async def goes_on() -> bool:
            return await _told(daemon.raw, init["text"], "stdout_bytes") > so_far

        checks.that("overflow.block-holds", await eventually(goes_on), saw=f"it rests at {so_far} for ever")
        await whole(slow)
    events = slow.events
    lawful(checks, events)
    numbered(checks, events)
    checks.equal("overflow.block-loses-nothing", len(written(events)), MUCH)
    checks.that("overflow.block-loses-nothing", all(event.type != "truncated" for event in events))
    end = ending(events)
    checks.that("end.truncated", end.get("truncated") is False, saw=end.raw)
    checks.equal("end.counts", end.get("stdout_bytes"), MUCH)


@scenario(
    "streams", "reader.replaced", "reader.others", features={"overflow", "output", "replay", "write_id"},
    needs={"start"}, limit_s=60,
)  # fmt: skip
async def test_who_comes_back_under_its_name_is_waited_for_once(checks: Checks, daemons: Daemons) -> None:
    """A connection that is dead and looks alive: its client has come back on another one, and reads to the end."""
    body = {"command": _flood(MUCH), "output": "chunks"}
    me, other = {"X-EXECD-READER": "me"}, {"X-EXECD-READER": "other"}
    async with (
        daemons(retention_bytes=BOUND) as daemon,
        daemon.raw.stream("POST", "/command", json=body, headers=me, timeout_s=60) as dead,
    ):
        init = await dead.until(lambda event: event.type == "init")
        await steady(lambda: _told(daemon.raw, init["text"], "stdout_bytes"))
        first = await _told(daemon.raw, init["text"], "first_event")
        asked: dict[str, Any] = {"path": f"/executions/{init['text']}/events", "params": {"after": first}}
        async with daemon.raw.stream("GET", **asked, headers=other, timeout_s=60) as second:
            reading = asyncio.ensure_future(whole(second))
            so_far = await steady(lambda: _told(daemon.raw, init["text"], "stdout_bytes"))
            running = await _told(daemon.raw, init["text"], "running")
            checks.that("reader.others", running and so_far < MUCH, saw=(running, so_far))
            reading.cancel()
            await asyncio.wait({reading})
        async with daemon.raw.stream("GET", **asked, headers=me, timeout_s=60) as back:
            await whole(back)
    numbers = [event.number for event in back.events if event.type != "ping"]
    checks.that("reader.replaced", numbers == list(range(first + 1, first + 1 + len(numbers))), saw=numbers[:5])
    checks.that("reader.replaced", back.events[-1].is_terminal, saw=back.events[-1].type)


def _reading(size: int) -> Callable[[Event], bool]:
    """Return what is true of the event with which so much output has come."""
    came = 0

    def is_enough(event: Event) -> bool:
        nonlocal came
        came += len(event.content) if event.type == "stdout" else 0
        return came >= size

    return is_enough


async def _told(raw: Raw, execution_id: str, field: str) -> int:
    return int((await raw.request("GET", f"/executions/{execution_id}")).json()[field])


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    "overflow.drop-never-holds",
    "overflow.drop-told",
    "event.truncated",
    "stream.gap-named",
    "end.truncated",
    features={"overflow", "output", "replay"},
    needs={"start"},
    limit_s=60,
)
async def test_a_reader_that_is_left_behind_is_told_what_is_missing(checks: Checks, daemons: Daemons) -> None:
    body = {"command": _flood(MUCH), "output": "chunks", "on_overflow": "drop_oldest"}
    async with (
        daemons(retention_bytes=BOUND) as daemon,
        daemon.raw.stream("POST", "/command", json=body, timeout_s=60) as slow,
    ):
        init = await slow.until(lambda event: event.type == "init")
        status = await ended(daemon.raw, init["text"], limit_s=20)
        checks.equal("overflow.drop-never-holds", status.get("cause"), "exited")
        events = [init, *await whole(slow)]
    lawful(checks, events)
    numbered(checks, events)
    gaps = [event for event in events if event.type == "truncated"]
    checks.that("overflow.drop-told", len(gaps) >= 1, saw=[event.type for event in events[-3:]])
    lost = sum(int(gap.get("stdout_bytes", 0)) for gap in gaps)
    checks.equal("event.truncated", lost + len(written(events)), MUCH)
    followers = [later for gap, later in pairwise(events) if gap.type == "truncated"]
    starts = [later.number == gap["to"] + 1 for gap, later in zip(gaps, followers, strict=False)]
    checks.that("stream.gap-named", bool(starts) and all(starts), saw=starts)
    checks.that("end.truncated", ending(events).get("truncated") is True, saw=ending(events).raw)


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    "overflow.slow-reader",
    "stream.output-before-end",
    features={"overflow", "output", "replay"},
    limit_s=60,
)
async def test_below_the_bound_a_slow_reader_slows_nobody(checks: Checks, raw: Raw) -> None:
    size = 24 * MIB
    async with raw.stream("POST", "/command", json={"command": _flood(size), "output": "chunks"}, timeout_s=60) as slow:
        init = await slow.until(lambda event: event.type == "init")
        status = await ended(raw, init["text"], limit_s=20)
        checks.equal("overflow.slow-reader", status.get("cause"), "exited")
        events = [init, *await whole(slow)]
    lawful(checks, events)
    numbered(checks, events)
    checks.equal("stream.output-before-end", len(written(events)), size)


@scenario(
    "replay",
    "retention.time",
    "executions.unknown",
    "execution-id.forgotten",
    features={"replay", "execution_id"},
    needs={"start"},
)
async def test_a_finished_run_is_forgotten_after_its_time(checks: Checks, daemons: Daemons, unique: str) -> None:
    async with daemons(retention_s=0.5) as daemon:
        first = await daemon.raw.run("echo first", execution_id=unique)
        kept = await daemon.raw.request("GET", f"/executions/{first.id}")
        checks.equal("retention.time", kept.status, 200)

        async def is_forgotten() -> bool:
            return (await daemon.raw.request("GET", f"/executions/{first.id}")).status == 404

        checks.that("retention.time", await eventually(is_forgotten, limit_s=10))
        gone = await daemon.raw.request("GET", f"/executions/{first.id}/events")
        checks.equal("executions.unknown", (gone.status, gone.code), (404, "EXECUTION_NOT_FOUND"))
        anew = await daemon.raw.run("echo second", execution_id=unique)
        checks.equal("execution-id.forgotten", (anew.id, anew.stdout), (unique, "second\n"))
