from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path leaves room for the names of sockets in it; pytest's own need not."""
    with tempfile.TemporaryDirectory(prefix="x") as directory:
        yield Path(directory)
