"""What libraries have in common: labels with units, values, and what kind of scale they stand on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from code_interpreter.charts import Axis, Chart, ChartType, Value

POINTS: Final = 10_000
CHARTS: Final = 64
_UNIT: Final = re.compile(r"[(\[]([^()\[\]]+)[)\]]\s*$")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")


def axis(label: object, scale: str) -> Axis:
    """Return an axis; the unit is what stands in brackets at the end of its label.

    >>> axis("Speed (m/s)", "log")
    Axis(label='Speed (m/s)', unit='m/s', scale='log')
    """
    text = label if isinstance(label, str) and label else None
    unit = _UNIT.search(text) if text else None
    return Axis(label=text, unit=unit[1] if unit else None, scale=scale)


def scale_of(values: Sequence[Value]) -> str:
    """Return on what kind of scale values stand."""
    texts = [each for each in values if isinstance(each, str) and each not in ("Infinity", "-Infinity")]
    if not texts:
        return "linear"
    return "datetime" if all(_DATE.fullmatch(each) for each in texts) else "categorical"


def plain(values: Iterable[Any]) -> tuple[Value, ...]:
    """Return values as they are in charts: what is no number is None."""
    return tuple(_plain(each) for each in values)


def _plain(value: Any) -> Value:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def joined(charts: Sequence[Chart], *, title: str | None, is_truncated: bool = False) -> Chart | None:
    """Return several charts as one, one as it is, None for none."""
    if not charts:
        return None
    if len(charts) == 1:
        return charts[0]
    cut = is_truncated or len(charts) > CHARTS or any(chart.is_truncated for chart in charts)
    return Chart(type=ChartType.COMPOSITE, title=title, charts=tuple(charts[:CHARTS]), is_truncated=cut)
