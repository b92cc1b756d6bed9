"""Kernels that stand ready before anybody asks: how many, and what contexts that get them must not notice."""

from __future__ import annotations

from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import cell, context, value

_PLACE = "[__import__('os').getcwd(), *map(__import__('os').environ.get, ('PWD', 'A'))]"
_CHANCE = "[__import__('random').random(), __import__('uuid').uuid4().hex, __import__('os').getpid(), len(In)]"


async def _python(raw: Raw) -> dict[str, Any]:
    told = (await raw.request("GET", "/code/languages")).json()
    return next((each for each in told if each.get("name") == "python"), {})


async def _is_ready(raw: Raw) -> bool:
    async def stands() -> bool:
        return (await _python(raw)).get("warm") == 1

    return await eventually(stands)


@scenario("code", "warm.none-by-default", "warm.setting", "warm.told", needs=["start"], limit_s=60)
async def test_as_many_kernels_stand_ready_as_were_asked_for(checks: Checks, daemons: Daemons) -> None:
    """A daemon that keeps none, one that keeps one, and settings that are none."""
    async with daemons(pool="") as plain, context(plain.raw):
        checks.equal("warm.none-by-default", (await _python(plain.raw)).get("warm"), 0)
    async with daemons(pool="py=1") as other:
        checks.that("warm.setting", await _is_ready(other.raw), await _python(other.raw))
        told = (await _python(other.raw)).get("warm_memory_bytes")
        checks.that("warm.told", isinstance(told, int) and 1 << 20 < told < 1 << 29, told)
    for wrong in ("python", "python=-1", "python=many", "cobol=1"):
        status, log = await daemons.refused(pool=wrong)
        checks.that("warm.setting", status == 2 and "--pool" in log, (wrong, status, log))


@scenario("code", "warm.own-surroundings", "warm.replaced", "warm.nothing-shared", needs=["start"], limit_s=60)
async def test_a_kernel_that_stood_ready_is_like_one_started_now(checks: Checks, daemons: Daemons, unique: str) -> None:
    """Contexts one after another, each with a kernel that has waited for it."""
    async with daemons(pool="python=1") as other:
        raw = other.raw
        drawn: list[list[Any]] = []
        for number in range(2):
            checks.that("warm.replaced", await _is_ready(raw), await _python(raw))
            where = f"/tmp/{unique}/{number}"
            async with context(raw, cwd=where, envs={"A": str(number)}) as one:
                checks.equal("warm.own-surroundings", await value(raw, _PLACE, one), [where, where, str(number)])
                drawn.append(await value(raw, _CHANCE, one))
        for first, second in zip(*(each[:3] for each in drawn), strict=True):
            checks.that("warm.nothing-shared", first != second, drawn)
        checks.equal("warm.nothing-shared", [each[3] for each in drawn], [3, 3])
        await raw.run(f"rm -r /tmp/{unique}")


@scenario("code", "warm.installed", "warm.fixed-variables", needs=["start"], limit_s=60)
async def test_what_has_changed_while_a_kernel_waited_is_there(checks: Checks, daemons: Daemons, unique: str) -> None:
    """A module that is read at every start, and variables that are."""
    folder = f"/tmp/{unique}"
    async with daemons(pool="python=1", envs=f"{folder}/env") as other:
        raw = other.raw
        await raw.run(f"mkdir {folder}; echo 'PYTHONPATH={folder}' > {folder}/env")
        await raw.run(f"echo 'import began' > {folder}/sitecustomize.py")
        for version in (1, 2):
            await raw.run(f"echo 'version = {version * 7}' > {folder}/began.py")
            async with context(raw) as one:
                ran = await cell(raw, "import began; print(began.version)", one)
                checks.equal("warm.installed", ran.stdout, f"{version * 7}\n")
            checks.need(await _is_ready(raw), "a kernel that stands ready", await _python(raw))
        async with context(raw, envs={"PYTHONHASHSEED": "0"}) as one:
            seen = await value(raw, "__import__('sys').flags.hash_randomization", one)
            checks.equal("warm.fixed-variables", seen, 0)
        await raw.run(f"rm -r {folder}")
