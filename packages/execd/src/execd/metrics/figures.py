"""From readings to the figures of the wire: two sets of counters and the time between them. Sans-IO."""

from __future__ import annotations

from dataclasses import dataclass

from execd._wire import Metrics
from execd.metrics import cgroup, procfs
from execd.metrics.cgroup import Groups, Read

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the caller asked the system itself: usable processors, ticks per second, and a file system's bytes."""

    processors: int
    ticks_per_s: int
    disk_total: int
    disk_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What only grows; two of these make the figures of an interval. `at_ns` is of a clock that never jumps."""

    at_ns: int
    used_ns: int
    periods: int
    throttled: int


def counters(groups: Groups, read: Read, *, host: Host, at_ns: int) -> Counters:
    """Return the counters of this moment."""
    found = cgroup.cpu(groups, read)
    used_ns = found.used_ns
    if used_ns is None:
        used_ns = procfs.busy_ticks(read("/proc/stat")) * 1_000_000_000 // host.ticks_per_s
    return Counters(at_ns=at_ns, used_ns=used_ns, periods=found.periods, throttled=found.throttled)


def metrics(groups: Groups, read: Read, *, host: Host, before: Counters, now: Counters, timestamp_ms: int) -> Metrics:
    """Return all figures of this moment, those of an interval since `before`."""
    processors = _processors(groups, read, host)
    memory = _memory(groups, read)
    total = memory.limit or 0
    pids = cgroup.pids(groups, read)
    received, sent = procfs.traffic(read("/proc/net/dev"))
    return Metrics(
        cpu_count=round(float(processors), 3),
        cpu_used_pct=_share(now.used_ns - before.used_ns, (now.at_ns - before.at_ns) * processors),
        mem_total_mib=_mib(total),
        mem_used_mib=_mib(memory.used),
        timestamp=timestamp_ms,
        mem_used_pct=_share(memory.used, total),
        mem_cache_mib=_mib(memory.cache),
        swap_used_mib=_mib(memory.swap),
        disk_total_mib=_mib(host.disk_total),
        disk_used_mib=_mib(host.disk_used),
        net_rx_bytes=received,
        net_tx_bytes=sent,
        pids=pids.used if pids else procfs.threads(read("/proc/loadavg")),
        pids_limit=pids.limit if pids else None,
        oom_kills=kills(groups, read),
        cpu_throttled_pct=_share(now.throttled - before.throttled, now.periods - before.periods),
        uptime_s=procfs.uptime_s(read("/proc/uptime"), read("/proc/1/stat"), ticks_per_s=host.ticks_per_s),
    )


def kills(groups: Groups, read: Read) -> int:
    """Return how many processes have been killed for memory: of our group, else of the system."""
    found = cgroup.kills(groups, read)
    return procfs.numbers(read("/proc/vmstat")).get("oom_kill", 0) if found is None else found


def _processors(groups: Groups, read: Read, host: Host) -> float:
    return min(
        host.processors,
        cgroup.cpuset(groups, read) or host.processors,
        cgroup.cpu(groups, read).quota or host.processors,
    )


def _memory(groups: Groups, read: Read) -> cgroup.Memory:
    system = procfs.meminfo(read("/proc/meminfo"))
    total = system.get("MemTotal", 0)
    ours = cgroup.memory(groups, read)
    if ours is not None:
        # A limit beyond what there is limits nothing.
        return cgroup.Memory(limit=min(ours.limit or total, total), used=ours.used, cache=ours.cache, swap=ours.swap)
    return cgroup.Memory(
        limit=total,
        used=max(0, total - system.get("MemAvailable", total)),
        cache=system.get("Cached", 0) + system.get("Buffers", 0),
        swap=max(0, system.get("SwapTotal", 0) - system.get("SwapFree", 0)),
    )


def _mib(size: float) -> float:
    return round(size / MIB, 2)


def _share(part: float, whole: float) -> float:
    """Return a percentage within 0 and 100; counters of different moments may disagree by a little."""
    return round(min(100.0, max(0.0, 100.0 * part / whole)), 2) if whole > 0 else 0.0
