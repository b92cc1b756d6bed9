"""What a live shell is started with, and what it is given to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from execd.kernel.surroundings import Newcomers
from execd.process.child import Child, Program


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellLaunch:
    """What a shell is started with.

    Its named pipes are made at `place`. `newcomers` takes note of who is there; what it returns ends those who have
    come since.
    """

    program: Program
    place: str
    limit_s: float
    memory_kills: Callable[[], int]
    newcomers: Callable[[Child], Newcomers]


@dataclass(frozen=True, slots=True)
class Job:
    """Text for the shell; what is to be done around a cell is not `shown`."""

    id: str
    text: str
    shown: bool
