"""The sampler and its watchers: one thread for all, the newest sample at once, an end when the daemon goes down."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from execd.metrics.sampler import PERIOD_S, Sampler, reader
from execd.metrics.watch import Watch

from . import trees

LIMIT_S = 20


@pytest.fixture
def sampler(tmp_path: Path) -> Iterator[Sampler]:
    """A sampler in a container of version 2, laid down as files."""
    trees.write(trees.CONTAINER_2, tmp_path)
    sampler = Sampler(disk_path=str(tmp_path), root=str(tmp_path))
    yield sampler
    sampler.close()


def next_sample(sampler: Sampler) -> None:
    """Return after the sampler has taken one more sample."""
    taken = threading.Event()
    sampler.watch(taken.set, interval_s=0.1)
    try:
        assert taken.wait(LIMIT_S)
    finally:
        sampler.leave(taken.set)


def test_a_sample_is_there_before_the_thread_is(sampler: Sampler) -> None:
    assert (sampler.latest.cpu_count, sampler.latest.mem_total_mib) == (min(1.5, sampler.latest.cpu_count), 512.0)
    assert sampler.latest.cpu_used_pct == 0.0
    assert sampler.latest.disk_total_mib > 0


def test_samples_follow_what_happens(sampler: Sampler, tmp_path: Path) -> None:
    sampler.start()
    (tmp_path / "sys/fs/cgroup/pids.current").write_text("77\n")
    next_sample(sampler)
    assert sampler.latest.pids == 77


def test_use_of_processors_is_that_of_the_last_interval(sampler: Sampler, tmp_path: Path) -> None:
    # So much use that the interval was full, however long it was; then none.
    (tmp_path / "sys/fs/cgroup/cpu.stat").write_text("usage_usec 9000000000\n")
    sampler.start()
    next_sample(sampler)
    busy = sampler.latest.cpu_used_pct
    next_sample(sampler)
    assert (busy, sampler.latest.cpu_used_pct) == (100.0, 0.0)


def test_kills_are_counted_at_this_moment_not_at_the_last_sample(sampler: Sampler, tmp_path: Path) -> None:
    assert sampler.memory_kills() == 3
    (tmp_path / "sys/fs/cgroup/memory.events").write_text("oom_kill 4\n")
    assert sampler.memory_kills() == 4


def test_whoever_watches_makes_it_faster_and_leaves_it_as_it_was(sampler: Sampler) -> None:
    def quick() -> None:
        """Watches."""

    def slow() -> None:
        """Watches too."""

    sampler.watch(quick, interval_s=0.25)
    sampler.watch(slow, interval_s=60)
    assert sampler.period_s == 0.25
    sampler.leave(quick)
    sampler.leave(quick)
    assert sampler.period_s == PERIOD_S
    sampler.watch(quick, interval_s=0.001)
    assert sampler.period_s == 0.1, "there is a bound"


def test_a_system_whose_files_go_away_is_no_fault(sampler: Sampler, tmp_path: Path) -> None:
    sampler.start()
    for name in ("memory.current", "cpu.stat", "memory.stat", "pids.current"):
        (tmp_path / "sys/fs/cgroup" / name).unlink()
    next_sample(sampler)
    assert sampler.latest.mem_total_mib == 8192.0


def test_a_file_of_several_pages_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * 300_000)
    assert reader(str(tmp_path))("/long") == "x" * 300_000
    assert reader(str(tmp_path))("/nope") is None
    assert reader("")("/proc/self/mem") is None


def parsed(frame: bytes) -> dict[str, Any]:
    assert frame.startswith(b"data: ")
    assert frame.endswith(b"\n\n")
    event: dict[str, Any] = json.loads(frame[6:])
    return event


def watch(sampler: Sampler, interval_s: float) -> Watch:
    return Watch(sampler, interval_s=interval_s, now_ms=lambda: 5)


async def test_the_first_sample_is_there_at_once_and_then_one_an_interval(sampler: Sampler) -> None:
    sampler.start()
    watching = watch(sampler, 0.1)
    first = parsed(watching.take())
    assert (first["type"], first["mem_total_mib"]) == ("metrics", 512.0)
    assert watching.take() == b""
    moments = [time.monotonic()]
    for _ in range(5):
        assert await watching.wait(LIMIT_S)
        assert parsed(watching.take())["timestamp"] > first["timestamp"]
        moments.append(time.monotonic())
    assert moments[-1] - moments[0] > 0.35, "five intervals were not over yet"
    watching.close()


async def test_time_that_is_over_first_is_told(sampler: Sampler) -> None:
    watching = watch(sampler, 3600)
    watching.take()
    assert await watching.wait(0.01) is False
    watching.close()


async def test_the_end_comes_once_when_the_sampler_closes_also_to_who_waits(sampler: Sampler) -> None:
    watching = watch(sampler, 3600)
    watching.take()
    waiting = asyncio.create_task(watching.wait(LIMIT_S))
    await asyncio.sleep(0)
    await asyncio.get_running_loop().run_in_executor(None, sampler.close)
    assert await waiting
    end = parsed(watching.take())
    assert (end["type"], end["code"], end["cause"], watching.done) == ("error", "SHUTTING_DOWN", "shutting_down", True)
    assert watching.take() == b""
    watching.close()


async def test_a_watcher_of_a_closed_sampler_gets_the_end_at_once(sampler: Sampler) -> None:
    sampler.close()
    watching = watch(sampler, 1)
    assert await watching.wait(0)
    assert parsed(watching.take())["type"] == "error"
    watching.close()


async def test_who_has_left_is_not_called_any_more(sampler: Sampler) -> None:
    watching = watch(sampler, 0.2)
    assert sampler.period_s == 0.2
    watching.close()
    assert sampler.period_s == PERIOD_S


def test_a_loop_that_is_gone_does_not_stop_the_sampler(sampler: Sampler) -> None:
    async def begin() -> Watch:
        return watch(sampler, 0.1)

    asyncio.run(begin())
    sampler.start()
    next_sample(sampler)
    next_sample(sampler)
