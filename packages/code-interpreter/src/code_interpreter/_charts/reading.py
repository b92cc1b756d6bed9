"""Which of a result's forms is a table or a chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from code_interpreter._charts import plotly, told, vegalite
from code_interpreter.charts import Chart
from code_interpreter.tables import Table

_READERS: Final[tuple[tuple[str, Callable[[Any], Chart | None]], ...]] = (
    (told.CHART, told.chart),
    ("application/vnd.plotly.", plotly.chart),
    ("application/vnd.vegalite.", vegalite.chart),
)


def table(values: Mapping[str, Any]) -> Table | None:
    """Return the table among values by their MIME types."""
    return told.table(values[told.TABLE]) if told.TABLE in values else None


def chart(values: Mapping[str, Any]) -> Chart | None:
    """Return the chart among values by their MIME types."""
    for begin, read in _READERS:
        for kind, value in values.items():
            if kind.startswith(begin) and (found := read(value)) is not None:
                return found
    return None
