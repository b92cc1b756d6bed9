"""What is kept of finished runs, how many and how long, by clocks and timers that move when told."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from execd.errors import ExecutionNotFound
from execd.runs.clock import Clock
from execd.runs.ends import End
from execd.runs.registry import SWEEP_PAUSE_S, Registry, Retention
from execd.runs.run import Policy, Run
from execd.runs.spool import Spool

DONE = End(cause="exited", exit_code=0)
POLICY = Policy(mode="lines", on_disconnect="detach", disconnect_grace_ms=0, on_overflow="drop_oldest")


class _Skipping(selectors.DefaultSelector):
    """Does not wait for time to pass: says how long it would have."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.skipped += timeout
        return ready


class FakeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when there is nothing else to do, and then at once."""

    def __init__(self) -> None:
        self._passing = _Skipping()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.skipped

    def clock(self) -> Clock:
        return Clock(wall_ms=lambda: round(self.time() * 1000), mono_ms=lambda: round(self.time() * 1000))


@pytest.fixture
def loop() -> Iterator[FakeLoop]:
    made = FakeLoop()
    yield made
    made.close()


def registry(loop: FakeLoop, **bounds: Any) -> Registry:
    return Registry(retention=Retention(**bounds), spool=Spool(None), clock=loop.clock())


def start(registry: Registry, execution_id: str) -> Run:
    run, _ = registry.register(kind="command", content="x", body=None, policy=POLICY, execution_id=execution_id)
    return run


def ended(registry: Registry, execution_id: str) -> Run:
    run = start(registry, execution_id)
    run.finish(DONE)
    return run


def ids(registry: Registry) -> list[str]:
    return [run.id for run in registry.runs()]


def timers(loop: FakeLoop) -> int:
    return sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]


def play(loop: FakeLoop, story: Coroutine[Any, Any, None]) -> None:
    loop.run_until_complete(story)


def test_a_finished_run_is_forgotten_by_a_timer_and_not_before_its_time(loop: FakeLoop) -> None:
    async def story() -> None:
        kept = registry(loop, keep_s=600)
        ended(kept, "a")
        await asyncio.sleep(599)
        assert ids(kept) == ["a"]
        await asyncio.sleep(1 + 2 * SWEEP_PAUSE_S)
        assert ids(kept) == []
        with pytest.raises(ExecutionNotFound, match="no longer kept"):
            kept.find("a")

    play(loop, story())


def test_each_has_its_own_time_and_all_have_one_timer(loop: FakeLoop) -> None:
    async def story() -> None:
        kept = registry(loop, keep_s=600)
        for at in range(50):
            ended(kept, f"run-{at}")
            await asyncio.sleep(10)
            assert timers(loop) == 1
        await asyncio.sleep(100.5)
        assert ids(kept) == [f"run-{at}" for at in range(1, 50)]
        await asyncio.sleep(200)
        assert ids(kept) == [f"run-{at}" for at in range(21, 50)]
        await asyncio.sleep(600)
        assert (ids(kept), timers(loop)) == ([], 0)

    play(loop, story())


def test_a_live_run_has_no_time(loop: FakeLoop) -> None:
    async def story() -> None:
        kept = registry(loop, keep_s=600)
        run = start(kept, "a")
        await asyncio.sleep(100_000)
        run.finish(DONE)
        await asyncio.sleep(599)
        assert ids(kept) == ["a"]

    play(loop, story())


def test_a_run_that_is_read_beyond_its_time_is_forgotten_when_its_reader_leaves(loop: FakeLoop) -> None:
    async def story() -> None:
        kept = registry(loop, keep_s=600)
        reader = kept.attach(ended(kept, "a"))
        await asyncio.sleep(5000)
        assert ids(kept) == ["a"]
        reader.close()
        assert ids(kept) == []

    play(loop, story())


def test_with_no_time_at_all_a_run_is_forgotten_at_its_end(loop: FakeLoop) -> None:
    async def story() -> None:
        kept = registry(loop, keep_s=0)
        ended(kept, "a")
        await asyncio.sleep(2 * SWEEP_PAUSE_S)
        assert ids(kept) == []

    play(loop, story())


def test_beyond_their_number_the_oldest_finished_run_is_forgotten(loop: FakeLoop) -> None:
    async def story() -> None:
        kept = registry(loop, keep_count=2)
        live = start(kept, "live")
        for name in ("a", "b", "c"):
            ended(kept, name)
        assert ids(kept) == ["live", "b", "c"]
        live.finish(DONE)
        assert ids(kept) == ["live", "c"]
        assert kept.total_bytes == sum(run.size for run in kept.runs())

    play(loop, story())


def test_who_is_read_is_not_forgotten_for_the_number_until_the_reader_leaves(loop: FakeLoop) -> None:
    async def story() -> None:
        kept = registry(loop, keep_count=1)
        reader = kept.attach(ended(kept, "read"))
        ended(kept, "b")
        assert ids(kept) == ["read"]
        ended(kept, "c")
        assert ids(kept) == ["read"]
        other = kept.attach(start(kept, "d"))
        kept.find("d").finish(DONE)
        assert ids(kept) == ["read", "d"]
        other.close()
        assert ids(kept) == ["read"]
        reader.close()
        assert ids(kept) == ["read"]

    play(loop, story())


def test_with_no_number_at_all_only_what_is_read_is_kept(loop: FakeLoop) -> None:
    async def story() -> None:
        kept = registry(loop, keep_count=0)
        reader = kept.attach(start(kept, "a"))
        kept.find("a").finish(DONE)
        assert ids(kept) == ["a"]
        reader.close()
        assert (ids(kept), kept.total_bytes) == ([], 0)

    play(loop, story())
