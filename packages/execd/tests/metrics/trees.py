"""Files of systems as they were found: containers and hosts, with either version of control groups.

The shape of version 1 was read in containers of Docker 20.10; version 2 follows the kernel's documentation.
"""

from __future__ import annotations

from pathlib import Path

Tree = dict[str, str]

PROC: Tree = {
    "/proc/meminfo": "MemTotal:    8388608 kB\nMemFree:  1048576 kB\nMemAvailable:    6291456 kB\nBuffers: 1024 kB\n"
    "Cached:  2047 kB\nSwapTotal:       2097152 kB\nSwapFree: 1048576 kB\nHugePages_Total:       0\n",
    "/proc/stat": "cpu  1000 200 300 50000 4000 5 15 0 0 0\ncpu0 500 100 150 25000 2000 2 8 0 0 0\nintr 5 0\nctxt 9\n",
    "/proc/net/dev": "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo\n"
    "    lo: 9999999    1000    0    0    0     0          0         0  9999999    1000    0    0    0     0       0\n"
    "  eth0: 1048576     700    0    0    0     0          0         0   524288     600    0    0    0     0       0\n"
    " wlan0:4294967296     1    0    0    0     0          0         0        5       1    0    0    0     0       0\n",
    "/proc/uptime": "5000.25 9000.00\n",
    "/proc/1/stat": "1 (tini (a) b) S 0 1 1 0 -1 4194560 1 1 0 0 0 0 0 0 20 0 1 0 140025 9 9 9\n",
    "/proc/loadavg": "0.50 0.40 0.30 2/345 999\n",
    "/proc/vmstat": "nr_free_pages 1\noom_kill 7\n",
}


def mounted(*lines: str) -> str:
    """Return `mountinfo` with some other mounts around `lines`."""
    others = [
        "22 27 0:21 / /proc rw,relatime - proc proc rw",
        "27 1 254:0 / / rw,relatime shared:1 master:2 - overlay overlay rw,lowerdir=/a:/b",
        r"40 27 254:0 /with\040space /mnt/with\040space rw - ext4 /dev/vda rw",
    ]
    return "\n".join([*others, *lines]) + "\n"


def under(directory: str, files: Tree) -> Tree:
    return {f"{directory}/{name}": text for name, text in files.items()}


GROUP_2: Tree = {
    "cgroup.procs": "1\n7\n",
    "cgroup.events": "populated 1\nfrozen 0\n",
    "cgroup.controllers": "cpuset cpu io memory pids\n",
    "memory.max": "536870912\n",
    "memory.current": "268435456\n",
    "memory.stat": "anon 100\nfile 83886080\nkernel 5\ninactive_anon 4\ninactive_file 67108864\nactive_file 3\n",
    "memory.events": "low 0\nhigh 0\nmax 12\noom 2\noom_kill 3\noom_group_kill 0\n",
    "memory.swap.current": "1048576\n",
    "cpu.max": "150000 100000\n",
    "cpu.stat": "usage_usec 5000000\nuser_usec 4000000\nnr_periods 42\nnr_throttled 40\nthrottled_usec 9\n",
    "cpuset.cpus.effective": "0-3,7\n",
    "pids.max": "128\n",
    "pids.current": "12\n",
}
UNLIMITED_2: Tree = {**GROUP_2, "memory.max": "max\n", "cpu.max": "max 100000\n", "pids.max": "max\n"}

CONTAINER_2: Tree = {
    **PROC,
    "/proc/self/cgroup": "0::/\n",
    "/proc/self/mountinfo": mounted("30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate"),
    **under("/sys/fs/cgroup", GROUP_2),
}
"""A container in a namespace of its own, which is the default of version 2."""

UNLIMITED_CONTAINER_2: Tree = {**CONTAINER_2, **under("/sys/fs/cgroup", UNLIMITED_2)}

_SLICE = "/sys/fs/cgroup/system.slice"
SERVICE_2: Tree = {
    **PROC,
    "/proc/self/cgroup": "0::/system.slice/execd.service\n",
    "/proc/self/mountinfo": mounted("30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw"),
    "/sys/fs/cgroup/cgroup.procs": "1\n",
    "/sys/fs/cgroup/cpu.stat": "usage_usec 99000000\n",
    **under(_SLICE, {**UNLIMITED_2, "memory.max": "1073741824\n", "memory.current": "700000000\n", "pids.max": "50\n"}),
    **under(f"{_SLICE}/execd.service", {**UNLIMITED_2, "cpu.max": "50000 100000\n"}),
}
"""A service of a host, limited partly by itself and partly by the slice above it."""

HOST_2: Tree = {
    **PROC,
    "/proc/self/cgroup": "0::/\n",
    "/proc/self/mountinfo": mounted("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"),
    "/sys/fs/cgroup/cgroup.procs": "1\n",
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "/sys/fs/cgroup/cpu.stat": "usage_usec 99000000\n",
    "/sys/fs/cgroup/memory.stat": "anon 100\nfile 83886080\n",
}
"""The true root: nothing is limited there, and little is counted."""

