"""Thousands of runs: an exit code or a byte that is lost once in a thousand times is lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from .rooms import Room, descriptors, own_zombies

pytestmark = [pytest.mark.slow, pytest.mark.timeout(580)]


async def _at_once(count: int, job: Callable[[int], Awaitable[None]], *, workers: int = 64) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await job(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())


async def test_of_2000_exit_codes_64_at_once_none_is_wrong(room: Room) -> None:
    before = descriptors()

    async def job(number: int) -> None:
        code = number % 256
        end = await room.start(f"exit {code}").end()
        assert (end["cause"], end["exit_code"]) == ("exited", code)

    await _at_once(2000, job)
    assert own_zombies() == []
    assert descriptors() == before


async def test_of_10000_outputs_written_just_before_the_exit_no_byte_is_lost(room: Room) -> None:
    async def job(number: int) -> None:
        watched = await room.run(["printf", "%s", f"out {number}"], output="chunks")
        assert watched.bytes("stdout") == f"out {number}".encode()
        assert watched.events[-1]["stdout_bytes"] == len(f"out {number}")

    await _at_once(10_000, job)
    assert own_zombies() == []


async def test_of_500_large_outputs_with_survivors_no_byte_is_lost(room: Room) -> None:
    async def job(number: int) -> None:
        size = number * 1000
        watched = await room.run(f"sleep 0.5 & head -c {size} /dev/zero", output="chunks")
        assert watched.bytes("stdout") == bytes(size)

    await _at_once(500, job, workers=16)


async def test_of_1000_runs_that_are_ended_in_every_way_none_is_told_wrongly(tmp_path: Path) -> None:
    room = Room(str(tmp_path), kill_grace_ms=50)
    dice = random.Random(1)
    wanted = {"interrupted": "interrupted", "cancelled": "cancelled", "timeout": "timed_out", "exit": "exited"}
    commands = ["sleep 600", "trap '' TERM; sleep 600; sleep 600", "setsid sleep 600 & sleep 600 & wait"]

    async def job(_: int) -> None:
        way = dice.choice(list(wanted))
        if way == "exit":
            assert (await room.start("sleep 0.01; exit 3").end())["exit_code"] == 3
            return
        watched = room.start(dice.choice(commands), timeout=20 if way == "timeout" else 0)
        for _ in range(dice.randrange(50)):
            await asyncio.sleep(0)
        if way != "timeout":
            assert watched.run.control
            watched.run.control.stop(way)
        assert (await watched.end())["cause"] == wanted[way]

    before = descriptors()
    await _at_once(1000, job)
    assert own_zombies() == []
    assert descriptors() == before
