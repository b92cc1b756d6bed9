"""Runs of one context, one after another."""

from __future__ import annotations

import asyncio
import shlex

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import cell, context, interrupt, rest, says, started


@scenario("code", "queue.order", "queue.never-busy", profiles=["compat"], limit_s=60)
async def test_parallel_requests_of_one_context_wait(checks: Checks, raw: Raw) -> None:
    """Twenty requests at once: none is refused, each runs alone and once."""
    async with context(raw) as one:
        await cell(raw, "import time; log = []", one)

        async def run(number: int) -> bool:
            ran = await cell(raw, f"log.append({number})\ntime.sleep(0.01)\nlog.append({number})\n{number}", one)
            return bool(ran.completed and ran.value == str(number))

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(number)) for number in range(20)]
        checks.that("queue.never-busy", all(task.result() for task in tasks))
        alone = await cell(raw, "print(log[::2] == log[1::2], sorted(log[::2]) == list(range(20)))", one)
        checks.equal("queue.order", alone.stdout, "True True\n")


@scenario(
    "code",
    "queue.order",
    "queue.status",
    "queue.drop",
    "queue.interrupt-running",
    "queue.interrupted-frees",
    "event.status",
    features=["replay"],
)
async def test_runs_in_line(checks: Checks, raw: Raw, folder: str) -> None:
    """One runs, three wait: one of them is dropped, the running one interrupted, the rest go on in order."""
    async with context(raw, cwd=folder) as one:
        running = started(raw, "import time\nlog = []\nprint('begun', flush=True)\nwhile True: pass", one)
        async with running as first:
            await first.until(says("begun"))
            async with (
                started(raw, "log.append(2)", one) as second,
                started(raw, "open('ran', 'w'); log.append(3)", one) as third,
            ):
                for stream in (second, third):
                    told = await stream.until(lambda event: event.type == "status")
                    for requirement in ("queue.status", "event.status"):
                        checks.equal(requirement, (told.get("text"), len(stream.events)), ("queued", 2))
                async with started(raw, "log.append(4); print(log)", one) as fourth:
                    await fourth.until(lambda event: event.type == "status")
                    reply = await interrupt(raw, str(third.events[0].get("text")))
                    dropped = await rest(third)
                    checks.that(
                        "queue.drop", reply.status == 200 and dropped.cause == ("interrupted", "INTERRUPTED"), dropped
                    )
                    checks.that("queue.drop", "execution_count" not in dropped.types, dropped)
                    checks.equal(
                        "queue.interrupt-running",
                        len(first.events),
                        len([e for e in first.events if not e.is_terminal]),
                    )
                    await interrupt(raw, one)
                    stopped = await rest(first)
                    checks.equal("queue.interrupt-running", stopped.cause, ("interrupted", "INTERRUPTED"))
                    others = [await rest(second), await rest(fourth)]
        checks.equal("queue.interrupt-running", [ran.completed for ran in others], [True, True])
        checks.equal("queue.interrupted-frees", others[0].statuses, ["queued"])
        checks.equal("queue.order", others[1].stdout, "[2, 4]\n")
        checks.equal("queue.drop", (await raw.run(f"ls -A {shlex.quote(folder)}")).stdout, "")
