"""Charts out of figures of Plotly, as JSON: traces with their values, and a layout with titles and axes."""

from __future__ import annotations

import math
import sys
from array import array
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from code_interpreter._charts.axes import CHARTS, POINTS, axis, joined, plain, scale_of
from code_interpreter._charts.boxes import amid, box
from code_interpreter.charts import Box, Chart, ChartType, Pie, Series, Value

_ARRAYS: Final = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d"}
_SCALES: Final = {"date": "datetime", "category": "categorical", "multicategory": "categorical"}
_NEAR: Final = 1e-6
_MANY: Final = 20
"""Points from which on a trace that does not say how it is drawn is a mere line."""
Json = Mapping[str, Any]
Row = Series | Box | Pie


def chart(figure: Any) -> Chart | None:
    """Return what a figure shows, None where that is no chart of a known kind."""
    traces = [
        each for each in _list(_map(figure).get("data")) if isinstance(each, dict) and each.get("visible") is not False
    ]
    layout = _map(_map(figure).get("layout"))
    title = _text(layout.get("title"))
    drawn = [(_place(trace), kind, rows) for trace in traces for kind, rows in _rows(trace)]
    charts = [
        _chart(kind, [row for _, _, rows in of for row in rows], layout, place, _title_above(layout, place) or title)
        for (place, kind), of in ((key, list(of)) for key, of in groupby(drawn, key=lambda each: each[:2]))
    ]
    return joined(charts, title=title)


def _chart(kind: ChartType, rows: Sequence[Row], layout: Json, place: tuple[str, str], title: str | None) -> Chart:
    cut = len(rows) > CHARTS or any(isinstance(row, Series) and len(row.x) > POINTS for row in rows)
    told = [_cut(row) for row in rows[:CHARTS]]
    if kind is ChartType.PIE:
        return Chart(type=kind, title=title, series=tuple(told), is_truncated=cut)
    lies = any(not isinstance(row, Pie) and row.is_horizontal for row in told)
    along, across = _values(told)
    if lies:
        along, across = across, along
    x, y = (layout.get(f"{name[0]}axis{name[1:]}") for name in place)
    return Chart(
        type=kind,
        title=title,
        x=_axis(_map(x), along),
        y=_axis(_map(y), across),
        series=tuple(told),
        is_truncated=cut,
    )


def _title_above(layout: Json, place: tuple[str, str]) -> str | None:
    """Return the title of one of several subplots, which is a text in the middle above it."""
    across, up = (_array(_map(layout.get(f"{name[0]}axis{name[1:]}")).get("domain")) for name in place)
    if not all(len(domain) == 2 and all(isinstance(end, (int, float)) for end in domain) for domain in (across, up)):
        return None
    for text in _list(layout.get("annotations")):
        told = _map(text)
        x, y = told.get("x"), told.get("y")
        if not isinstance(x, (int, float)) or not isinstance(y, (int, float)) or told.get("xref") != "paper":
            continue
        if math.isclose(x, sum(across) / 2, abs_tol=_NEAR) and math.isclose(y, up[1], abs_tol=_NEAR):
            return _text(told)
    return None


def _cut(row: Row) -> Row:
    if isinstance(row, Series) and len(row.x) > POINTS:
        return Series(label=row.label, x=row.x[:POINTS], y=row.y[:POINTS], is_horizontal=row.is_horizontal)
    return row


def _values(rows: Sequence[Row]) -> tuple[list[Value], list[Value]]:
    """Return where the values stand, and what they are."""
    series = [row for row in rows if isinstance(row, Series)]
    boxes = [row for row in rows if isinstance(row, Box)]
    xs = [value for row in series for value in row.x] + [box.label for box in boxes if box.label]
    return xs, [value for row in series for value in row.y]


def _axis(told: Json, values: Sequence[Value]) -> Any:
    named = told.get("type")
    scale = _SCALES.get(named, named) if isinstance(named, str) and named != "-" else scale_of(values)
    return axis(_text(told.get("title")), scale)


def _place(trace: Json) -> tuple[str, str]:
    return str(trace.get("xaxis") or "x"), str(trace.get("yaxis") or "y")


def _rows(trace: Json) -> Iterator[tuple[ChartType, list[Row]]]:
    match trace.get("type", "scatter"):
        case "scatter" | "scattergl":
            yield _curve(trace)
        case "bar":
            yield ChartType.BAR, [_bars(trace)]
        case "box":
            yield ChartType.BOX, [*_boxes(trace)]
        case "pie":
            yield ChartType.PIE, [_pie(trace)]
        case _:
            return


