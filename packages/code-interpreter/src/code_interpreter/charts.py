"""Charts as numbers: what a figure shows, whichever library has drawn it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Axis", "Box", "Chart", "ChartType", "Pie", "Series"]

Value = float | int | str | bool | None
"""A number, a date or time as ISO 8601 says it, a category; None where there is no value (NaN, NaT)."""


class ChartType(StrEnum):
    """What kind of chart it is."""

    LINE = "line"
    SCATTER = "scatter"
    BAR = "bar"
    BOX = "box"
    PIE = "pie"
    COMPOSITE = "composite"
    """Several charts, side by side or one over the other: `Chart.charts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a chart."""

    label: str | None = None
    unit: str | None = None
    """What stands in brackets at the end of the label, `s` of `Time (s)`."""
    scale: str = "linear"
    """`linear`, `log` or another one of the library's, `datetime`, `categorical`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line, a set of points, or a set of bars: `x[i]` belongs to `y[i]`.

    Of bars, `x` says where they stand and `y` how long they are, also where they lie.
    """

    label: str | None = None
    x: tuple[Value, ...] = ()
    y: tuple[Value, ...] = ()
    is_horizontal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box: the quartiles of some numbers, the ends of the whiskers, and what lies beyond them."""

    label: str | None = None
    min: Value
    q1: Value
    median: Value
    q3: Value
    max: Value
    outliers: tuple[Value, ...] = ()
    is_horizontal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pie:
    """The pieces of a pie; where the library knows no more, a value is a share of 1."""

    label: str | None = None
    labels: tuple[str | None, ...] = ()
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What a figure shows.

    Example:
        >>> execution = await interpreter.codes.run("plt.plot([1, 2], [3, 4]); plt.show()")  # doctest: +SKIP
        >>> execution.result[0].chart.series[0].y  # doctest: +SKIP
        (3, 4)
    """

    type: ChartType
    title: str | None = None
    x: Axis | None = None
    y: Axis | None = None
    series: tuple[Series | Box | Pie, ...] = ()
    charts: tuple[Chart, ...] = ()
    """The charts of a composite one."""
    is_truncated: bool = False
    """Whether there is more than is told: 10,000 points of a series, 64 series, 64 charts."""
