"""What the sandbox uses: what to ask, and what the answer says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from opensandbox import _wire
from opensandbox._core import decode
from opensandbox._core.request import Request, StreamRequest
from opensandbox.exceptions import SandboxException, ShuttingDownException
from opensandbox.results import Metrics

SHORTEST_S: Final = 0.1
LONGEST_S: Final = 24 * 60 * 60.0

event: Callable[[bytes], _wire.MetricsStreamEvent | None] = decode.event_decoder(_wire.MetricsStreamEvent)


def snapshot() -> Request:
    """Ask for one sample."""
    return Request(method="GET", path="/metrics", is_idempotent=True)


def watch(interval: float) -> StreamRequest[_wire.MetricsStreamEvent]:
    """Ask for a sample at once, and one each `interval` seconds."""
    if not SHORTEST_S <= interval <= LONGEST_S:
        raise ValueError(f"interval must be between {SHORTEST_S} and {LONGEST_S:.0f} seconds, not {interval!r}")
    query = (("interval_ms", str(round(interval * 1000))),)
    start = Request(method="GET", path="/metrics/watch", query=query, is_idempotent=True)
    return StreamRequest(start=start, decode=event, is_stateless=True)


def sample(data: bytes) -> Metrics:
    """Decode one sample."""
    return metrics(decode.body(data, _wire.Metrics))


def metrics(told: _wire.Metrics | _wire.MetricsEvent) -> Metrics:
    """Return a sample in the words of the API; a daemon that tells no share of the memory leaves that to us."""
    share = told.mem_used_pct
    if share is None:
        share = round(100 * told.mem_used_mib / told.mem_total_mib, 2) if told.mem_total_mib else 0.0
    return Metrics(
        cpu_count=told.cpu_count,
        cpu_percent=told.cpu_used_pct,
        memory_total_in_mib=told.mem_total_mib,
        memory_used_in_mib=told.mem_used_mib,
        memory_percent=share,
        timestamp=datetime.fromtimestamp(told.timestamp / 1000, tz=UTC),
        memory_cache_in_mib=told.mem_cache_mib,
        swap_used_in_mib=told.swap_used_mib,
        disk_total_in_mib=told.disk_total_mib,
        disk_used_in_mib=told.disk_used_mib,
        net_received_bytes=told.net_rx_bytes,
        net_sent_bytes=told.net_tx_bytes,
        pids=told.pids,
        pids_limit=told.pids_limit,
        oom_kills=told.oom_kills,
        cpu_throttled_percent=told.cpu_throttled_pct,
        uptime=told.uptime_s,
    )


def ended(event: _wire.ErrorEvent) -> SandboxException:
    """Return why a watch has ended."""
    return ShuttingDownException(event.error.evalue, code=event.code)
