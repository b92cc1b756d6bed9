from __future__ import annotations

from pathlib import Path

import pytest

from .rooms import Room


@pytest.fixture
async def room(tmp_path: Path) -> Room:
    return Room(str(tmp_path))


@pytest.fixture
async def impatient(tmp_path: Path) -> Room:
    """A room whose grace is short: for programs that do not go when asked."""
    return Room(str(tmp_path), kill_grace_ms=100)
