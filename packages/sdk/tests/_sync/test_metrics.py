# Generated from packages/sdk/tests/_async/test_metrics.py by tools/unasync.py; do not edit.
"""Metrics against a daemon that does as it is told, and one that goes away."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from opensandbox import SandboxSync
from opensandbox.exceptions import ShuttingDownException

from ..worlds import LIMIT_S, Incoming, Wire, fake_daemon

SAMPLE: dict[str, Any] = {
    "cpu_count": 2, "cpu_used_pct": 50.0, "mem_total_mib": 100, "mem_used_mib": 81, "mem_used_pct": 81.0,
    "timestamp": 1795412412590,
}  # fmt: skip


def metrics(used: float) -> dict[str, Any]:
    return {"type": "metrics", **SAMPLE, "mem_used_pct": used}


def test_a_snapshot_tells_use_and_limits() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/metrics", lambda _, wire: wire.reply(200, SAMPLE))
        with SandboxSync.connect(daemon.url) as sandbox:
            told = sandbox.get_metrics()
    assert (told.cpu_count, told.cpu_percent, told.memory_percent) == (2, 50.0, 81.0)


def test_a_watch_goes_on_until_its_reader_leaves() -> None:
    stopped = threading.Event()
    with fake_daemon() as daemon:

        def watch(_: Incoming, wire: Wire) -> None:
            wire.begin()
            wire.event(metrics(10))
            wire.event({"type": "ping", "text": "pong"})
            wire.event(metrics(90))
            stopped.wait(LIMIT_S)

        daemon.on("GET", "/metrics/watch", watch)
        with SandboxSync.connect(daemon.url) as sandbox:
            seen = []
            for told in sandbox.watch_metrics(interval=0.5):
                seen.append(told.memory_percent)
                if told.memory_percent > 80:
                    break
        stopped.set()
        assert seen == [10, 90]
        assert daemon.seen("GET", "/metrics/watch")[0].query == {"interval_ms": "500"}


def test_a_watch_that_breaks_is_begun_again() -> None:
    with fake_daemon() as daemon:

        def watch(_: Incoming, wire: Wire) -> None:
            count = len(daemon.seen("GET", "/metrics/watch"))
            wire.begin()
            wire.event(metrics(count))
            if count == 2:
                wire.end()
            else:
                wire.cut()

        daemon.on("GET", "/metrics/watch", watch)
        with SandboxSync.connect(daemon.url) as sandbox:
            seen = []
            for told in sandbox.watch_metrics():
                seen.append(told.memory_percent)
                if len(seen) == 4:
                    break
        assert seen == [1, 2, 3, 4]


def test_a_watch_ends_with_the_daemon() -> None:
    going = {"type": "error", "code": "SHUTTING_DOWN", "error": {"ename": "ShuttingDown", "evalue": "going down"}}
    with fake_daemon() as daemon:
        daemon.on("GET", "/metrics/watch", lambda _, wire: wire.stream([metrics(1), going]))
        with SandboxSync.connect(daemon.url) as sandbox:
            samples = sandbox.watch_metrics()
            assert (next(samples)).memory_percent == 1
            with pytest.raises(ShuttingDownException, match="going down"):
                next(samples)


def test_an_interval_is_checked_at_once() -> None:
    with fake_daemon() as daemon:
        with SandboxSync.connect(daemon.url) as sandbox:
            with pytest.raises(ValueError, match="interval"):
                sandbox.watch_metrics(interval=0)
