"""How cells are stopped: by an interrupt, by their timeout, by the death of their kernel."""

from __future__ import annotations

import shlex
import time

import pytest

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import are_gone
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import Cell, cell, context, interrupt, rest, says, started, value

_STUBBORN = """
    import time
    print("begun", flush=True)
    while True:
        try:
            while True: time.sleep(0.01)
        except BaseException: pass
"""


@scenario(
    "code",
    "cell-interrupt.by-context",
    "cell-interrupt.by-run",
    "cell-interrupt.busy",
    "cell-interrupt.sleep",
    "cell-interrupt.idle",
    "cell-interrupt.state-kept",
    "cell-interrupt.unknown",
    "stream.terminal-once",
    profiles=["compat"],
)
async def test_an_interrupt_ends_a_cell(checks: Checks, raw: Raw, unique: str) -> None:
    """A loop and a sleep, by the id of the context and of the run; an idle context; nothing."""
    async with context(raw) as one:
        checks.equal("cell-interrupt.idle", (await interrupt(raw, one)).status, 200)
        await cell(raw, "x = 1\nimport time", one)
        for kind, code in (("busy", "while True: pass"), ("sleep", "time.sleep(60)")):
            for by in ("context", "run"):
                ran, took = await _interrupted(raw, one, code, by)
                ends = [kind for kind in ran.types if kind in {"error", "execution_complete"}]
                checks.equal("stream.terminal-once", ends, ["error"])
                for requirement in (f"cell-interrupt.{kind}", f"cell-interrupt.by-{by}"):
                    checks.that(requirement, ran.end.type == "error" and took < 5, (took, ran))
        checks.equal("cell-interrupt.state-kept", (await cell(raw, "x", one)).value, "1")
        unknown = await interrupt(raw, unique)
        checks.equal("cell-interrupt.unknown", unknown.status, 404)
        missing = await raw.request("DELETE", "/code")
        checks.equal("cell-interrupt.unknown", missing.status, 400)
        checks.equal("cell-interrupt.idle", (await interrupt(raw, one)).status, 200)


async def _interrupted(raw: Raw, one: str, code: str, by: str) -> tuple[Cell, float]:
    async with started(raw, f"print('begun', flush=True)\n{code}", one) as stream:
        await stream.until(says("begun"))
        begun = time.monotonic()
        await interrupt(raw, one if by == "context" else str(stream.events[0].get("text")))
        ran = await rest(stream)
        return ran, time.monotonic() - begun


@scenario(
    "code",
    "cell-interrupt.end",
    "cell-interrupt.state-kept",
    "cell-interrupt.stubborn",
    "cell-interrupt.answered-after-end",
    "cell-interrupt.unknown",
    "error.missing-query",
    features=["replay"],
    limit_s=60,
)
async def test_the_end_that_an_interrupt_makes(checks: Checks, raw: Raw, unique: str) -> None:
    """Its fields; code that heeds the interrupt, catches it, or will not stop."""
    async with context(raw) as one:
        await cell(raw, "x = 1\nimport time", one)
        for code in ("while True: pass", "try: time.sleep(60)\nexcept KeyboardInterrupt: print('caught')"):
            ran, _ = await _interrupted(raw, one, code, "run")
            checks.equal("cell-interrupt.end", (ran.end.type, *ran.cause), ("error", "interrupted", "INTERRUPTED"))
            checks.that("cell-interrupt.state-kept", ran.end.get("state_lost") is False, ran.end.raw)
        checks.equal("cell-interrupt.state-kept", (await cell(raw, "x", one)).value, "1")
        async with started(raw, _STUBBORN, one) as stream:
            await stream.until(says("begun"))
            reply = await interrupt(raw, one)
            told = (await raw.request("GET", f"/executions/{stream.events[0].get('text')}")).json()
            checks.that("cell-interrupt.answered-after-end", reply.status == 200 and told.get("running") is False, told)
            ran = await rest(stream)
        checks.equal(
            "cell-interrupt.stubborn", (*ran.cause, ran.end.get("state_lost")), ("interrupted", "INTERRUPTED", True)
        )
        checks.that("cell-interrupt.stubborn", await value(raw, "'x' in globals()", one) is False)
    unknown = await interrupt(raw, unique)
    checks.equal("cell-interrupt.unknown", (unknown.status, unknown.code), (404, "CONTEXT_NOT_FOUND"))
    missing = await raw.request("DELETE", "/code")
    for requirement in ("cell-interrupt.unknown", "error.missing-query"):
        checks.equal(requirement, (missing.status, missing.code), (400, "MISSING_QUERY"))