def _curve(trace: Json) -> tuple[ChartType, list[Row]]:
    xs, ys = _xy(trace)
    mode = trace.get("mode")
    drawn = mode if isinstance(mode, str) else "lines" if len(ys) >= _MANY else "lines+markers"
    kind = ChartType.LINE if "lines" in drawn else ChartType.SCATTER
    return kind, [Series(label=_name(trace), x=xs, y=ys)]


def _bars(trace: Json) -> Series:
    xs, ys = _xy(trace)
    if trace.get("orientation") == "h":
        return Series(label=_name(trace), x=ys, y=xs, is_horizontal=True)
    return Series(label=_name(trace), x=xs, y=ys)


def _pie(trace: Json) -> Pie:
    """Return a pie, whose piece is the sum of all that has its label; without values each counts as one."""
    labels = [None if each is None else str(each) for each in _array(trace.get("labels"))]
    values = plain(_array(trace.get("values"))) if "values" in trace else (1,) * len(labels)
    if len({*labels}) == len(labels):
        return Pie(label=_name(trace), labels=tuple(labels), values=values)
    pieces: dict[str | None, float] = {}
    for label, value in zip(labels, values, strict=False):
        pieces[label] = pieces.get(label, 0) + (value if isinstance(value, (int, float)) else 0)
    return Pie(label=_name(trace), labels=tuple(pieces), values=tuple(pieces.values()))


def _xy(trace: Json) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    xs, ys = _places(trace, "x"), _places(trace, "y")
    if not xs and "x" not in trace:
        xs = _counted(trace, "x", len(ys))
    if not ys and "y" not in trace:
        ys = _counted(trace, "y", len(xs))
    length = min(len(xs), len(ys))
    return xs[:length], ys[:length]


def _places(trace: Json, name: str) -> tuple[Value, ...]:
    given = _array(trace.get(name))
    if given and all(isinstance(level, list) for level in given):
        # Categories within categories.
        return tuple(", ".join(str(part) for part in parts) for parts in zip(*given, strict=False))
    return plain(given)


def _counted(trace: Json, name: str, length: int) -> tuple[Value, ...]:
    first, step = trace.get(f"{name}0", 0), trace.get(f"d{name}", 1)
    if isinstance(first, (int, float)) and isinstance(step, (int, float)):
        return tuple(first + at * step for at in range(length))
    return tuple(range(length))


def _boxes(trace: Json) -> Iterator[Box]:
    if "q1" in trace:
        yield from _given(trace)
        return
    lies = trace.get("orientation") == "h" or ("y" not in trace and "x" in trace)
    values, groups = ("x", "y") if lies else ("y", "x")
    numbers, names = _array(trace.get(values)), _array(trace.get(groups))
    by_name: dict[str | None, list[Any]] = {}
    for at, number in enumerate(numbers):
        by_name.setdefault(str(names[at]) if at < len(names) else _name(trace), []).append(number)
    for name, of in by_name.items():
        if (made := box(name, of, quantile=amid, is_horizontal=lies)) is not None:
            yield made


def _given(trace: Json) -> Iterator[Box]:
    parts = {name: plain(_array(trace.get(name))) for name in ("q1", "median", "q3", "lowerfence", "upperfence", "x")}
    for at, q1 in enumerate(parts["q1"]):
        median, q3, low, high, name = (
            of[at] if at < len(of) else None
            for of in (parts[key] for key in ("median", "q3", "lowerfence", "upperfence", "x"))
        )
        label = _name(trace) if name is None else str(name)
        yield Box(
            label=label, min=q1 if low is None else low, q1=q1, median=median, q3=q3, max=q3 if high is None else high
        )


def _array(given: Any) -> Sequence[Any]:
    """Return values, which Plotly may pack: as base64 of numbers, with their type and shape."""
    if isinstance(given, list):
        return given
    packed = _map(given)
    code = _ARRAYS.get(str(packed.get("dtype")))
    if code is None or not isinstance(packed.get("bdata"), str):
        return ()
    try:
        numbers = array(code, b64decode(packed["bdata"]))
    except ValueError:
        return ()
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def _name(trace: Json) -> str | None:
    name = trace.get("name")
    return name if isinstance(name, str) and name else None


def _text(title: Any) -> str | None:
    text = title.get("text") if isinstance(title, dict) else title
    return text if isinstance(text, str) and text else None


def _map(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
