"""What programs in every language stand on: the library, functions and types, errors that say where, room and speed."""

from __future__ import annotations

import re
import time
from statistics import median

from execd_conformance.checks import Checks, scenario
from execd_conformance.languages import Failure, Language
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import Cell, cell, interrupt, rest, says, started
from execd_conformance.scenarios.tongues import of, told

CELLS = 50
GROWTH_KB = 48 * 1024
"""What fifty cells may leave behind: compiled code that stays, and what collectors have not looked at."""
START_S = 5.0
WARM_S = 1.0


@scenario("code", "cell.library", "cell.definitions", "cell.redefinition", limit_s=60)
async def test_programs_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """The standard library; functions and types across cells, and what a new function of the same name changes."""
    async with of(raw, language) as one:
        code, printed = language.library
        checks.equal("cell.library", (await cell(raw, code, one)).stdout.strip(), printed.strip())
        for each in language.defines:
            ran = await cell(raw, each, one)
            checks.that("cell.definitions", ran.completed, ran)
        code, printed = language.uses
        checks.equal("cell.definitions", (await cell(raw, code, one)).stdout, printed)
        again, other = language.redefines
        ran = await cell(raw, again, one)
        checks.that("cell.redefinition", ran.completed, ran)
        checks.equal("cell.redefinition", (await cell(raw, code, one)).stdout, other)


@scenario("code", "cell.error-place", "cell.error-message", "cell.error-name", "cell.unreadable-runs-not", limit_s=60)
async def test_errors_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """Name, message and line of an error that code runs into, and of one that is in the code; both again later on."""
    async with of(raw, language) as one:
        for failure in (language.raises, language.unreadable, language.raises):
            ran = await cell(raw, failure.code, one)
            checks.equal("cell.error-name", (ran.end.type, ran.error.get("ename")), ("error", failure.name))
            checks.that("cell.error-message", failure.says in _words(ran), ran)
            checks.that("cell.error-place", _names(ran, failure), ran)
            if failure is language.unreadable and language.name != "bash":  # a shell reads line by line
                checks.equal("cell.unreadable-runs-not", ran.stdout, "")
        checks.that("cell.unreadable-runs-not", (await cell(raw, language.says("usable"), one)).completed)


def _words(ran: Cell) -> str:
    traceback = ran.error.get("traceback")
    return "\n".join([str(ran.error.get("evalue")), *map(str, traceback or []), ran.stderr])


def _names(ran: Cell, failure: Failure) -> bool:
    if failure.line is None:
        return True
    return re.search(rf"(?:\bline |[:(]|^){failure.line}\b", _words(ran), re.MULTILINE) is not None


@scenario("code", "cell.live", "cell-interrupt.state-kept", "cell-interrupt.promptly", limit_s=60)
async def test_a_loop_that_speaks_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """What a loop prints comes while it runs; interrupted, it is gone soon, and what was kept is there."""
    async with of(raw, language) as one:
        await cell(raw, language.keeps("left"), one)
        async with started(raw, language.ticks, one) as stream:
            for _ in range(3):
                checks.that("cell.live", await stream.until(says("tick")))
            asked = time.monotonic()
            await interrupt(raw, one)
            ran = await rest(stream)
            took = time.monotonic() - asked
        checks.equal("cell.live", ran.cause[0], "interrupted")
        checks.that("cell-interrupt.promptly", took < WARM_S, took)
        ran = await cell(raw, language.tells, one)
        checks.equal("cell-interrupt.state-kept", (ran.stdout, ran.statuses), ("left\n", []))


@scenario("code", "cell.steady", limit_s=90)
async def test_fifty_cells_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """As many again as it takes to get warm: the kernel has not grown, and is not slower."""
    async with of(raw, language) as one:
        fast = await _took(raw, language, one, CELLS // 2)
        before = _resident_kb(await told(raw, language.weighs, one))
        late = await _took(raw, language, one, CELLS)
        after = _resident_kb(await told(raw, language.weighs, one))
        checks.that("cell.steady", before > 0 and after - before < GROWTH_KB, f"from {before} to {after} kB")
        checks.that("cell.steady", median(late[-10:]) < 3 * median(fast[-10:]) + 0.1, (fast[-10:], late[-10:]))
        checks.that("cell.steady", after > 0, f"{after - before} kB more after {CELLS} cells")


async def _took(raw: Raw, language: Language, one: str, number: int) -> list[float]:
    """Run so many cells that each print and keep something; return the seconds of each."""
    took = []
    for each in range(number):
        begun = time.monotonic()
        await cell(raw, f"{language.keeps(f'x{each}')}\n{language.counts(3)}", one)
        took.append(time.monotonic() - begun)
    return took


def _resident_kb(status: str) -> int:
    found = re.search(r"VmRSS:\s*(\d+) kB", status)
    return int(found[1]) if found else 0


@scenario("code", "cell.time", limit_s=90)
async def test_speed_in_every_language(checks: Checks, raw: Raw, language: Language) -> None:
    """From nothing to the end of a first cell, and a cell of next to nothing; the report shows both."""
    starts, warm = [], []
    for _ in range(3):
        begun = time.monotonic()
        async with of(raw, language) as one:
            await cell(raw, language.says("first"), one)
            starts.append(time.monotonic() - begun)
            for _ in range(10):
                begun = time.monotonic()
                await cell(raw, language.says("again"), one)
                warm.append(time.monotonic() - begun)
    first, again = median(starts), median(warm)
    bare = language.bare
    told_ms = f"first cell after {first * 1000:.0f} ms, a warm one takes {again * 1000:.1f} ms"
    checks.that(
        "cell.time",
        first < START_S and again < WARM_S,
        f"{told_ms} ({bare.kernel} by itself: starts in {bare.start_ms:.0f} ms, {bare.warm_ms:.1f} ms)",
    )
