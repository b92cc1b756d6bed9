"""Many runs at once give many right results. By hand: the colours differ in how they do many things at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from opensandbox import Execution, Sandbox, SandboxSync

from .conftest import RunningDaemon


def command(number: int) -> str:
    return f"seq 1 {number % 300}; echo {number} >&2; exit {number % 5}"


def check(number: int, execution: Execution) -> None:
    assert execution.logs.stdout == [str(line) for line in range(1, number % 300 + 1)]
    assert (execution.stderr, execution.exit_code) == (f"{number}\n", number % 5)


async def many(execd: RunningDaemon, count: int) -> None:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        gate = asyncio.Semaphore(64)

        async def one(number: int) -> None:
            async with gate:
                check(number, await sandbox.commands.run(command(number), check=False))

        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(one(number))


async def test_runs_of_many_tasks_do_not_mix(execd: RunningDaemon) -> None:
    await many(execd, 200)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_thousands_of_runs_have_every_code_and_every_byte_right(execd: RunningDaemon) -> None:
    await many(execd, 3000)


def test_runs_of_many_threads_do_not_mix(execd: RunningDaemon) -> None:
    with (
        SandboxSync.connect(execd.url, access_token=execd.token) as sandbox,
        ThreadPoolExecutor(16) as pool,
    ):
        for number, execution in enumerate(
            pool.map(lambda number: sandbox.commands.run(command(number), check=False), range(100))
        ):
            check(number, execution)
