"""Timing, one way for everything: interleaved rounds, medians, and a row that knows its bar."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from inspect import isawaitable


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report: a figure, its floor, and the bar that quality asks for.

    `better` is "lower" (the ratio must stay at or below the bar) or "higher". Without a floor the value itself counts.
    """

    work: str
    value: float
    unit: str
    bar: float
    better: str
    floor: float | None = None
    floor_name: str = ""

    @property
    def ratio(self) -> float:
        """The value over its floor, or the value itself where there is none."""
        return self.value if self.floor is None else self.value / self.floor

    @property
    def met(self) -> bool:
        """Whether the bar is met."""
        return self.ratio <= self.bar if self.better == "lower" else self.ratio >= self.bar


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


async def side_by_side(work: Callable[[], object], floor: Callable[[], object], *, rounds: int) -> tuple[float, float]:
    """Return the median seconds of both, measured in turn so that the machine's drift meets them alike.

    Either may be asynchronous, and may return its seconds itself; otherwise they are from its call to its return.
    """
    await _timed(work)
    await _timed(floor)
    pairs = [(await _timed(work), await _timed(floor)) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


async def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    taken = work()
    if isawaitable(taken):
        taken = await taken
    return taken if isinstance(taken, float) else time.perf_counter() - begin


def table(rows: list[Row]) -> str:
    """Return the report as text."""
    lines = [f"{'work':<46} {'value':>12} {'floor':>12} {'ratio':>8} {'bar':>8}"]
    for row in rows:
        sign = "≤" if row.better == "lower" else "≥"
        floor = "" if row.floor is None else f"{row.floor:.4g}"
        mark = "" if row.met else "  ← misses its bar"
        value = f"{row.value:.4g} {row.unit}"
        lines.append(f"{row.work:<46} {value:>12} {floor:>12} {row.ratio:>8.3g} {sign}{row.bar:>7g}{mark}")
    return "\n".join(lines)
