"""What stands on an axis of Matplotlib: numbers, dates and categories, as JSON can hold them."""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from .tables import duration

POINTS = 10_000
"""Points of a series that are told."""
_HALF_A_STEP = 0.5


def values(axis: Any, given: Any) -> list[Any]:
    """Return values as they were given; numbers on an axis of dates are dates."""
    values = given.tolist() if hasattr(given, "tolist") and getattr(given, "dtype", None) is not None else list(given)
    if str(getattr(given, "dtype", "")).startswith("datetime64"):
        return [plain(each) for each in given[: POINTS + 1].astype("datetime64[us]").tolist()]
    if values and is_dates(axis) and all(isinstance(each, (int, float)) for each in values[:POINTS]):
        return places(axis, values)
    return _categories(axis, values) or [plain(each) for each in values[: POINTS + 1]]


def _categories(axis: Any, given: Sequence[Any]) -> list[str]:
    """Return the names that the user has given to ticks 0, 1, 2…, where each value stands at one; none otherwise."""
    formatter = axis.get_major_formatter()
    is_named = isinstance(getattr(formatter, "func", None), partial) or type(formatter).__name__ == "FixedFormatter"
    if axis.axis_name != "x" or not is_named or type(axis.get_major_locator()).__name__ != "FixedLocator":
        return []
    at = [float(each) for each in axis.get_majorticklocs()]
    by_place = dict(zip(at, formatter.format_ticks(at), strict=False))
    # Thousands that are called 1k stay numbers.
    if not all(type(each) in (int, float) for each in given) or not set(given) <= set(range(len(at) + 1)):
        return []
    found = [str(by_place.get(float(each), "")) for each in given[: POINTS + 1]]
    return found if all(found) and found != [f"{each:g}" for each in given[: POINTS + 1]] else []


def places(axis: Any, given: Iterable[Any]) -> list[Any]:
    """Return places on an axis as what stands for them there: dates, categories, or numbers."""
    found = [float(each) for each in list(given)[: POINTS + 1]]
    if names := _categories(axis, found):
        return [*names]
    if "Category" in type(converter_of(axis)).__name__:
        return ticks(axis, found)
    if is_dates(axis) and "matplotlib.dates" in sys.modules:
        return [_moment(axis, each) if math.isfinite(each) else None for each in found]
    return [plain(each) for each in found]


def _moment(axis: Any, place: float) -> str:
    frequency = getattr(axis, "freq", None)
    if frequency is not None:
        # Pandas counts the periods since 1970 on axes of its own: months, hours, whatever its index has.
        return str(sys.modules["pandas"].Period(ordinal=int(place), freq=frequency).start_time.isoformat())
    zone = axis.units if isinstance(axis.units, dt.tzinfo) else None
    moment: dt.datetime = sys.modules["matplotlib.dates"].num2date(place, tz=zone)
    is_naive = zone is None and moment.utcoffset() == dt.timedelta()
    return (moment.replace(tzinfo=None) if is_naive else moment).isoformat()


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
    return _other(value)


def _other(value: Any) -> Any:
    if hasattr(value, "isoformat") and not isinstance(value, dt.timedelta):
        return None if str(value) == "NaT" else value.isoformat()
    if isinstance(value, dt.timedelta):
        return duration(value)
    if hasattr(value, "item"):
        return plain(value.item())
    return plain(float(value)) if isinstance(value, (Decimal, Fraction)) else str(value)


def converter_of(axis: Any) -> Any:
    """Return what makes numbers of an axis's values, None where they are numbers."""
    get = getattr(axis, "get_converter", None)
    return get() if get is not None else getattr(axis, "converter", None)


def is_dates(axis: Any) -> bool:
    """Return whether an axis shows dates."""
    names = {type(part).__name__ for part in (converter_of(axis), axis.get_major_formatter(), axis.get_major_locator())}
    return any("Date" in name for name in names)