@scenario(
    "code", "cell.timeout", "cell.timeout-state-kept", "cell.timeout-state-lost", "cell.timeout-in-line", limit_s=60
)
async def test_a_cell_at_its_timeout(checks: Checks, raw: Raw) -> None:
    """Code that heeds the interrupt, code that does not, and time in line."""
    async with context(raw) as one:
        await cell(raw, "x = 1\nimport time", one)
        begun = time.monotonic()
        ran = await cell(raw, "print('begun', flush=True)\ntime.sleep(60)", one, timeout=800)
        took = time.monotonic() - begun
        checks.equal("cell.timeout", (ran.end.type, *ran.cause), ("error", "timed_out", "EXECUTION_TIMEOUT"))
        checks.that("cell.timeout", ran.stdout == "begun\n" and 0.8 <= took < 6, (took, ran))
        checks.that("cell.timeout-state-kept", ran.end.get("state_lost") is False, ran.end.raw)
        checks.equal("cell.timeout-state-kept", (await cell(raw, "x", one)).value, "1")
        async with started(raw, "print('begun', flush=True)\ntime.sleep(1.2)\n2", one) as stream:
            await stream.until(says("begun"))
            waiting = await cell(raw, "3", one, timeout=1000)
            checks.equal("cell.timeout-in-line", ((await rest(stream)).value, waiting.value), ("2", "3"))
        begun = time.monotonic()
        ran = await cell(raw, _STUBBORN, one, timeout=300)
        took = time.monotonic() - begun
        checks.equal("cell.timeout", ran.cause, ("timed_out", "EXECUTION_TIMEOUT"))
        checks.that(
            "cell.timeout-state-lost", ran.end.get("state_lost") is True and 2.3 <= took < 8, (took, ran.end.raw)
        )
        after = await cell(raw, "'x' in globals()", one)
        checks.equal("cell.timeout-state-lost", after.value, "False")


_DEATHS = {
    "a SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "a fault": "import ctypes; ctypes.string_at(0)",
    "an exit": "os._exit(3)",
    "an exit as if all were well": "os._exit(0)",
}


@scenario(
    "code",
    "kernel.death-told",
    "kernel.death-cause",
    "kernel.death-state-lost",
    "kernel.death-output",
    "kernel.usable-after-death",
    "kernel.status-restarted",
    "kernel.restarted-once",
    "end.kernel-died",
    "end.state-lost",
    "event.status",
    limit_s=60,
)
@pytest.mark.parametrize("death", _DEATHS)
async def test_a_kernel_that_dies_in_a_cell(checks: Checks, raw: Raw, folder: str, death: str) -> None:
    """However it dies, its run is told, and the context goes on."""
    async with context(raw, cwd=folder, envs={"COLOUR": "red"}) as one:
        await cell(raw, "import os, signal, time\nx = 1", one)
        code = f"""
            print("before", flush=True)
            while not os.path.exists("now"): time.sleep(0.001)
            time.sleep(0.05)
            {_DEATHS[death]}
        """
        async with started(raw, code, one) as stream:
            await stream.until(says("before"))
            await raw.run(f"touch {shlex.quote(folder)}/now")
            begun = time.monotonic()
            ran = await rest(stream)
        took = time.monotonic() - begun
        checks.that("kernel.death-told", ran.end.type == "error" and took < 2, (took, ran))
        for requirement in ("kernel.death-cause", "end.kernel-died"):
            checks.equal(requirement, ran.cause, ("kernel_died", "KERNEL_DIED"))
        for requirement in ("kernel.death-state-lost", "end.state-lost"):
            checks.that(requirement, ran.end.get("state_lost") is True, ran.end.raw)
        checks.equal("kernel.death-output", ran.stdout, "before\n")
        fresh = await cell(raw, "import os; print(os.getcwd(), os.environ['COLOUR'], 'x' in globals())", one)
        checks.equal("kernel.usable-after-death", fresh.stdout, f"{folder} red False\n")
        for requirement in ("kernel.status-restarted", "event.status"):
            checks.equal(requirement, (fresh.types[:2], fresh.statuses[:1]), (["init", "status"], ["restarted"]))
        later = await cell(raw, "1", one)
        checks.equal("kernel.restarted-once", (later.statuses, later.value), ([], "1"))