MEMORY_1: Tree = {
    "memory.limit_in_bytes": "536870912\n",
    "memory.usage_in_bytes": "268435456\n",
    "memory.stat": "cache 1\nrss 2\nhierarchical_memory_limit 536870912\nhierarchical_memsw_limit 536870912\n"
    "total_cache 83886080\ntotal_rss 5\ntotal_swap 1048576\ntotal_inactive_file 67108864\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "memory.failcnt": "0\n",
}
CPU_1: Tree = {
    "cpu.cfs_quota_us": "150000\n",
    "cpu.cfs_period_us": "100000\n",
    "cpu.stat": "nr_periods 42\nnr_throttled 40\nthrottled_time 9\n",
}
GROUPS_1: dict[str, Tree] = {
    "memory": MEMORY_1,
    "cpu": CPU_1,
    "cpuacct": {"cpuacct.usage": "5000000000\n"},
    "cpuset": {"cpuset.cpus": "0-3,7\n", "cpuset.effective_cpus": "0-3,7\n"},
    "pids": {"pids.max": "128\n", "pids.current": "12\n"},
}


def version_1(groups: dict[str, Tree], *, path: str, root: str, below: str = "") -> Tree:
    """Return a system where our path is said to be `path`, and the mounts show `root` (ours lies `below` it)."""
    lines = [f"{number}:{name}:{path}" for number, name in enumerate(groups, 2)]
    points = [
        f"3{at} 23 0:2{at} {root} /sys/fs/cgroup/{name} ro - cgroup cgroup rw,{name}" for at, name in enumerate(groups)
    ]
    files = {
        file: text
        for name, tree in groups.items()
        for file, text in under(f"/sys/fs/cgroup/{name}{below}", {**tree, "cgroup.procs": "1\n"}).items()
    }
    tops = {f"/sys/fs/cgroup/{name}/cgroup.procs": "1\n" for name in groups}
    own = {"/proc/self/cgroup": "\n".join([*lines, "1:name=systemd:/docker/c0ffee", "0::/", ""])}
    return {**PROC, **own, "/proc/self/mountinfo": mounted(*points), **tops, **files}


CONTAINER_1: Tree = version_1(GROUPS_1, path="/docker/c0ffee", root="/docker/c0ffee")
"""The default of version 1: the path is the host's, while the mount shows the container's own group as its root."""

PRIVATE_CONTAINER_1: Tree = version_1(GROUPS_1, path="/", root="/")
"""A container with `--cgroupns=private`."""

MOVED_CONTAINER_1: Tree = version_1(GROUPS_1, path="/../../other", root="/")
"""Ours lies outside of what is mounted: the mount is all there is."""

SERVICE_1: Tree = version_1(GROUPS_1, path="/jobs/one", root="/", below="/jobs/one")

UNLIMITED_CONTAINER_1: Tree = version_1(
    {
        **GROUPS_1,
        "memory": {
            **MEMORY_1,
            "memory.limit_in_bytes": "9223372036854771712\n",
            "memory.stat": MEMORY_1["memory.stat"].replace("536870912", "9223372036854771712"),
        },
        "cpu": {**CPU_1, "cpu.cfs_quota_us": "-1\n"},
        "pids": {"pids.max": "max\n", "pids.current": "12\n"},
    },
    path="/docker/c0ffee",
    root="/docker/c0ffee",
)

LIMITED_ABOVE_1: Tree = version_1(
    {**GROUPS_1, "memory": {**MEMORY_1, "memory.limit_in_bytes": "9223372036854771712\n"}},
    path="/kubepods/pod1/c0ffee",
    root="/kubepods/pod1/c0ffee",
)
"""The pod's limit stands above what the container sees; only `memory.stat` tells of it."""

HOST_1: Tree = {
    **version_1(GROUPS_1, path="/", root="/"),
    **{f"/sys/fs/cgroup/{name}/release_agent": "\n" for name in GROUPS_1},
}
"""The true roots, which have all these files too, but count something else."""

JOINT_1: Tree = {
    **PROC,
    "/proc/self/cgroup": "4:cpu,cpuacct:/docker/c0ffee\n3:memory:/docker/c0ffee\n0::/docker/c0ffee\n",
    "/proc/self/mountinfo": mounted(
        "31 23 0:21 /docker/c0ffee /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct",
        "32 23 0:22 /docker/c0ffee /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
        "33 23 0:23 /docker/c0ffee /sys/fs/cgroup/unified ro - cgroup2 cgroup rw",
    ),
    **under("/sys/fs/cgroup/cpu,cpuacct", {**CPU_1, **GROUPS_1["cpuacct"], "cgroup.procs": "1\n"}),
    **under("/sys/fs/cgroup/memory", {**MEMORY_1, "cgroup.procs": "1\n"}),
    **under("/sys/fs/cgroup/unified", {"cgroup.procs": "1\n", "cgroup.events": "populated 1\n"}),
}
"""Two controllers in one hierarchy, and a version 2 beside them that has none."""


def write(tree: Tree, root: Path) -> None:
    """Lay a tree down under `root`."""
    for name, text in tree.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
