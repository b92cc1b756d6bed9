from __future__ import annotations

import signal
from pathlib import Path

import pytest

from . import rooms
from .rooms import Room


@pytest.fixture(autouse=True, scope="session")
def usual_signals() -> None:
    # Who starts the tests in the background or by nohup has these ignored, and every program would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
async def room(tmp_path: Path) -> Room:
    return Room(str(tmp_path))


@pytest.fixture
async def impatient(tmp_path: Path) -> Room:
    """A room whose grace is short: for programs that do not go when asked."""
    return Room(str(tmp_path), kill_grace_ms=100)


@pytest.fixture(autouse=True)
def former_zombies() -> None:
    """Know whose zombies are not this test's."""
    rooms.FORMER.clear()
    rooms.FORMER.update(rooms.own_zombies())
