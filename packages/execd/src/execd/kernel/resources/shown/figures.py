"""Figures of Matplotlib as data: what kind of chart each of their axes is, and the numbers that were drawn.

It is read off what has been drawn, so it is as exact as that: a chart that is none of these kinds has no data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from .axes import POINTS, converter_of, is_dates, places, plain, ticks, values
from .boxes import boxes, has_line
from .names import names

CHARTS = 64
"""Axes of a figure, and series of one of them, that are told."""

_UNIT = re.compile(r"^(?P<label>.*?)\s*[(\[](?P<unit>[^()\[\]]+)[)\]]\s*$", re.DOTALL)
Chart = dict[str, Any]


def tell(figure: Any) -> Chart | None:
    """Return a figure as data, None where nothing in it is a chart of a kind that is known."""
    axes = [part for each in figure.axes if _is_told(each) for part in (each, *filter(_is_told, each.child_axes))]
    charts = [chart for each in axes[:CHARTS] if (chart := _axes(each)) is not None]
    if not charts:
        return None
    above = _of_all(figure, "_suptitle")
    if len(charts) == 1:
        return {**charts[0], "title": charts[0]["title"] or above or None}
    return {"type": "composite", "title": above or None, "charts": charts, "truncated": _any_cut(charts, axes)}


def _is_told(axes: Any) -> bool:
    # In three dimensions what was drawn is a projection of the numbers; a second scale shows none of its own.
    is_other = axes.name == "3d" or type(axes).__name__ == "SecondaryAxis" or axes.get_label() == "<colorbar>"
    return bool(axes.get_visible()) and not is_other


def _of_all(figure: Any, name: str) -> str:
    """Return the text that a figure has for all of its axes."""
    text = getattr(figure, name, None)
    return str(text.get_text()) if text is not None else ""


def _any_cut(charts: Sequence[Chart], axes: Sequence[Any]) -> bool:
    return len(axes) > CHARTS or any(chart["truncated"] for chart in charts)


def _axes(axes: Any) -> Chart | None:
    found_boxes, used = boxes(axes)
    for each in axes.containers:
        # Ends of error bars, and what stems stand on.
        beside = {"ErrorbarContainer": lambda of: of[1], "StemContainer": lambda of: of[2:]}.get(type(each).__name__)
        used |= {id(line) for line in (beside(each) if beside else ())}
    kinds = {
        "bar": _bars(axes),
        "box": found_boxes,
        "line": _lines(axes, used),
        "scatter": _points(axes, used),
        "pie": _pies(axes),
    }
    found = [
        {
            **_common(axes),
            **_named(axes, kind, series),
            "type": kind,
            "series": series[:CHARTS],
            "truncated": _is_cut(series),
        }
        for kind, series in kinds.items()
        if series
    ]
    if len(found) < 2:
        return found[0] if found else None
    return {
        **_common(axes),
        "type": "composite",
        "charts": found,
        "truncated": any(each["truncated"] for each in found),
    }


def _is_cut(series: Sequence[Chart]) -> bool:
    return len(series) > CHARTS or any(each.pop("cut", False) for each in series)


def _common(axes: Any) -> Chart:
    return {
        "title": axes.get_title() or axes.get_title("left") or axes.get_title("right") or None,
        "x": _axis(axes.xaxis, axes.get_xlabel() or _of_all(axes.figure, "_supxlabel"), axes.get_xscale()),
        "y": _axis(axes.yaxis, axes.get_ylabel() or _of_all(axes.figure, "_supylabel"), axes.get_yscale()),
    }


def _named(axes: Any, kind: str, series: Sequence[Chart]) -> Chart:
    """Return the axis on which all of it stands, where its ticks name the places."""
    if kind == "pie":
        return {}
    which = "y" if series[0].get("horizontal") else "x"
    told = _common(axes)[which]
    places = [place for each in series for place in each.get("x", [each["label"]] if kind == "box" else [])]
    is_fixed = type(getattr(axes, f"{which}axis").get_major_locator()).__name__ == "FixedLocator"
    are_names = is_fixed and told["scale"] != "datetime" and all(isinstance(place, str) for place in places)
    return {which: {**told, "scale": "categorical"}} if are_names else {}


def _axis(axis: Any, label: str, scale: str) -> Chart:
    found = _UNIT.match(label)
    converter = type(converter_of(axis)).__name__
    if "Category" in converter:
        scale = "categorical"
    elif is_dates(axis):
        scale = "datetime"
    return {
        "label": label or None,
        "unit": found["unit"] if found else None,
        "scale": scale,
    }


# ── one kind after another ───────────────────────────────────────────────────────────────────────────────────────────


def _lines(axes: Any, used: set[int]) -> list[Chart]:
    drawn = [line for line in axes.lines if id(line) not in used and has_line(line)]
    return _curves(axes, drawn)


def _curves(axes: Any, lines: Sequence[Any]) -> list[Chart]:
    told = ((name, line.get_xdata(orig=True), line.get_ydata(orig=True)) for name, line in _called(axes, lines))
    return [_xy(name, values(axes.xaxis, xs), values(axes.yaxis, ys)) for name, xs, ys in told]


def _called(axes: Any, artists: Sequence[Any]) -> Iterator[tuple[str | None, Any]]:
    return zip(names(axes, artists), artists, strict=True)


def _points(axes: Any, used: set[int]) -> list[Chart]:
    markers = [line for line in axes.lines if id(line) not in used and not has_line(line) and _has_marker(line)]
    found = _curves(axes, markers)
    collections = [each for each in axes.collections if type(each).__name__ == "PathCollection"]
    for name, collection in _called(axes, collections):
        offsets = collection.get_offsets()
        missing = getattr(offsets, "mask", None)
        data = offsets.filled(math.nan) if missing is not None and hasattr(offsets, "filled") else offsets
        found.append(_xy(name, places(axes.xaxis, data[:, 0]), places(axes.yaxis, data[:, 1])))
    return found


def _has_marker(line: Any) -> bool:
    return line.get_marker() not in ("None", "none", "", " ", None) and line.get_transform() == line.axes.transData


def _xy(label: str | None, xs: list[Any], ys: list[Any]) -> Chart:
    cut = len(xs) > POINTS
    return {"label": label, "x": xs[:POINTS], "y": ys[:POINTS], **({"cut": True} if cut else {})}


def _bars(axes: Any) -> list[Chart]:
    found = []
    containers = [each for each in axes.containers if type(each).__name__ == "BarContainer"]
    for name, container in _called(axes, containers):
        lies = getattr(container, "orientation", "vertical") == "horizontal"
        at = axes.yaxis if lies else axes.xaxis
        centres = [_centre(patch, lies=lies) for patch in container.patches]
        sizes = [patch.get_width() if lies else patch.get_height() for patch in container.patches]
        xs, ys = ticks(at, centres), [plain(size) for size in sizes]
        found.append({**_xy(name, xs, ys), **({"horizontal": True} if lies else {})})
    return found


def _centre(patch: Any, *, lies: bool) -> float:
    return float(patch.get_y() + patch.get_height() / 2 if lies else patch.get_x() + patch.get_width() / 2)


def _pies(axes: Any) -> list[Chart]:
    wedges = [patch for patch in axes.patches if type(patch).__name__ == "Wedge"]
    rings: dict[tuple[Any, Any], list[Any]] = {}
    for wedge in wedges:
        rings.setdefault((wedge.r, wedge.width), []).append(wedge)
    return [_pie(axes, ring, is_only=len(rings) == 1) for ring in rings.values()]


def _pie(axes: Any, wedges: Sequence[Any], *, is_only: bool) -> Chart:
    shares = [abs(wedge.theta2 - wedge.theta1) / 360 for wedge in wedges]
    labels = names(axes, wedges)
    if is_only and not any(labels):
        # The names of a pie's pieces may stand beside them as mere texts.
        texts = [text.get_text() for text in axes.texts if text.get_text() and not text.get_text().endswith("%")]
        labels = [*texts] if len(texts) == len(wedges) else labels
    return {"label": None, "labels": labels, "values": [plain(round(share, 9)) for share in shares]}
