"""The end of the daemon: asked for once, from any side, and in time."""

from __future__ import annotations

import asyncio
import logging
import os

import pytest

from execd import ending
from execd.ending import Ending, end


async def test_the_first_request_counts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = Ending()
    one.ask("SIGTERM")
    one.ask("lease")
    await one.asked()
    assert [getattr(record, "reason", None) for record in caplog.records] == ["SIGTERM"]


async def test_a_pipe_that_closes_is_a_request() -> None:
    reading, writing = os.pipe()
    one = Ending()
    one.watch_descriptor(reading, "lifeline")
    os.close(writing)
    async with asyncio.timeout(5):
        await one.asked()
    os.close(reading)


async def test_a_lease_ends_when_nothing_was_asked_for_long_enough() -> None:
    idle = iter([0.0, 0.03, 0.06, 0.07])
    one = Ending()
    one.watch_lease(lambda: next(idle), 0.05)
    async with asyncio.timeout(5):
        await one.asked()
    assert list(idle) == []


async def test_a_request_at_the_last_call_renews_a_lease() -> None:
    idle = iter([0.06, 0.01, 0.06, 0.07])
    one = Ending()
    one.watch_lease(lambda: next(idle), 0.05)
    async with asyncio.timeout(5):
        await one.asked()
    assert list(idle) == []


async def test_nothing_is_left_before_runs_have_ended_and_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "LAST_WORDS_S", 0.02)
    happened: list[str] = []
    left = asyncio.Event()

    async def close() -> None:
        await asyncio.sleep(0.05)
        happened.append("runs have ended")

    def leave() -> None:
        happened.append("left")
        left.set()

    await end(close, kill_grace_s=0.01, leave=leave)
    async with asyncio.timeout(5):
        await left.wait()
    assert happened == ["runs have ended", "left"]


async def test_runs_that_do_not_end_are_left_to_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "LAST_WORDS_S", 0.01)
    monkeypatch.setattr(ending, "STUCK_RUNS_S", 0.01)
    left = asyncio.Event()
    await end(asyncio.Event().wait, kill_grace_s=0, leave=left.set)
    async with asyncio.timeout(5):
        await left.wait()
