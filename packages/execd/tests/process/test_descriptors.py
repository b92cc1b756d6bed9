"""The daemon may have many descriptors, its children start with as many as always."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from execd.process import descriptors

from .rooms import Room

SOFT = 256


@pytest.fixture
def low_limit() -> Iterator[int]:
    """Have this process started with a low soft limit; give the hard one."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, before[1]))
    descriptors.inherited.cache_clear()
    descriptors.raise_limit()
    yield before[1]
    descriptors._release()
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    descriptors.inherited.cache_clear()


async def test_the_daemon_takes_the_hard_limit_and_children_get_the_soft_one(room: Room, low_limit: int) -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (low_limit, low_limit)
    assert await room.text("ulimit -Sn; ulimit -Hn") == f"{SOFT}\n{low_limit}\n"
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (low_limit, low_limit)


async def test_more_descriptors_than_the_soft_limit_do_not_keep_a_program_from_starting(
    room: Room, low_limit: int
) -> None:
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(SOFT + 50)]
    try:
        assert await room.text("ulimit -Sn") == f"{SOFT}\n"
    finally:
        for descriptor in held:
            os.close(descriptor)


async def test_a_reserve_that_others_have_taken_does_not_keep_a_program_from_starting(
    room: Room, low_limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "_release", lambda: None)
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(SOFT + 50)]
    try:
        # It gets its limit at once, but not before its first instruction.
        watched = room.start("read x; ulimit -Sn", stdin="pipe")
        assert watched.run.control is not None
        watched.run.control.close_stdin()
        await watched.end()
        assert str(SOFT) in [event.get("text") for event in watched.events]
    finally:
        for descriptor in held:
            os.close(descriptor)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (low_limit, low_limit)


async def test_a_limit_that_was_never_raised_is_passed_on(room: Room) -> None:
    descriptors.inherited.cache_clear()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert await room.text("ulimit -Sn") == f"{soft}\n"
