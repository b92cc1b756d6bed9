"""The texts of /proc: what is in them, and that nonsense counts as nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.metrics import procfs

from .trees import PROC, mounted


def test_memory_is_in_bytes() -> None:
    assert procfs.meminfo(PROC["/proc/meminfo"])["MemTotal"] == 8 * 1024**3


def test_busy_is_what_is_neither_idle_nor_waiting() -> None:
    assert procfs.busy_ticks(PROC["/proc/stat"]) == 1000 + 200 + 300 + 5 + 15


def test_traffic_is_that_of_every_interface_but_the_loopback() -> None:
    assert procfs.traffic(PROC["/proc/net/dev"]) == (1048576 + 4294967296, 524288 + 5)


def test_a_sandbox_is_as_old_as_its_first_process() -> None:
    uptime, init = PROC["/proc/uptime"], PROC["/proc/1/stat"]
    assert procfs.uptime_s(uptime, init, ticks_per_s=100) == 3600.0
    assert procfs.uptime_s(uptime, None, ticks_per_s=100) == 5000.25
    # A container whose clock is its own: its first process seems to be from the future.
    assert procfs.uptime_s("10.5 1.0", init, ticks_per_s=100) == 10.5


def test_threads_are_those_of_the_system() -> None:
    assert procfs.threads(PROC["/proc/loadavg"]) == 345


def test_mounts_are_told_with_their_options_and_plain_names() -> None:
    line = "31 23 0:21 /docker/c0 /sys/fs/cgroup/cpu ro,nosuid shared:1 master:2 - cgroup cgroup rw,cpu,cpuacct"
    found = {mount.point: mount for mount in procfs.mounts(mounted(line))}
    mount = found["/sys/fs/cgroup/cpu"]
    assert (mount.root, mount.kind) == ("/docker/c0", "cgroup")
    assert mount.options >= {"cpu", "cpuacct"}
    assert found["/mnt/with space"].root == "/with space"


def _uptime(text: str | None) -> float:
    return procfs.uptime_s(text, text, ticks_per_s=100)


@pytest.mark.parametrize(
    "read", [procfs.numbers, procfs.busy_ticks, procfs.traffic, procfs.threads, procfs.mounts, _uptime]
)
@given(st.one_of(st.none(), st.text(max_size=80), st.text("cpu \n:/-019.()", max_size=80)))
def test_nonsense_counts_as_nothing(read: Callable[[str | None], object], text: str | None) -> None:
    read(text)
