"""What a container says of itself: its figures are its own, the engine finds it healthy, and it keeps no zombies."""

from __future__ import annotations

import asyncio
from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.scenarios.boxes import box
from execd_conformance.session import Session

ORPHANS = 40
ZOMBIES = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true"


@scenario(
    "container",
    "container.metrics-memory",
    "container.metrics-cpu",
    "container.metrics-pids",
    needs={"container"},
    limit_s=60,
)
async def test_the_figures_are_those_of_the_containers_limits(checks: Checks, target: Session) -> None:
    """Compare its figures with its limits, idle and under load."""
    limits: dict[str, Any] = {"mem_limit": "200m", "memswap_limit": "200m", "nano_cpus": 500_000_000, "pids_limit": 90}
    async with box(target, **limits) as mine:
        figures = (await mine.raw.request("GET", "/metrics")).json()
        checks.equal("container.metrics-memory", figures["mem_total_mib"], 200)
        checks.equal("container.metrics-cpu", figures["cpu_count"], 0.5)
        checks.equal("container.metrics-pids", figures["pids_limit"], 90)
        checks.that("container.metrics-pids", 0 < figures["pids"] < 90, figures)
        spinning = "timeout 20 sh -c 'while :; do :; done' & timeout 20 sh -c 'while :; do :; done'"
        holding = "head -c 60000000 /dev/zero | tail | sleep 1000"
        async with (
            mine.raw.stream("POST", "/command", json={"command": f"{holding} & {spinning}"}) as load,
            mine.raw.stream("GET", "/metrics/watch", params={"interval_ms": 500}) as watch,
        ):
            await load.until(lambda event: event.type == "init")
            # A busy machine may not give it all of its half.
            busy = await watch.until(lambda now: now.get("cpu_used_pct", 0) > 10, limit_s=15.0)
            full = await watch.until(lambda now: now.get("mem_used_mib", 0) > 60, limit_s=15.0)
        every = [event["cpu_used_pct"] for event in watch.events]
        checks.that("container.metrics-cpu", max(every) <= 100, every)
        checks.that("container.metrics-cpu", busy["cpu_count"] == 0.5, busy.raw)
        checks.that("container.metrics-memory", 60 < full["mem_used_mib"] < 200, full.raw)


@scenario("container", "container.healthy", needs={"container"}, limit_s=60)
async def test_the_engine_finds_it_healthy(checks: Checks, target: Session) -> None:
    """Wait for the engine's own health check."""
    # The image's own check, asked for more often.
    async with box(target, healthcheck={"interval": 1_000_000_000}) as mine:
        seen: list[str] = []
        async with asyncio.timeout(40):
            while seen[-1:] != ["healthy"]:
                await mine.raw.request("GET", "/ping")
                seen.append((await mine.state()).get("Health", {}).get("Status", "no check"))
                if seen[-1] in ("unhealthy", "no check"):
                    break
        checks.equal("container.healthy", seen[-1], "healthy")


@scenario("container", "container.orphans-reaped", needs={"container"}, limit_s=60)
async def test_orphans_of_commands_do_not_pile_up(checks: Checks, target: Session) -> None:
    """Leave many orphans to the first process."""
    async with box(target) as mine:
        orphans = f"i=0; while [ $i -lt {ORPHANS} ]; do i=$((i+1)); (setsid sh -c ':' &); done; echo done"
        for _ in range(3):
            ran = await mine.raw.run(orphans)
            checks.need(ran.stdout == "done\n", "orphans", ran.end)
        left = str(ORPHANS)
        async with asyncio.timeout(10):
            while left != "0":
                left = (await mine.raw.run(ZOMBIES)).stdout.strip()
        checks.equal("container.orphans-reaped", left, "0")
        after = await mine.raw.run("echo on")
        checks.equal("container.orphans-reaped", after.stdout, "on\n")
