"""Tables, and charts of Matplotlib, as the daemon's own kernel tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from code_interpreter.charts import Axis, Box, Chart, ChartType, Pie, Series
from code_interpreter.tables import Column, Table

TABLE = "application/vnd.execd.table+json"
CHART = "application/vnd.execd.chart+json"


class _Told(msgspec.Struct):
    type: ChartType
    title: str | None = None
    x: Axis | None = None
    y: Axis | None = None
    series: list[dict[str, Any]] = []
    charts: list[_Told] = []
    truncated: bool = False


class _Index(msgspec.Struct):
    names: tuple[Any, ...] = ()
    labels: tuple[Any, ...] = ()


class _Frame(msgspec.Struct):
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    total_rows: int
    total_columns: int
    truncated: bool = False
    index: _Index | None = None


def table(value: Any) -> Table | None:
    """Return a table, None where the value is none."""
    try:
        told = msgspec.convert(value, _Frame)
    except msgspec.ValidationError:
        return None
    return Table(
        columns=told.columns,
        rows=told.rows,
        total_rows=told.total_rows,
        total_columns=told.total_columns,
        is_truncated=told.truncated,
        index=None if told.index is None else told.index.labels,
        index_names=() if told.index is None else told.index.names,
    )


def chart(value: Any) -> Chart | None:
    """Return a chart, None where the value is none."""
    try:
        return _chart(msgspec.convert(value, _Told))
    except (msgspec.ValidationError, TypeError):
        return None


def _chart(told: _Told) -> Chart:
    return Chart(
        type=told.type,
        title=told.title,
        x=told.x,
        y=told.y,
        series=tuple(_series(each, told.type) for each in told.series),
        charts=tuple(_chart(each) for each in told.charts),
        is_truncated=told.truncated,
    )


def _series(told: Mapping[str, Any], kind: ChartType) -> Series | Box | Pie:
    given = {("is_horizontal" if name == "horizontal" else name): value for name, value in told.items()}
    shape: type[Series | Box | Pie] = {ChartType.BOX: Box, ChartType.PIE: Pie}.get(kind, Series)
    return msgspec.convert(given, shape)
