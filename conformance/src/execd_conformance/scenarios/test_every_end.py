"""How cells end in every language: by an interrupt, by their timeout, by the death of their kernel."""

from __future__ import annotations

import time

from execd_conformance.checks import Checks, scenario
from execd_conformance.languages import Language
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import cell, rest, says, started
from execd_conformance.scenarios.tongues import died, ended_by_interrupt, of, told

DEATH_S = 2.0
"""A kernel's death is told within one second; a busy machine gets as much again."""


@scenario(
    "code",
    "cell-interrupt.by-context",
    "cell-interrupt.busy",
    "cell-interrupt.sleep",
    "cell-interrupt.end",
    "cell-interrupt.state-kept",
    "cell-interrupt.stubborn",
    limit_s=90,
)
async def test_interrupts_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """A loop and a wait keep their state, code that heeds nothing does not."""
    async with of(raw, language) as one:
        await cell(raw, language.keeps("left"), one)
        for kind, code in (("busy", language.spins), ("sleep", language.sleeps(60))):
            ran, took = await ended_by_interrupt(raw, f"{language.says('begun')}\n{code}", one)
            checks.that(f"cell-interrupt.{kind}", took < 5, took)
            for requirement in ("cell-interrupt.end", "cell-interrupt.by-context"):
                checks.equal(requirement, (ran.end.type, *ran.cause), ("error", "interrupted", "INTERRUPTED"))
            checks.that("cell-interrupt.state-kept", ran.end.get("state_lost") is False, ran)
        checks.equal("cell-interrupt.state-kept", await told(raw, language.tells, one), "left")
        if language.stubborn is None:
            ran = await cell(raw, language.says("usable"), one)  # nothing is deaf there
            checks.equal("cell-interrupt.stubborn", (ran.stdout, ran.statuses), ("usable\n", []))
            return
        ran, _ = await ended_by_interrupt(raw, language.stubborn, one)
        checks.equal(
            "cell-interrupt.stubborn", (*ran.cause, ran.end.get("state_lost")), ("interrupted", "INTERRUPTED", True)
        )
        ran = await cell(raw, language.says("usable"), one)
        checks.equal("cell-interrupt.stubborn", (ran.stdout, ran.statuses), ("usable\n", ["restarted"]))


@scenario("code", "cell.timeout", "cell.timeout-state-kept", "cell.timeout-state-lost", limit_s=60)
async def test_timeouts_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """Code that heeds the interrupt of its timeout, and code that does not."""
    async with of(raw, language) as one:
        await cell(raw, language.keeps("left"), one)
        begun = time.monotonic()
        ran = await cell(raw, language.sleeps(60), one, timeout=500)
        took = time.monotonic() - begun
        checks.that("cell.timeout", 0.5 <= took < 10, took)
        checks.equal("cell.timeout", ran.cause, ("timed_out", "EXECUTION_TIMEOUT"))
        checks.that("cell.timeout-state-kept", ran.end.get("state_lost") is False, ran)
        checks.equal("cell.timeout-state-kept", await told(raw, language.tells, one), "left")
        if language.stubborn is None:
            checks.that("cell.timeout-state-lost", ran.end.get("state_lost") is False, ran)  # nothing is deaf there
            return
        ran = await cell(raw, language.stubborn, one, timeout=500)
        checks.equal("cell.timeout-state-lost", (ran.cause[0], ran.end.get("state_lost")), ("timed_out", True))
        checks.that("cell.timeout-state-lost", "left" not in (await cell(raw, language.tells, one)).stdout)


@scenario(
    "code",
    "kernel.death-told",
    "kernel.death-cause",
    "kernel.death-state-lost",
    "kernel.death-output",
    "kernel.stopped",
    "kernel.usable-after-death",
    "kernel.status-restarted",
    "kernel.restarted-once",
    limit_s=120,
)
async def test_deaths_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """Each way to die, directly after output: told soon, with the cause; the next run has a fresh kernel."""
    async with of(raw, language) as one:
        for code in (*language.dies, language.stops):
            await cell(raw, language.keeps("left"), one)
            ran, took = await died(raw, language, code, one)
            requirement = "kernel.stopped" if code == language.stops else "kernel.death-cause"
            checks.equal(requirement, (ran.end.type, *ran.cause), ("error", "kernel_died", "KERNEL_DIED"))
            checks.that("kernel.death-told", took < DEATH_S, (code, took))
            checks.that("kernel.death-state-lost", ran.end.get("state_lost") is True, ran)
            checks.equal("kernel.death-output", ran.stdout, "begun\n")
            ran = await cell(raw, language.says("usable"), one)
            checks.equal("kernel.usable-after-death", (ran.completed, ran.stdout), (True, "usable\n"))
            checks.equal("kernel.status-restarted", ran.statuses, ["restarted"])
            ran = await cell(raw, language.tells, one)
            checks.that("kernel.usable-after-death", "left" not in ran.stdout, ran)
            checks.equal("kernel.restarted-once", ran.statuses, [])


@scenario("code", "context.restart-ends-run", "end.state-lost", limit_s=90)
async def test_a_restart_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """A run that a restart meets loses its state, and says so."""
    async with of(raw, language) as one:
        async with started(raw, f"{language.says('begun')}\n{language.sleeps(5)}", one) as stream:
            await stream.until(says("begun"))
            await raw.request("POST", f"/code/contexts/{one}/restart", timeout_s=60)
            ran = await rest(stream)
        checks.equal("context.restart-ends-run", (ran.end.type, ran.cause[0]), ("error", "interrupted"))
        checks.that("end.state-lost", ran.end.get("state_lost") is True, ran)
