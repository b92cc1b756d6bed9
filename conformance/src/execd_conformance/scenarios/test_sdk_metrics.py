"""Metrics through the SDK, in both colours."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from execd_conformance.checks import Checks, scenario
from opensandbox import Sandbox


@scenario("sdk", "sdk-metrics.snapshot", "sdk-metrics.watch", profiles=("full", "compat"))
async def test_metrics_are_told(checks: Checks, sandbox: Sandbox) -> None:
    """A snapshot, and samples until the reader leaves."""
    seen = await sandbox.get_metrics()
    checks.that("sdk-metrics.snapshot", 0 < seen.memory_used_in_mib <= seen.memory_total_in_mib, seen)
    checks.that("sdk-metrics.snapshot", 0 <= seen.cpu_percent <= 100 and seen.cpu_count > 0, seen)
    share = 100 * seen.memory_used_in_mib / seen.memory_total_in_mib
    checks.that("sdk-metrics.snapshot", abs(seen.memory_percent - share) < 0.1, (seen.memory_percent, share))
    age = datetime.now(UTC) - seen.timestamp
    checks.that("sdk-metrics.snapshot", seen.timestamp.tzinfo is not None and abs(age) < timedelta(days=1), seen)
    begun, arrived, samples = time.monotonic(), [], []
    async for sample in sandbox.watch_metrics():
        arrived.append(time.monotonic() - begun)
        samples.append(sample)
        if len(samples) == 3:
            break
    checks.that("sdk-metrics.watch", len(arrived) == 3 and arrived[0] < 1.5 <= arrived[2] < 6, arrived)
    checks.that("sdk-metrics.watch", samples[0].timestamp < samples[2].timestamp, samples)
    checks.that("sdk-metrics.watch", (await sandbox.get_metrics()).cpu_count == seen.cpu_count)


@scenario("sdk", "sdk-metrics.more", "sdk-metrics.watch")
async def test_metrics_tell_more(checks: Checks, sandbox: Sandbox) -> None:
    """Disk, net and processes; another interval."""
    async for seen in sandbox.watch_metrics(interval=0.2):
        numbers = (
            seen.disk_total_in_mib,
            seen.disk_used_in_mib,
            seen.net_received_bytes,
            seen.net_sent_bytes,
            seen.pids,
            seen.uptime,
        )
        checks.that(
            "sdk-metrics.more", all(isinstance(number, int | float) and number >= 0 for number in numbers), seen
        )
        checks.that("sdk-metrics.watch", seen.timestamp.tzinfo is not None, seen)
        break
