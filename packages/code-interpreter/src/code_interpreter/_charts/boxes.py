"""Quartiles of plain numbers, as the libraries compute them that leave it to the browser."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from code_interpreter.charts import Box

REACH: Final = 1.5
"""How many times the distance of the quartiles a whisker may reach beyond them."""


def box(
    label: str | None,
    given: Sequence[object],
    *,
    quantile: Callable[[Sequence[float], float], float],
    reach: float | None = REACH,
    is_horizontal: bool = False,
) -> Box | None:
    """Return the box of some numbers, None where there are none; without a reach the whiskers end at the last ones."""
    found = sorted(float(each) for each in given if isinstance(each, (int, float)) and math.isfinite(each))
    if not found:
        return None
    q1, median, q3 = (quantile(found, share) for share in (0.25, 0.5, 0.75))
    far = math.inf if reach is None else reach * (q3 - q1)
    within = [each for each in found if q1 - far <= each <= q3 + far]
    return Box(
        label=label,
        min=min(within[0], q1),
        q1=q1,
        median=median,
        q3=q3,
        max=max(within[-1], q3),
        outliers=tuple(each for each in found if each < q1 - far or each > q3 + far),
        is_horizontal=is_horizontal,
    )


def between(found: Sequence[float], share: float) -> float:
    """Return a quantile: the first and the last number are 0 and 1, in between linearly.

    >>> between([1, 2, 3, 4], 0.25)
    1.75
    """
    return _at(found, share * (len(found) - 1))


def amid(found: Sequence[float], share: float) -> float:
    """Return a quantile: each number stands in the middle of its own share, in between linearly.

    >>> amid([1, 2, 3, 4], 0.25)
    1.5
    """
    return _at(found, min(max(share * len(found) - 0.5, 0), len(found) - 1))


def _at(found: Sequence[float], place: float) -> float:
    low = math.floor(place)
    high = min(low + 1, len(found) - 1)
    return found[low] + (found[high] - found[low]) * (place - low)
