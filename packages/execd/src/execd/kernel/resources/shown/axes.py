"""What stands on an axis of Matplotlib: numbers, dates and categories, as JSON can hold them."""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

POINTS = 10_000
"""Points of a series that are told."""
_HALF_A_STEP = 0.5


def label_of(label: Any) -> str | None:
    """Return a label that the user has given; Matplotlib's own begin with an underscore."""
    text = "" if label is None else str(label)
    return None if not text or text.startswith("_") else text


def values(axis: Any, given: Any) -> list[Any]:
    """Return values as they were given; numbers on an axis of dates are dates."""
    values = given.tolist() if hasattr(given, "tolist") and getattr(given, "dtype", None) is not None else list(given)
    if str(getattr(given, "dtype", "")).startswith("datetime64"):
        return [plain(each) for each in given[: POINTS + 1].astype("datetime64[us]").tolist()]
    if values and is_dates(axis) and all(isinstance(each, (int, float)) for each in values[:POINTS]):
        return places(axis, values)
    return [plain(each) for each in values[: POINTS + 1]]


def places(axis: Any, given: Iterable[Any]) -> list[Any]:
    """Return places on an axis as what stands for them there: dates, categories, or numbers."""
    found = [float(each) for each in list(given)[: POINTS + 1]]
    if "Category" in type(converter_of(axis)).__name__:
        return ticks(axis, found)
    dates = sys.modules.get("matplotlib.dates")
    if dates is not None and is_dates(axis):
        return [None if not math.isfinite(each) else plain(_naive(dates.num2date(each))) for each in found]
    return [plain(each) for each in found]


def _naive(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=None) if moment.utcoffset() == dt.timedelta() else moment


def ticks(axis: Any, given: Sequence[float]) -> list[Any]:
    """Return what an axis calls these places, or the numbers where it has no names for them."""
    names = getattr(axis.units, "_mapping", None)
    if names:
        by_place = {float(place): str(name) for name, place in names.items()}
    elif type(axis.get_major_locator()).__name__ == "FixedLocator":
        at = [float(each) for each in axis.get_majorticklocs()]
        by_place = dict(zip(at, axis.get_major_formatter().format_ticks(at), strict=False))
    elif is_dates(axis):
        return places(axis, given)
    else:
        by_place = {}
    return [_nearest(by_place, place) for place in given]


def _nearest(names: dict[float, str], place: float) -> Any:
    # Bars that stand beside each other share the name in their middle.
    near = min(names, key=lambda each: abs(each - place), default=None)
    return plain(place) if near is None or abs(near - place) >= 0.5 else str(names[near])


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it; what is no number is null."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        if isinstance(value, float) and not math.isfinite(value):
            return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return value
    if hasattr(value, "isoformat"):
        return None if str(value) == "NaT" else value.isoformat()
    if hasattr(value, "item"):
        return plain(value.item())
    return str(value)


def converter_of(axis: Any) -> Any:
    """Return what makes numbers of an axis's values, None where they are numbers."""
    get = getattr(axis, "get_converter", None)
    return get() if get is not None else getattr(axis, "converter", None)


def is_dates(axis: Any) -> bool:
    """Return whether an axis shows dates."""
    names = {type(part).__name__ for part in (converter_of(axis), axis.get_major_formatter(), axis.get_major_locator())}
    return any("Date" in name for name in names)