@scenario(
    "code",
    "kernel.death-while-idle",
    "kernel.status-restarted",
    "kernel.usable-after-death",
    "kernel.death-told",
    limit_s=60,
)
async def test_a_kernel_that_is_killed_from_outside(checks: Checks, raw: Raw) -> None:
    """A kernel that dies between runs, and with a run in it and another in line."""
    async with context(raw) as one:
        pid = (await cell(raw, "import os; x = 1; print(os.getpid())", one)).stdout.strip()
        await raw.run(f"kill -9 {pid}")
        checks.need(await are_gone(raw, pid), "the kernel is gone", pid)
        ran = await cell(raw, "import os; print(os.getpid(), 'x' in globals())", one)
        checks.that("kernel.death-while-idle", ran.completed and ran.stdout.endswith(" False\n"), ran)
        checks.equal("kernel.status-restarted", ran.statuses[:1], ["restarted"])
        pid = ran.stdout.split()[0]
        async with started(raw, "print('begun', flush=True)\nwhile True: pass", one) as stream:
            await stream.until(says("begun"))
            async with started(raw, "'next'", one) as waiting:
                await waiting.until(lambda event: event.get("text") == "queued")
                begun = time.monotonic()
                await raw.run(f"kill -9 {pid}")
                ran = await rest(stream)
                checks.that("kernel.death-told", ran.cause[0] == "kernel_died" and time.monotonic() - begun < 3, ran)
                checks.equal("kernel.usable-after-death", (await rest(waiting)).value, "'next'")


@scenario("code", "cell.client-leaves", "queue.abandoned-frees", "cell.detached", features=["disconnect", "replay"])
async def test_a_client_that_leaves_its_cell(checks: Checks, raw: Raw) -> None:
    """A cell that is stopped when its reader's grace is over, and one that goes on."""
    async with context(raw) as one:
        await cell(raw, "import time; x = 1", one)
        code = "print('begun', flush=True)\ntime.sleep(60)"
        async with started(raw, code, one, disconnect_grace_ms=100) as stream:
            await stream.until(says("begun"))
            left = str(stream.events[0].get("text"))
            await stream.leave()
        begun = time.monotonic()
        ran = await cell(raw, "x", one)
        checks.that("queue.abandoned-frees", ran.value == "1" and time.monotonic() - begun < 10, ran)
        told = Cell(await raw.events("GET", f"/executions/{left}/events"))
        checks.equal("cell.client-leaves", told.cause, ("cancelled", "CANCELLED"))
        code = "print('begun', flush=True)\ntime.sleep(0.6)\nx = 2"
        async with started(raw, code, one, on_disconnect="detach", disconnect_grace_ms=0) as stream:
            await stream.until(says("begun"))
            left = str(stream.events[0].get("text"))
            await stream.leave()
        told = Cell(await raw.events("GET", f"/executions/{left}/events"))
        checks.equal("cell.detached", (told.cause[0], (await cell(raw, "x", one)).value), ("completed", "2"))


@scenario("code", "cell.client-leaves", profiles=["compat"])
async def test_a_context_goes_on_without_its_client(checks: Checks, raw: Raw) -> None:
    """A client that leaves in mid-cell does not spoil the context for the next one."""
    async with context(raw) as one:
        await cell(raw, "import time; x = 1", one)
        async with started(raw, "print('begun', flush=True)\ntime.sleep(60)", one) as stream:
            await stream.until(says("begun"))
            await stream.leave()

        async def free() -> bool:
            await interrupt(raw, one)
            return bool((await cell(raw, "x", one)).value == "1")

        checks.that("cell.client-leaves", await eventually(free, limit_s=10))
