"""What the sandbox uses, once and again and again, and whether it is so."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.laws import whole
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw

_BARE: Final = ("cpu_count", "cpu_used_pct", "mem_total_mib", "mem_used_mib", "timestamp")
_MORE: Final = (
    "mem_used_pct",
    "mem_cache_mib",
    "swap_used_mib",
    "disk_total_mib",
    "disk_used_mib",
    "net_rx_bytes",
    "net_tx_bytes",
    "pids",
    "oom_kills",
    "cpu_throttled_pct",
    "uptime_s",
)
_LIMITS: Final = """
    awk '/^MemTotal/ {printf "%.0f\\n", $2 * 1024}' /proc/meminfo
    for dir in / $(cut -d: -f3 /proc/self/cgroup); do
        while :; do
            cat /sys/fs/cgroup/$dir/memory.max /sys/fs/cgroup/memory/$dir/memory.limit_in_bytes
            [ "$dir" = / ] && break
            dir=$(dirname "$dir")
        done
    done 2>/dev/null
"""
"""All that may bound the memory: what the system has, and the limits of the groups on the way up."""
_QUOTAS: Final = """
    nproc --all; nproc
    for dir in / $(cut -d: -f3 /proc/self/cgroup); do
        while :; do
            awk '$1 != "max" {print $1 / $2}' /sys/fs/cgroup/$dir/cpu.max
            paste /sys/fs/cgroup/cpu/$dir/cpu.cfs_quota_us /sys/fs/cgroup/cpu/$dir/cpu.cfs_period_us |
                awk '$1 > 0 {print $1 / $2}'
            [ "$dir" = / ] && break
            dir=$(dirname "$dir")
        done
    done 2>/dev/null
