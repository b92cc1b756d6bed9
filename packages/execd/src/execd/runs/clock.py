"""Time, as callables that are handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as two callables: milliseconds since 1970, and milliseconds that only go forward."""

    wall_ms: Callable[[], int]
    mono_ms: Callable[[], int]
