"""Figures: true to the container where there is one, else to the host, and never out of bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd._wire import Metrics
from execd.metrics import figures
from execd.metrics.cgroup import locate
from execd.metrics.figures import Counters, Host

from . import trees
from .trees import Tree

HOST = Host(processors=8, ticks_per_s=100, disk_total=100 * 1024**3, disk_used=25 * 1024**3)
BEFORE = Counters(at_ns=0, used_ns=4_250_000_000, periods=32, throttled=35)
NOW = Counters(at_ns=1_000_000_000, used_ns=5_000_000_000, periods=42, throttled=40)


def sample(tree: Tree, **changes: Any) -> Metrics:
    arguments: dict[str, Any] = {"host": HOST, "before": BEFORE, "now": NOW, "timestamp_ms": 9, **changes}
    return figures.metrics(locate(tree.get), tree.get, **arguments)


@pytest.mark.parametrize("tree", [trees.CONTAINER_2, trees.CONTAINER_1], ids=["version 2", "version 1"])
def test_a_container_is_told_by_its_own_limits(tree: Tree) -> None:
    assert sample(tree) == Metrics(
        cpu_count=1.5,
        cpu_used_pct=50.0,
        mem_total_mib=512.0,
        mem_used_mib=192.0,
        timestamp=9,
        mem_used_pct=37.5,
        mem_cache_mib=80.0,
        swap_used_mib=1.0,
        disk_total_mib=102400.0,
        disk_used_mib=25600.0,
        net_rx_bytes=4296015872,
        net_tx_bytes=524293,
        pids=12,
        pids_limit=128,
        oom_kills=3,
        cpu_throttled_pct=50.0,
        uptime_s=3600.0,
    )


@pytest.mark.parametrize("tree", [trees.HOST_2, trees.HOST_1, trees.PROC], ids=["version 2", "version 1", "none"])
def test_without_a_container_the_host_is_told(tree: Tree) -> None:
    found = sample(tree)
    assert (found.cpu_count, found.mem_total_mib, found.mem_used_mib) == (8.0, 8192.0, 2048.0)
    assert (found.swap_used_mib, found.mem_cache_mib) == (1024.0, 3.0)
    assert (found.pids, found.pids_limit, found.oom_kills) == (345, None, 7)


@pytest.mark.parametrize(
    "tree", [trees.UNLIMITED_CONTAINER_2, trees.UNLIMITED_CONTAINER_1], ids=["version 2", "version 1"]
)
def test_without_limits_use_is_the_container_s_and_the_rest_the_host_s(tree: Tree) -> None:
    found = sample(tree)
    assert (found.mem_total_mib, found.mem_used_mib) == (8192.0, 192.0)
    assert found.cpu_count == 5.0, "the processors that it is pinned to"
    assert found.pids_limit is None


def test_a_limit_beyond_what_there_is_limits_nothing() -> None:
    generous = {
        **trees.CONTAINER_2,
        "/sys/fs/cgroup/memory.max": f"{64 * 1024**3}\n",
        "/sys/fs/cgroup/cpu.max": "max 100000\n",
    }
    found = sample(generous, host=replace(HOST, processors=2))
    assert (found.mem_total_mib, found.cpu_count) == (8192.0, 2.0)


def test_a_service_is_told_by_what_binds_it() -> None:
    found = sample(trees.SERVICE_2)
    assert (found.cpu_count, found.mem_total_mib, found.pids_limit) == (0.5, 1024.0, 50)


def test_counters_are_the_group_s_or_the_system_s() -> None:
    of_group = figures.counters(locate(trees.CONTAINER_1.get), trees.CONTAINER_1.get, host=HOST, at_ns=5)
    assert of_group == Counters(at_ns=5, used_ns=5_000_000_000, periods=42, throttled=40)
    of_host = figures.counters({}, trees.PROC.get, host=HOST, at_ns=5)
    assert of_host == Counters(at_ns=5, used_ns=15_200_000_000, periods=0, throttled=0)


counts = st.integers(0, 2**62)
moments = st.builds(Counters, at_ns=counts, used_ns=counts, periods=counts, throttled=counts)


@given(moments, moments)
def test_percentages_stay_within_their_bounds_whatever_the_counters_do(before: Counters, now: Counters) -> None:
    found = sample(trees.CONTAINER_2, before=before, now=now)
    for percentage in (found.cpu_used_pct, found.cpu_throttled_pct, found.mem_used_pct):
        assert 0 <= percentage <= 100