"""
_COMPUTING: Final = "for i in 1 2 3 4; do timeout 2 sh -c 'while :; do :; done' & done; wait; times"
"""Computes for a while, and tells in the end how much it was: a busy machine gives it less."""
_HELD_MIB: Final = 128


async def _sample(raw: Raw) -> dict[str, Any]:
    reply = await raw.request("GET", "/metrics")
    told = reply.json()
    return dict(told) if isinstance(told, dict) else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _lacks(sample: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if not _is_number(sample.get(name)) or sample[name] < 0]


async def _numbers(raw: Raw, command: str) -> list[float]:
    said = (await raw.run(command)).stdout.split()
    return [float(each) for each in said if each.replace(".", "", 1).isdigit()]


@scenario(
    "metrics",
    "metrics.bare-fields",
    "metrics.timestamp",
    "metrics.cpu-count",
    "metrics.cpu-range",
    "metrics.mem-range",
    "metrics.mem-true",
    profiles=["compat"],
)
async def test_a_snapshot_is_true(checks: Checks, raw: Raw) -> None:
    """The fields that all clients know, beside what the sandbox itself can see."""
    reply = await raw.request("GET", "/metrics")
    checks.need(reply.status == 200, "metrics", reply)
    sample = reply.json()
    lacks = _lacks(sample, _BARE)
    checks.that("metrics.bare-fields", not lacks, (lacks, sample))
    checks.need(not lacks, "the bare fields", sample)
    now_ms = (await _numbers(raw, "date +%s%3N"))[0]
    at = sample["timestamp"]
    checks.that("metrics.timestamp", isinstance(at, int) and abs(at - now_ms) < 20_000, (at, now_ms))
    counts = await _numbers(raw, _QUOTAS)
    is_known = any(abs(sample["cpu_count"] - each) < 0.02 for each in counts)
    checks.that("metrics.cpu-count", is_known and 0 < sample["cpu_count"] <= counts[0], (sample["cpu_count"], counts))
    checks.that("metrics.cpu-range", 0 <= sample["cpu_used_pct"] <= 100, sample)
    total = sample["mem_total_mib"]
    checks.that("metrics.mem-range", 0 < sample["mem_used_mib"] <= total, sample)
    limits = [each / 2**20 for each in await _numbers(raw, _LIMITS)]
    is_known = any(abs(total - each) < each / 100 for each in limits)
    checks.that("metrics.mem-true", is_known and total <= limits[0] * 1.01, (total, limits))


@scenario(
    "metrics",
    "metrics.more-fields",
    "metrics.at-once",
    "metrics.fresh",
    "metrics.mem-percent",
    "metrics.disk",
    "metrics.net",
    "metrics.pids",
    "metrics.uptime",
)
async def test_a_snapshot_tells_more(checks: Checks, raw: Raw) -> None:
    """The fields beside those, and how soon it is answered."""
    begun = time.monotonic()
    first, *_, second = [await _sample(raw) for _ in range(10)]
    checks.that("metrics.at-once", time.monotonic() - begun < 5, time.monotonic() - begun)
    lacks = _lacks(second, _BARE + _MORE)
    checks.that("metrics.more-fields", not lacks, (lacks, second))
    checks.need(not lacks, "all fields", second)
    now_ms = (await _numbers(raw, "date +%s%3N"))[0]
    checks.that("metrics.fresh", abs(second["timestamp"] - now_ms) < 5000, (second["timestamp"], now_ms))
    share = 100 * second["mem_used_mib"] / second["mem_total_mib"]
    checks.that("metrics.mem-percent", abs(second["mem_used_pct"] - share) < 0.1, (second["mem_used_pct"], share))
    total, used = await _numbers(raw, "df -Pk . | awk 'NR == 2 {print $2 / 1024, $3 / 1024}'")
    checks.that("metrics.disk", abs(second["disk_total_mib"] - total) <= total / 50, (second, total))
    checks.that("metrics.disk", abs(second["disk_used_mib"] - used) <= total / 20, (second, used))
    for name in ("net_rx_bytes", "net_tx_bytes"):
        checks.that("metrics.net", second[name] >= first[name] and isinstance(second[name], int), (name, first, second))
    limit = second.get("pids_limit", second["pids"])
    checks.that("metrics.pids", isinstance(second["pids"], int) and 1 <= second["pids"] <= limit, second)
    checks.that("metrics.uptime", second["uptime_s"] >= first["uptime_s"] > 0, (first, second))


@scenario("metrics", "metrics.cpu-true", "metrics.mem-moves", "metrics.uptime", limit_s=60)
async def test_what_programs_use_is_seen(checks: Checks, raw: Raw) -> None:
    """A program that computes, and one that holds memory."""
    before = await _sample(raw)
    seen, used = await _computed(raw)
    checks.that("metrics.cpu-true", seen >= 0.4 * used > 0, (seen, used))
    rises = [await _rise_mib(raw)]
    while max(rises) < _HELD_MIB / 2 and len(rises) < 3:  # something else may have given back as much meanwhile
        rises.append(await _rise_mib(raw))
    checks.that("metrics.mem-moves", max(rises) >= _HELD_MIB / 2, rises)
    later = await _sample(raw)
    grown, passed = later["uptime_s"] - before["uptime_s"], (later["timestamp"] - before["timestamp"]) / 1000
    checks.that("metrics.uptime", abs(grown - passed) < 3, (grown, passed))


async def _computed(raw: Raw) -> tuple[float, float]:
    """Return how many processors the metrics saw in use, at most, and how many a program says that it used."""
    seen = [0.0]
    begun = time.monotonic()
    running = asyncio.create_task(raw.run(_COMPUTING, timeout_s=30))

    async def done() -> bool:
        sample = await _sample(raw)
        seen.append(sample["cpu_used_pct"] * sample["cpu_count"] / 100)
        return running.done()

    await eventually(done, limit_s=30)
    ran = await running
    parts = re.findall(r"(\d+)m([\d.]+)s", ran.stdout)
    took = sum(60 * int(minutes) + float(seconds) for minutes, seconds in parts)
    return max(seen), took / (time.monotonic() - begun)


async def _rise_mib(raw: Raw) -> float:
    """Return by how much the memory in use rises with a program that holds some."""
    before = (await _sample(raw))["mem_used_mib"]
    # What `tail` has to give, nobody takes: it holds it.
    holding = f"head -c {_HELD_MIB}M /dev/zero | tail -c {_HELD_MIB}M | sleep 30"
    async with raw.stream("POST", "/command", json={"command": holding}) as stream:
        await stream.until(lambda event: event.type == "init")
        rises = [0.0]

        async def risen() -> bool:
            rises.append((await _sample(raw))["mem_used_mib"] - before)
            return rises[-1] >= _HELD_MIB / 2

        await eventually(risen, limit_s=6)
        await raw.request("DELETE", "/command", params={"id": stream.events[0].get("text")}, timeout_s=15)
    return max(rises)


@scenario(
    "metrics",
    "metrics.watch",
    "metrics.watch-bare-fields",
    "metrics.watch-first",
    "metrics.watch-default",
    profiles=["compat"],
)
async def test_samples_are_streamed(checks: Checks, raw: Raw) -> None:
    """Three samples, by default a second apart."""
    begun = time.monotonic()
    async with raw.stream("GET", "/metrics/watch") as stream:
        stream.need()
        samples = [await stream.until(lambda event: "cpu_count" in event.data, limit_s=5) for _ in range(3)]
        arrived = [each.arrived for each in samples]
        checks.that("metrics.watch-first", arrived[0] - begun < 0.9, arrived[0] - begun)
        span = (samples[2]["timestamp"] - samples[0]["timestamp"]) / 1000
        checks.that("metrics.watch-default", 1.2 <= span <= 4 and 1.2 <= arrived[2] - arrived[0] <= 4, (span, arrived))
    for each in samples:
        checks.that("metrics.watch-bare-fields", not _lacks(each.data, _BARE), each.raw)
        checks.that(
            "metrics.watch",
            0 <= each["cpu_used_pct"] <= 100 and each["mem_used_mib"] <= each["mem_total_mib"],
            each.raw,
        )


@scenario(
    "metrics",
    "metrics.watch",
    "metrics.watch-interval",
    "metrics.watch-no-number",
    "metrics.watch-leave",
    "metrics.watch-invalid",
    "metrics.net",
    "stream.content-type",
    "stream.endless-stays",
    "error.invalid-query",
)
async def test_samples_come_as_often_as_asked(checks: Checks, raw: Raw) -> None:
    """Ten samples at an interval, two watchers with different ones, and intervals that are none."""
    async with (
        raw.stream("GET", "/metrics/watch?interval_ms=200") as quick,
        raw.stream("GET", "/metrics/watch?interval_ms=60000") as slow,
    ):
        checks.equal(
            "stream.content-type", quick.headers.get("content-type", "").partition(";")[0], "text/event-stream"
        )
        await slow.until(lambda event: event.type == "metrics", limit_s=5)
        samples = [await quick.until(lambda event: event.type == "metrics", limit_s=5) for _ in range(11)]
        arrived = samples[10].arrived - samples[0].arrived
        checks.that("metrics.watch-interval", 1.5 <= arrived <= 6, arrived)
        stamps = [each["timestamp"] for each in samples]
        checks.that("metrics.watch-interval", stamps == sorted(stamps) and len(set(stamps)) > 5, stamps)
        for each in samples:
            lacks = _lacks(each.data, _BARE + _MORE)
            checks.that("metrics.watch", each["type"] == "metrics" and not lacks, (lacks, each.raw))
            checks.that("metrics.watch-no-number", each.number is None and "id" not in each.fields, each)
        for name in ("net_rx_bytes", "net_tx_bytes", "uptime_s"):
            told = [each[name] for each in samples]
            checks.that("metrics.net", told == sorted(told), told)
        for requirement in ("metrics.watch-leave", "stream.endless-stays"):
            checks.that(requirement, not any(event.is_terminal for event in quick.events), quick.events[-1].raw)
        await quick.leave()
        checks.equal("metrics.watch-leave", (await raw.request("GET", "/metrics")).status, 200)
    for interval in ("x", "0", "-1", "50", "1.5", "1e3", "٣٠٠", "86400001"):
        refused = await raw.request("GET", "/metrics/watch", params={"interval_ms": interval}, timeout_s=5)
        for requirement in ("metrics.watch-invalid", "error.invalid-query"):
            checks.equal(requirement, (interval, refused.status, refused.code), (interval, 400, "INVALID_QUERY"))


@scenario("metrics", "metrics.watch-shutdown", "stream.endless-ends", needs=["start"])
async def test_a_watch_ends_with_the_daemon(checks: Checks, daemons: Daemons) -> None:
    """A daemon that is asked to go while somebody watches."""
    async with daemons() as other, other.raw.stream("GET", "/metrics/watch") as stream:
        await stream.until(lambda event: event.type == "metrics")
        await other.terminate()
        events = await whole(stream)
        for requirement in ("metrics.watch-shutdown", "stream.endless-ends"):
            last = events[-1] if events else stream.events[-1]
            checks.that(requirement, last.type == "error" and last.get("code") == "SHUTTING_DOWN", last.raw)
            checks.that(requirement, stream.clean_end, stream.cut)
