"""What a waiting process costs, and who goes first when memory runs out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

FIRST: Final = 1000
"""The score of whoever the system's memory killer takes before everybody else."""


def proportional_bytes(pids: Iterable[int]) -> int:
    """Return the memory of processes: what several of them share counts once, as far as the system tells."""
    return sum(map(_proportional_bytes, pids))


def _proportional_bytes(pid: int) -> int:
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def score(pid: int) -> int | None:
    """Return how willingly the memory killer takes a process, None where that is not to be known."""
    text = _read(f"/proc/{pid}/oom_score_adj").strip()
    return int(text) if text else None


def set_score(pid: int, value: int | None) -> None:
    """Set it, as far as one may; None leaves it."""
    if value is not None:
        with suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w", encoding="ascii") as file:
            file.write(str(value))


def _read(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 64 * 1024).decode("ascii", "replace")
    except OSError:  # it has gone meanwhile
        return ""
    finally:
        os.close(descriptor)
