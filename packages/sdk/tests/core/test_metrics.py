"""What the sandbox uses, in the words of the API; and watching it, for ever and no longer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensandbox._core import metrics
from opensandbox._core.resume import Resume
from opensandbox._core.sse import Frame
from opensandbox._wire import ErrorDetail, ErrorEvent, MetricsEvent, MetricsStreamEvent
from opensandbox.exceptions import SandboxConnectionException, ShuttingDownException

BARE: dict[str, Any] = {
    "cpu_count": 1.5, "cpu_used_pct": 45.5, "mem_total_mib": 512.0, "mem_used_mib": 128.0, "timestamp": 1795412412590,
}  # fmt: skip
FULL = {
    **BARE, "mem_used_pct": 25.05, "mem_cache_mib": 40.0, "swap_used_mib": 1.0, "disk_total_mib": 100.0,
    "disk_used_mib": 20.5, "net_rx_bytes": 7, "net_tx_bytes": 8, "pids": 12, "pids_limit": 128, "oom_kills": 2,
    "cpu_throttled_pct": 3.5, "uptime_s": 3600.5,
}  # fmt: skip


def test_every_figure_has_its_word() -> None:
    told = metrics.sample(json.dumps(FULL).encode())
    assert told.timestamp == datetime(2026, 11, 23, 5, 40, 12, 590000, tzinfo=UTC)
    assert (told.cpu_count, told.cpu_percent, told.cpu_throttled_percent) == (1.5, 45.5, 3.5)
    assert (told.memory_total_in_mib, told.memory_used_in_mib, told.memory_percent) == (512.0, 128.0, 25.05)
    assert (told.memory_cache_in_mib, told.swap_used_in_mib, told.oom_kills) == (40.0, 1.0, 2)
    assert (told.disk_total_in_mib, told.disk_used_in_mib) == (100.0, 20.5)
    assert (told.net_received_bytes, told.net_sent_bytes) == (7, 8)
    assert (told.pids, told.pids_limit, told.uptime) == (12, 128, 3600.5)


def test_a_daemon_that_tells_less_leaves_the_share_to_us() -> None:
    told = metrics.sample(json.dumps(BARE).encode())
    assert told.memory_percent == 25.0
    assert (told.pids, told.uptime, told.disk_used_in_mib) == (None, None, None)
    assert metrics.sample(json.dumps({**BARE, "mem_total_mib": 0}).encode()).memory_percent == 0.0


@pytest.mark.parametrize("interval", [0, -1, 0.05, 86401, float("nan"), float("inf")])
def test_an_interval_that_no_daemon_keeps_is_refused(interval: float) -> None:
    with pytest.raises(ValueError, match="interval must be between"):
        metrics.watch(interval)


@given(st.floats(0.1, 86400))
def test_an_interval_is_sent_in_milliseconds(interval: float) -> None:
    ((name, value),) = metrics.watch(interval).start.query
    assert name == "interval_ms"
    assert abs(int(value) / 1000 - interval) <= 0.0005


@given(st.lists(st.integers(0, 5), max_size=6))
def test_a_watch_that_breaks_is_begun_again(breaks: list[int]) -> None:
    resume: Resume[MetricsStreamEvent] = Resume(metrics.watch(1.0), can_resume=True)
    sample = Frame(None, json.dumps({"type": "metrics", **BARE}).encode())
    ping = Frame(None, b'{"type":"ping","text":"pong","timestamp":1}')
    for count in breaks:
        assert resume.next_request() == metrics.watch(1.0).start
        events = resume.accept([ping, *[sample] * count])
        assert [type(event) for _, event in events] == [MetricsEvent] * count
        resume.lost(SandboxConnectionException("reset"), now=0, jitter=0.5)
    assert not resume.is_over()


def test_a_watch_ends_with_the_daemon() -> None:
    why = ErrorDetail(ename="ShuttingDown", evalue="the daemon is going down")
    ended = metrics.ended(ErrorEvent(error=why, code="SHUTTING_DOWN", timestamp=1))
    assert isinstance(ended, ShuttingDownException)
    assert str(ended) == "the daemon is going down"
