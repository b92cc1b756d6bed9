"""Control groups, version 2 and version 1: where ours are, what they allow, and what is used. Sans-IO.

Reading is handed in. A limit may stand anywhere between our own group and the top of what we see; the tightest one
binds, and what counts against it is the use of the group that it stands on. The true root of a hierarchy limits and
counts nothing: that is the host's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from execd.metrics.procfs import Mount, mounts, numbers

Read = Callable[[str], str | None]
"""A file's text, None where there is none."""
Controller = Literal["memory", "cpu", "cpuacct", "cpuset", "pids"]
CONTROLLERS: Final[tuple[Controller, ...]] = ("memory", "cpu", "cpuacct", "cpuset", "pids")
N = TypeVar("N", int, float)
_UNLIMITED: Final = 2**62
"""Version 1 has no word for it but a number of this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Our group in one hierarchy: its directory, and those above it, as far up as is seen."""

    version: Literal[1, 2]
    chain: tuple[str, ...]

    @property
    def own(self) -> str:
        """Our own directory."""
        return self.chain[0]


Groups = dict[Controller, Group]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes; None where there is no limit."""

    limit: int | None
    used: int
    cache: int
    swap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """Processors that a quota allows, and counters: nanoseconds used, periods, and those in which it held us up.

    Without a quota, or a group that counts, None.
    """

    quota: float | None
    used_ns: int | None
    periods: int
    throttled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pids:
    """Processes and threads."""

    limit: int | None
    used: int


# ── where ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def locate(read: Read) -> Groups:
    """Return our group for every controller that counts for us; the true roots are left out."""
    return {name: group for name, group in places(read).items() if not _is_true_root(group, read)}


def places(read: Read) -> Groups:
    """Return our group for every controller there is: where groups below ours can be made."""
    paths = dict(_paths(read("/proc/self/cgroup")))
    mounted = mounts(read("/proc/self/mountinfo"))
    found: Groups = {}
    for controller in CONTROLLERS:
        group = _group(controller, paths, mounted, read)
        if group is not None:
            found[controller] = group
    return found


def _paths(text: str | None) -> Iterator[tuple[str, str]]:
    """Yield controller (empty for version 2) and path of every line of `/proc/self/cgroup`."""
    for line in (text or "").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        for name in names.split(","):
            yield name, path


def _group(controller: Controller, paths: dict[str, str], mounted: list[Mount], read: Read) -> Group | None:
    if controller in paths:
        hits = [mount for mount in mounted if mount.kind == "cgroup" and controller in mount.options]
        chain = _chain(paths[controller], hits, read)
        return Group(version=1, chain=chain) if chain else None
    hits = [mount for mount in mounted if mount.kind == "cgroup2"]
    chain = _chain(paths.get("", "/"), hits, read)
    return Group(version=2, chain=chain) if chain else None


def _is_true_root(group: Group, read: Read) -> bool:
    """Whether it is the top of its hierarchy; what a namespace shows as a root is not."""
    if group.version == 1:
        return read(f"{group.own}/release_agent") is not None  # Only a true root has this file,
    return read(f"{group.own}/cgroup.events") is None  # and lacks this one.


def _chain(path: str, mounted: list[Mount], read: Read) -> tuple[str, ...]:
    """Return our directory and those above it, up to where the hierarchy is mounted; empty if it is mounted nowhere.

    Version 1 in a container shows the host's path, while the mount shows the container's group as its root.
    """
    for mount in mounted:
        inside = _below(path, mount.root)
        steps = [step for step in inside.split("/") if step]
        if ".." in steps or read("/".join([mount.point, *steps, "cgroup.procs"])) is None:
            steps = []
        if read("/".join([mount.point, *steps, "cgroup.procs"])) is not None:
            return tuple("/".join([mount.point, *steps[:depth]]) for depth in range(len(steps), -1, -1))
    return ()


def _below(path: str, root: str) -> str:
    if root == "/":
        return path
    return path.removeprefix(root) if path == root or path.startswith(f"{root}/") else ""


# ── how much ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def memory(groups: Groups, read: Read) -> Memory | None:
    """Return limit and use of memory, None without a group for it."""
    group = groups.get("memory")
    if group is None:
        return None
    names = _MEMORY[group.version]
    limit, at = _tightest(group, lambda at: _whole(read(f"{at}/{names.limit}")))
    used = _whole(read(f"{at}/{names.used}"))
    if used is None:
        return None
    table = numbers(read(f"{at}/memory.stat"))
    # Version 1 also tells of limits above what we see.
    above = table.get("hierarchical_memory_limit", _UNLIMITED)
    if above < (limit or _UNLIMITED):
        limit = above
    # What the kernel would give up first is no use that counts; so `docker stats` reckons too.
    reclaimable = table.get(names.inactive, 0)
    return Memory(
        limit=limit,
        used=max(0, used - reclaimable),
        cache=table.get(names.cache, 0),
        swap=_swap(group, at, table, read),
    )


@dataclass(frozen=True, slots=True)
class _Names:
    limit: str
    used: str
    inactive: str
    cache: str


_MEMORY: Final = {
    2: _Names("memory.max", "memory.current", "inactive_file", "file"),
    1: _Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "total_cache"),
}


def _swap(group: Group, at: str, table: dict[str, int], read: Read) -> int:
    if group.version == 2:
        return _whole(read(f"{at}/memory.swap.current")) or 0
    return table.get("total_swap", 0)


def kills(groups: Groups, read: Read) -> int | None:
    """Return how many processes of ours the memory controller has killed, None without a group for it."""
    group = groups.get("memory")
    if group is None:
        return None
    name = "memory.events" if group.version == 2 else "memory.oom_control"
    return numbers(read(f"{group.own}/{name}")).get("oom_kill")


def cpu(groups: Groups, read: Read) -> Cpu:
    """Return quota and use of processors."""
    group = groups.get("cpu")
    if group is None:
        return Cpu(quota=None, used_ns=_accounted(groups, read), periods=0, throttled=0)
    quota, at = _tightest(group, lambda at: _quota(group, at, read))
    table = numbers(read(f"{at}/cpu.stat"))
    used_us = table.get("usage_usec")
    return Cpu(
        quota=quota,
        used_ns=_accounted(groups, read) if used_us is None else used_us * 1000,
        periods=table.get("nr_periods", 0),
        throttled=table.get("nr_throttled", 0),
    )


def _quota(group: Group, at: str, read: Read) -> float | None:
    if group.version == 2:
        words = (read(f"{at}/cpu.max") or "").split()
    else:
        words = [read(f"{at}/cpu.cfs_quota_us") or "", read(f"{at}/cpu.cfs_period_us") or ""]
    quota, period = (_whole(word) for word in [*words, "", ""][:2])
    return quota / period if quota and period else None


def _accounted(groups: Groups, read: Read) -> int | None:
    group = groups.get("cpuacct")
    return _whole(read(f"{group.own}/cpuacct.usage")) if group else None


def cpuset(groups: Groups, read: Read) -> int | None:
    """Return how many processors our group is pinned to, None if that is not said."""
    group = groups.get("cpuset")
    if group is None:
        return None
    names = ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus")
    return next((size for name in names if (size := set_size(read(f"{group.own}/{name}")))), None)


def set_size(text: str | None) -> int:
    """Return how many numbers a list such as `0-3,7` holds."""
    total = 0
    for part in (text or "").strip().split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            total += max(0, int(last or first) - int(first) + 1)
    return total


def pids(groups: Groups, read: Read) -> Pids | None:
    """Return limit and number of processes and threads, None without a group for it."""
    group = groups.get("pids")
    if group is None:
        return None
    limit, at = _tightest(group, lambda at: _whole(read(f"{at}/pids.max")))
    used = _whole(read(f"{at}/pids.current"))
    return None if used is None else Pids(limit=limit, used=used)


def _tightest(group: Group, limit: Callable[[str], N | None]) -> tuple[N | None, str]:
    """Return the tightest limit of the chain and where it stands; no limit stands on our own group."""
    found = [(value, at) for at in group.chain if (value := limit(at)) is not None]
    return min(found, key=lambda pair: pair[0]) if found else (None, group.own)


def _whole(text: str | None) -> int | None:
    """Return a number; None for `max`, -1, nothing, and what is too large to be meant."""
    word = (text or "").strip()
    return int(word) if word.isdecimal() and int(word) < _UNLIMITED else None
