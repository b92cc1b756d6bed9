"""Metrics of a daemon that is a process of its own, in a real control group where one can be made."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .daemons import LIMIT_S, Client, Daemon, daemon, dechunked, events

MIB = 1 << 20
GROUPS = Path("/sys/fs/cgroup")
FIGURES = {
    *("cpu_count", "cpu_used_pct", "mem_total_mib", "mem_used_mib", "timestamp", "mem_used_pct", "mem_cache_mib"),
    *("swap_used_mib", "disk_total_mib", "disk_used_mib", "net_rx_bytes", "net_tx_bytes", "pids", "oom_kills"),
    *("cpu_throttled_pct", "uptime_s"),
}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Daemon]:
    with daemon("--heartbeat-s", "0.3", "--kill-grace-ms", "300", log=tmp_path / "log") as one:
        yield one


def test_a_sample_is_answered_at_once_with_every_figure(running: Daemon) -> None:
    answer = running.ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.json.keys() - {"pids_limit"} == FIGURES
    assert abs(answer.json["timestamp"] / 1000 - time.time()) < LIMIT_S
    assert 0 < answer.json["mem_used_mib"] <= answer.json["mem_total_mib"]


def test_samples_come_until_the_client_leaves(running: Daemon) -> None:
    with running.connect() as client:
        client.request("GET", "/metrics/watch?interval_ms=100")
        while client.received.count(b'"type":"metrics"') < 4:
            assert client.read()
    assert b"\nid:" not in client.received
    head, _, body = client.received.partition(b"\r\n\r\n")
    assert b"text/event-stream" in head
    first = body.partition(b"data: ")[2].partition(b"\n")[0]
    assert json.loads(first).keys() - {"pids_limit", "type"} == FIGURES


def test_between_distant_samples_there_are_signs_of_life(running: Daemon) -> None:
    with running.connect() as client:
        client.request("GET", "/metrics/watch?interval_ms=60000")
        client.until(b'"pong"')
    assert client.received.index(b'"metrics"') < client.received.index(b'"pong"')


def test_when_the_daemon_goes_down_every_watcher_gets_the_end(running: Daemon) -> None:
    watchers: list[Client] = [running.connect() for _ in range(5)]
    for client in watchers:
        client.request("GET", "/metrics/watch")
        client.until(b'"metrics"')
    running.terminate()
    for client in watchers:
        with client:
            last = events(dechunked(client.until_end().partition(b"\r\n\r\n")[2]))[-1]
        assert (last["type"], last["code"], last["cause"]) == ("error", "SHUTTING_DOWN", "shutting_down")
    assert running.wait() == 0


@pytest.mark.parametrize("interval", ["99", "0", "-1", "1.5", "x", "86400001"])
def test_an_interval_out_of_bounds_is_refused(running: Daemon, interval: str) -> None:
    answer = running.ask("GET", f"/metrics/watch?interval_ms={interval}")
    assert (answer.status, answer.json["code"]) == (400, "INVALID_QUERY")


def test_asking_for_the_head_of_the_stream_gets_just_that(running: Daemon) -> None:
    with running.connect() as client:
        client.request("HEAD", "/metrics/watch", Connection="close")
        head, _, body = client.until_end().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: text/event-stream" in head
    assert body == b""


# ── in a container ───────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def control_group(limits: dict[str, str]) -> Iterator[list[Path]]:
    """Make a group with these limits in every hierarchy that has them; the directories that a process has to join."""
    name = f"execd-test-{os.getpid()}"
    directories = {_hierarchy(file) / name for file in limits}
    try:
        for directory in directories:
            directory.mkdir(exist_ok=True)
        for file, value in limits.items():
            (_hierarchy(file) / name / file).write_text(value)
    except OSError as error:
        pytest.skip(f"no control group can be made here ({error}); run the tests as root outside of a container")
    try:
        yield sorted(directories)
    finally:
        for directory in directories:
            _remove(directory)


def _hierarchy(file: str) -> Path:
    return GROUPS if (GROUPS / "cgroup.controllers").exists() else GROUPS / file.partition(".")[0]


def _remove(directory: Path) -> None:
    deadline = time.monotonic() + LIMIT_S
    while directory.exists() and time.monotonic() < deadline:
        with suppress(OSError):
            directory.rmdir()
            return
        time.sleep(0.05)


def limits() -> dict[str, str]:
    if (GROUPS / "cgroup.controllers").exists():
        return {"memory.max": str(256 * MIB), "memory.swap.max": "0", "cpu.max": "50000 100000", "pids.max": "77"}
    return {
        "memory.limit_in_bytes": str(256 * MIB),
        "cpu.cfs_quota_us": "50000",
        "cpuacct.usage": "0",
        "pids.max": "77",
    }


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon in a group of 256 MiB, half a processor and 77 processes."""
    with control_group(limits()) as directories:
        joined = "; ".join(f"echo $$ > {directory}/cgroup.procs" for directory in directories)
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\n{joined}\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        real, sys.executable = sys.executable, str(python)
        try:
            with daemon("--kill-grace-ms", "300", log=tmp_path / "log") as one:
                sys.executable = real
                yield one
        finally:
            sys.executable = real


def run(limited: Daemon, command: str) -> dict[str, object]:
    body = json.dumps({"argv": ["sh", "-c", command]}).encode()
    answer = limited.ask("POST", "/command", body=body)
    return events(answer.body)[-1]


def test_limits_and_use_are_those_of_the_container(limited: Daemon) -> None:
    first = limited.ask("GET", "/metrics").json
    assert (first["mem_total_mib"], first["cpu_count"], first["pids_limit"]) == (256.0, 0.5, 77)
    assert 0 < first["pids"] < 77
    assert 0 < first["mem_used_mib"] < 256


def test_a_busy_container_shows_that_it_is_held_up(limited: Daemon) -> None:
    with limited.connect() as client:
        spin = "while :; do :; done & while :; do :; done"
        body = json.dumps({"argv": ["sh", "-c", spin], "timeout": 60000}).encode()
        client.request("POST", "/command", body=body)
        client.until(b'"init"')
        deadline = time.monotonic() + 2 * LIMIT_S
        while True:
            found = limited.ask("GET", "/metrics").json
            # Thresholds for a machine that is busy with other things too.
            if found["cpu_used_pct"] > 20 and found["cpu_throttled_pct"] > 0:
                break
            assert time.monotonic() < deadline, found
            time.sleep(0.2)


def test_a_program_that_is_killed_for_memory_is_told_so_and_counted(limited: Daemon) -> None:
    eats = f"exec {sys.executable} -c 'x = [bytearray(16 << 20) for _ in range(64)]'"
    end = run(limited, eats)
    assert (end["cause"], end["code"]) == ("out_of_memory", "OUT_OF_MEMORY")
    deadline = time.monotonic() + LIMIT_S
    while limited.ask("GET", "/metrics").json["oom_kills"] < 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert run(limited, "true")["cause"] == "exited"
