"""Charts out of specifications of Vega-Lite, which is what Altair makes: marks, encodings, and data beside them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from code_interpreter._charts.axes import CHARTS, POINTS, axis, joined, plain
from code_interpreter._charts.boxes import REACH, between, box
from code_interpreter.charts import Axis, Box, Chart, ChartType, Pie, Series

_KINDS: Final = {
    **dict.fromkeys(("line", "area", "trail"), ChartType.LINE),
    **dict.fromkeys(("point", "circle", "square", "tick"), ChartType.SCATTER),
    "bar": ChartType.BAR,
    "boxplot": ChartType.BOX,
    "arc": ChartType.PIE,
}
_SCALES: Final = {"temporal": "datetime", "nominal": "categorical", "ordinal": "categorical", "quantitative": "linear"}
_AGGREGATES: Final[dict[str, Callable[[list[float]], float]]] = {
    "sum": sum,
    "mean": statistics.fmean,
    "average": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
}
_GROUPS: Final = ("color", "detail", "strokeDash", "shape", "xOffset", "yOffset", "fill", "stroke")
_FACETS: Final = ("facet", "row", "column")
_INHERITED: Final = ("data", "encoding")
_SEVERAL: Final = ("hconcat", "vconcat", "concat", "layer")
Json = Mapping[str, Any]
Row = dict[str, Any]


def chart(specification: Any) -> Chart | None:
    """Return what a specification shows, None where that is no chart of a known kind, or its data lies elsewhere."""
    return _chart(_map(specification), {}, _map(specification).get("datasets"))


def _chart(view: Json, above: Json, datasets: Any) -> Chart | None:
    view = _faceted({**{key: above[key] for key in ("data", "title") if key in above}, **view})
    view["encoding"] = {**_map(above.get("encoding")), **_map(view.get("encoding"))}
    parts = next((view[name] for name in _SEVERAL if isinstance(view.get(name), list)), None)
    if parts is not None:
        outer: Json = {key: view[key] for key in _INHERITED if key in view}
        charts = [found for part in parts if (found := _chart(_map(part), outer, datasets)) is not None]
        return joined(charts, title=_title(view.get("title")))
    mark = view.get("mark")
    kind = _KINDS.get(str(mark.get("type")) if isinstance(mark, dict) else str(mark))
    rows = _data(view.get("data"), datasets)
    if kind is None or rows is None or view.get("transform"):
        return None
    by = next((name for name in _FACETS if _channel(_map(view["encoding"]), name) is not None), None)
    if by is None:
        return _drawn(kind, _map(mark), view, rows)
    return _parted(view, by, rows)


def _faceted(view: Json) -> dict[str, Any]:
    """Return a view of facets as one whose encoding says by what it is parted."""
    facet, inner = _map(view.get("facet")), _map(view.get("spec"))
    if not facet or not inner:
        return {**view}
    parts = facet if facet.keys() & {"row", "column"} else {"facet": facet}
    outer = {key: value for key, value in view.items() if key not in ("facet", "spec")}
    return {**outer, **inner, "encoding": {**_map(inner.get("encoding")), **parts}}


def _parted(view: Json, by: str, rows: Sequence[Row]) -> Chart | None:
    """Return a chart for each value of a facet, which is its title."""
    encoding = {**_map(view.get("encoding"))}
    facet = _channel(encoding, by)
    del encoding[by]
    parts: dict[Any, list[Row]] = {}
    for row in rows:
        parts.setdefault(_key(row.get((facet and facet.field) or "")), []).append(row)
    parted = ({**view, "encoding": encoding, "title": str(name), "data": {"values": of}} for name, of in parts.items())
    charts = [found for part in parted if (found := _chart(part, {}, {})) is not None]
    return joined(charts, title=_title(view.get("title")))


def _data(data: Any, datasets: Any) -> list[Row] | None:
    told = _map(data)
    found = told["values"] if "values" in told else _map(datasets).get(str(told.get("name")))
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else None


def _drawn(kind: ChartType, mark: Json, view: Json, rows: Sequence[Row]) -> Chart | None:
    encoding = _map(view.get("encoding"))
    title = _title(view.get("title"))
    if kind is ChartType.PIE:
        pie = _pie(_channel(encoding, "theta"), _channel(encoding, "color"), rows)
        return None if pie is None else Chart(type=kind, title=title, series=(pie,))
    x, y = _channel(encoding, "x"), _channel(encoding, "y")
    if x is None or y is None or x.is_binned or y.is_binned:
        return None
    lies = kind in (ChartType.BAR, ChartType.BOX) and x.is_number and not y.is_number
    at, value = (y, x) if lies else (x, y)
    if kind is ChartType.BOX:
        series: list[Series | Box] = [*_boxes(at, value, rows, mark, lies=lies)]
    else:
        series = [*_series(at, value, _group(encoding, at), rows, lies=lies)]
    cut = len(series) > CHARTS or any(isinstance(each, Series) and len(each.x) > POINTS for each in series)
    return Chart(
        type=kind,
        title=title,
        x=x.axis(),
        y=y.axis(),
        series=tuple(_cut(each) for each in series[:CHARTS]),
        is_truncated=cut,
    )


def _cut(row: Series | Box) -> Series | Box:
    if isinstance(row, Series) and len(row.x) > POINTS:
        return Series(label=row.label, x=row.x[:POINTS], y=row.y[:POINTS], is_horizontal=row.is_horizontal)
    return row


@dataclass(frozen=True, slots=True)
class _Channel:
    """One channel of an encoding."""

    field: str | None
    type: str
    title: str | None
    aggregate: str | None
    scale: str | None
    is_binned: bool

    @property
    def is_number(self) -> bool:
        return self.type == "quantitative" or self.aggregate is not None

    def axis(self) -> Axis:
        """Return the axis that it makes, named as Vega-Lite names it."""
        scale = self.scale if self.scale and self.scale != "linear" else _SCALES.get(self.type, "linear")
        named = self.title or self.field
        if self.aggregate == "count":
            named = self.title or "Count of Records"
        elif self.aggregate and not self.title and self.field:
            named = f"{self.aggregate.capitalize()} of {self.field}"
        return axis(named, "linear" if self.aggregate == "count" else scale)

    def values(self, rows: Sequence[Row]) -> list[Any]:
        return [row.get(self.field) if self.field else None for row in rows]

    def folded(self, rows: Sequence[Row]) -> Any:
        """Return what the aggregate makes of the rows."""
        if self.aggregate == "count":
            return len(rows)
        numbers: list[float] = [each for each in self.values(rows) if isinstance(each, (int, float))]
        fold = _AGGREGATES.get(self.aggregate or "")
        return fold(numbers) if fold and numbers else None


def _channel(encoding: Json, name: str) -> _Channel | None:
    told = encoding.get(name)
    if not isinstance(told, dict):
        return None
    field, aggregate = told.get("field"), told.get("aggregate")
    if not isinstance(field, str) and aggregate != "count":
        return None
    return _Channel(
        field=_unescaped(field) if isinstance(field, str) else None,
        type=str(told.get("type", "quantitative")),
        title=_title(told.get("title")) or _title(_map(told.get("axis")).get("title")),
        aggregate=aggregate if isinstance(aggregate, str) else None,
        scale=_map(told.get("scale")).get("type"),
        is_binned=bool(told.get("bin")) or bool(told.get("timeUnit")),
    )


def _unescaped(field: str) -> str:
    return field.replace("\\.", ".").replace("\\[", "[").replace("\\]", "]").replace("\\:", ":")


def _group(encoding: Json, at: _Channel) -> _Channel | None:
    """Return by what the rows are parted into series: not by what says where they stand already."""
    found = (_channel(encoding, name) for name in _GROUPS)
    return next((each for each in found if each is not None and each.field != at.field and not each.is_number), None)


def _series(at: _Channel, value: _Channel, by: _Channel | None, rows: Sequence[Row], *, lies: bool) -> list[Series]:
    parted: dict[Any, list[Row]] = {}
    for row in rows:
        parted.setdefault(None if by is None else _key(row.get(by.field or "")), []).append(row)
    made = []
    for name, of in parted.items():
        xs, ys = _folded(at, value, of) if value.aggregate else (at.values(of), value.values(of))
        label = None if name is None else str(name)
        made.append(Series(label=label, x=plain(xs), y=plain(ys), is_horizontal=lies))
    return made


def _folded(at: _Channel, value: _Channel, rows: Sequence[Row]) -> tuple[list[Any], list[Any]]:
    places: dict[Any, list[Row]] = {}
    for row in rows:
        places.setdefault(_key(row.get(at.field or "")), []).append(row)
    return [*places], [value.folded(of) for of in places.values()]


def _boxes(at: _Channel, value: _Channel, rows: Sequence[Row], mark: Json, *, lies: bool) -> list[Box]:
    extent = mark.get("extent", REACH)
    reach = float(extent) if isinstance(extent, (int, float)) else None
    places: dict[Any, list[Any]] = {}
    for row in rows:
        places.setdefault(_key(row.get(at.field or "")), []).append(row.get(value.field or ""))
    made = (
        box(None if name is None else str(name), of, quantile=between, reach=reach, is_horizontal=lies)
        for name, of in places.items()
    )
    return [each for each in made if each is not None]


def _pie(theta: _Channel | None, color: _Channel | None, rows: Sequence[Row]) -> Pie | None:
    if theta is None:
        return None
    if color is None:
        return Pie(values=plain(theta.values(rows)))
    if theta.aggregate:
        names, values = _folded(color, theta, rows)
    else:
        names, values = color.values(rows), theta.values(rows)
    return Pie(labels=tuple(None if name is None else str(name) for name in names), values=plain(values))


def _key(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _title(title: Any) -> str | None:
    text = title.get("text") if isinstance(title, dict) else title
    if isinstance(text, list):
        text = " ".join(str(line) for line in text)
    return text if isinstance(text, str) and text else None


def _map(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
