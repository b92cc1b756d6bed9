"""Charts out of what Plotly, Altair and the daemon's kernel say of them."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter import Axis, Box, Chart, ChartType, Pie, Result, Series
from code_interpreter._charts.axes import axis, plain, scale_of
from code_interpreter._charts.boxes import amid, between, box

PLOTLY = "application/vnd.plotly.v1+json"
ALTAIR = "application/vnd.vegalite.v6+json"
OURS = "application/vnd.execd.chart+json"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def chart_of(kind: str, value: Any) -> Chart:
    found = Result(mime={}, values={kind: value}).chart
    assert found is not None
    return found


def plotly(*traces: dict[str, Any], **layout: Any) -> Chart:
    return chart_of(PLOTLY, {"data": list(traces), "layout": layout})


def altair(mark: Any, rows: list[dict[str, Any]], **encoding: Any) -> Chart:
    view = {"mark": mark, "encoding": encoding, "data": {"name": "d"}, "datasets": {"d": rows}}
    return chart_of(ALTAIR, view)


def field(name: str, kind: str = "quantitative", **more: Any) -> dict[str, Any]:
    return {"field": name, "type": kind, **more}


# ── Plotly ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_of_plotly_has_its_numbers_titles_and_units() -> None:
    found = plotly(
        {"type": "scatter", "mode": "lines", "x": ["2024-01-01", "2024-01-02"], "y": [1, None], "name": "a"},
        title={"text": "T"},
        xaxis={"title": {"text": "Day"}},
        yaxis={"title": {"text": "Speed (m/s)"}, "type": "log"},
    )
    assert found == Chart(
        type=ChartType.LINE,
        title="T",
        x=Axis(label="Day", scale="datetime"),
        y=Axis(label="Speed (m/s)", unit="m/s", scale="log"),
        series=(Series(label="a", x=("2024-01-01", "2024-01-02"), y=(1, None)),),
    )


@given(numbers=st.lists(st.floats(width=64), max_size=20))
def test_packed_numbers_of_plotly_are_unpacked(numbers: list[float]) -> None:
    packed = {"dtype": "f8", "bdata": base64.b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode()}
    (series,) = plotly({"type": "bar", "x": list(range(len(numbers))), "y": packed}).series
    assert isinstance(series, Series)
    assert series.y == plain(numbers)


def test_what_a_trace_without_a_mode_is_depends_on_its_points() -> None:
    assert plotly({"y": [1, 2]}).type is ChartType.LINE
    assert plotly({"y": [1, 2], "mode": "markers"}).type is ChartType.SCATTER
    (series,) = plotly({"y": [5, 6]}).series
    assert series == Series(x=(0, 1), y=(5, 6))


def test_bars_that_lie_say_where_they_stand_first() -> None:
    found = plotly({"type": "bar", "orientation": "h", "x": [3, 4], "y": ["a", "b"]})
    assert found.series == (Series(x=("a", "b"), y=(3, 4), is_horizontal=True),)
    assert (found.x, found.y) == (Axis(scale="linear"), Axis(scale="categorical"))


def test_boxes_of_plotly_are_computed_as_it_does() -> None:
    found = plotly({"type": "box", "y": [1, 2, 3, 4, 100], "name": "n"})
    assert found.series == (Box(label="n", min=1, q1=1.75, median=3, q3=28, max=28, outliers=(100,)),)


def test_boxes_of_plotly_may_be_given_or_stand_by_category() -> None:
    told = plotly(
        {"type": "box", "q1": [1], "median": [2], "q3": [3], "lowerfence": [0], "upperfence": [9], "x": ["k"]}
    )
    assert told.series == (Box(label="k", min=0, q1=1, median=2, q3=3, max=9),)
    parted = plotly({"type": "box", "x": ["a", "b", "a"], "y": [1, 5, 3]})
    assert [each.label for each in parted.series] == ["a", "b"]


def test_a_pie_of_plotly_has_values() -> None:
    found = plotly({"type": "pie", "labels": ["a", "b"], "values": [1, 3]})
    assert (found.type, found.series) == (ChartType.PIE, (Pie(labels=("a", "b"), values=(1, 3)),))


def test_subplots_and_kinds_are_charts_of_a_composite_one() -> None:
    found = plotly(
        {"type": "bar", "x": ["a"], "y": [1]},
        {"type": "scatter", "mode": "lines", "x": [1], "y": [2], "xaxis": "x2", "yaxis": "y2"},
        title="both",
        xaxis2={"title": {"text": "two"}},
    )
    assert (found.type, found.title) == (ChartType.COMPOSITE, "both")
    assert [each.type for each in found.charts] == [ChartType.BAR, ChartType.LINE]
    assert found.charts[1].x == Axis(label="two")


def test_what_is_left_out_of_many_points_is_told() -> None:
    found = plotly({"type": "scatter", "mode": "lines", "y": list(range(10_001))})
    assert found.is_truncated
    assert isinstance(found.series[0], Series)
    assert len(found.series[0].x) == len(found.series[0].y) == 10_000


def test_pieces_of_one_name_are_one_piece() -> None:
    whole = plotly({"type": "pie", "labels": ["a", "b", "a"], "values": [1, 2, 3]})
    assert whole.series == (Pie(labels=("a", "b"), values=(4, 2)),)
    assert plotly({"type": "pie", "labels": ["a", "b", "a"]}).series == (Pie(labels=("a", "b"), values=(2, 1)),)


def test_places_that_are_counted_begin_and_step_as_the_trace_says() -> None:
    assert plotly({"x0": 5, "dx": 2, "y": [1, 2, 3]}).series == (Series(x=(5, 7, 9), y=(1, 2, 3)),)
    assert plotly({"x0": "2024-01-01", "y": [1, 2]}).series == (Series(x=(0, 1), y=(1, 2)),)


def test_categories_within_categories_have_both_names() -> None:
    found = plotly({"type": "bar", "x": [["a", "a", "b"], [1, 2, 1]], "y": [1, 2, 3]})
    assert found.series == (Series(x=("a, 1", "a, 2", "b, 1"), y=(1, 2, 3)),)


def test_subplots_have_the_titles_that_stand_above_them() -> None:
    above = [{"text": name, "x": x, "y": 1.0, "xref": "paper", "yref": "paper"} for name, x in (("L", 0.2), ("R", 0.8))]
    found = plotly(
        {"y": [1]},
        {"y": [2], "xaxis": "x2", "yaxis": "y2"},
        xaxis={"domain": [0.0, 0.4]},
        yaxis={"domain": [0.0, 1.0]},
        xaxis2={"domain": [0.6, 1.0]},
        yaxis2={"domain": [0.0, 1.0]},
        annotations=above,
        title="T",
    )
    assert (found.title, [each.title for each in found.charts]) == ("T", ["L", "R"])


def test_a_trace_that_is_not_drawn_is_not_told() -> None:
    assert plotly({"y": [1], "visible": False}, {"y": [2]}).series == (Series(x=(0,), y=(2,)),)


# ── Altair ───────────────────────────────────────────────────────────────────────────────────────────────────────────

ROWS = [{"k": "a", "n": 1, "g": "u"}, {"k": "b", "n": 2, "g": "v"}, {"k": "a", "n": 5, "g": "v"}]


def test_bars_of_altair_are_parted_by_colour_and_lie_where_their_numbers_do() -> None:
    found = altair("bar", ROWS, x=field("n"), y=field("k", "nominal"), color=field("g", "nominal"))
    assert found.series == (
        Series(label="u", x=("a",), y=(1,), is_horizontal=True),
        Series(label="v", x=("b", "a"), y=(2, 5), is_horizontal=True),
    )
    assert (found.x, found.y) == (Axis(label="n"), Axis(label="k", scale="categorical"))


@pytest.mark.parametrize(
    ("aggregate", "values"),
    [("sum", (6, 2)), ("mean", (3, 2)), ("count", (2, 1)), ("min", (1, 2)), ("max", (5, 2)), ("median", (3, 2))],
)
def test_aggregates_of_altair_are_computed(aggregate: str, values: tuple[float, ...]) -> None:
    told = {"type": "quantitative", "aggregate": aggregate, **({} if aggregate == "count" else {"field": "n"})}
    (series,) = altair({"type": "bar"}, ROWS, x=field("k", "nominal"), y=told).series
    assert series == Series(x=("a", "b"), y=values)


def test_points_lines_boxes_and_pies_of_altair() -> None:
    assert altair({"type": "circle"}, ROWS, x=field("n"), y=field("n")).type is ChartType.SCATTER
    found = altair("line", ROWS, x=field("k", "temporal", title="When (UTC)"), y=field("n", scale={"type": "log"}))
    assert (found.x, found.y) == (Axis(label="When (UTC)", unit="UTC", scale="datetime"), Axis(label="n", scale="log"))
    boxes = altair({"type": "boxplot"}, ROWS, x=field("k", "nominal"), y=field("n")).series
    assert boxes[0] == Box(label="a", min=1, q1=2, median=3, q3=4, max=5)
    pie = altair({"type": "arc"}, ROWS[:2], theta=field("n"), color=field("k", "nominal"))
    assert pie.series == (Pie(labels=("a", "b"), values=(1, 2)),)


def test_layers_and_neighbours_of_altair_are_charts_of_a_composite_one() -> None:
    part = {"encoding": {"y": field("n")}}
    view = {
        "layer": [{"mark": "line", **part}, {"mark": "point", **part}],
        "encoding": {"x": field("n")},
        "data": {"values": ROWS},
        "title": {"text": ["two", "lines"]},
    }
    found = chart_of(ALTAIR, view)
    assert (found.type, found.title) == (ChartType.COMPOSITE, "two lines")
    assert [each.type for each in found.charts] == [ChartType.LINE, ChartType.SCATTER]


def test_what_is_computed_in_the_browser_is_no_chart_of_ours() -> None:
    view = {"mark": "bar", "encoding": {"x": field("n", bin=True), "y": field("n")}, "data": {"values": ROWS}}
    assert Result(mime={}, values={ALTAIR: view}).chart is None
    assert Result(mime={}, values={ALTAIR: {**view, "data": {"url": "elsewhere"}}}).chart is None


@pytest.mark.parametrize("whole", [False, True])
def test_each_facet_is_a_chart_of_its_own(whole: bool) -> None:
    rows = [{"x": 1, "y": 2, "g": "a"}, {"x": 3, "y": 4, "g": "b"}]
    axes, by = {"x": field("x"), "y": field("y")}, field("g", "nominal")
    spec = {"mark": "line", "encoding": axes}
    view = {"facet": by, "spec": spec} if whole else {"mark": "line", "encoding": {**axes, "column": by}}
    found = chart_of(ALTAIR, {**view, "title": "T", "data": {"values": rows}})
    assert (found.type, found.title) == (ChartType.COMPOSITE, "T")
    told = [(each.title, each.type, each.series) for each in found.charts]
    assert told == [
        ("a", ChartType.LINE, (Series(x=(1,), y=(2,)),)),
        ("b", ChartType.LINE, (Series(x=(3,), y=(4,)),)),
    ]


# ── ours, and what is none ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_chart_of_the_kernels_own_is_told_with_its_types() -> None:
    told = {
        "type": "composite",
        "title": None,
        "charts": [
            {"type": "bar", "series": [{"label": None, "x": ["a"], "y": [1], "horizontal": True}], "x": {"unit": "s"}},
            {"type": "box", "series": [{"min": 0, "q1": 1, "median": 2, "q3": 3, "max": 4, "outliers": []}]},
            {"type": "pie", "series": [{"labels": ["a", None], "values": [0.5, 0.5]}], "truncated": True},
        ],
    }
    bar, box_, pie = chart_of(OURS, told).charts
    assert bar == Chart(type=ChartType.BAR, x=Axis(unit="s"), series=(Series(x=("a",), y=(1,), is_horizontal=True),))
    assert box_.series == (Box(min=0, q1=1, median=2, q3=3, max=4),)
    assert (pie.series, pie.is_truncated) == ((Pie(labels=("a", None), values=(0.5, 0.5)),), True)


@given(kind=st.sampled_from([PLOTLY, ALTAIR, OURS]), value=JSON)
def test_what_is_no_chart_is_none_and_never_fails(kind: str, value: Any) -> None:
    found = Result(mime={}, values={kind: value}).chart
    assert found is None or isinstance(found, Chart)


@given(
    kind=st.sampled_from(["bar", "box", "pie", "scatter"]),
    parts=st.dictionaries(st.sampled_from(["x", "y", "q1", "labels", "values", "mode", "name", "orientation"]), JSON),
)
def test_traces_of_anything_never_fail(kind: str, parts: dict[str, Any]) -> None:
    found = Result(mime={}, values={PLOTLY: {"data": [{"type": kind, **parts}], "layout": parts}}).chart
    assert found is None or isinstance(found, Chart)


@given(mark=st.sampled_from(["bar", "line", "boxplot", "arc"]), x=JSON, y=JSON, rows=JSON)
def test_specifications_of_anything_never_fail(mark: str, x: Any, y: Any, rows: Any) -> None:
    encoding = {"x": x, "y": y, "theta": y, "color": x}
    view = {"mark": mark, "encoding": encoding, "data": {"values": rows}}
    found = Result(mime={}, values={ALTAIR: view}).chart
    assert found is None or isinstance(found, Chart)


@given(numbers=NUMBERS, method=st.sampled_from([amid, between]))
def test_a_box_is_in_order_and_leaves_nothing_out(numbers: list[float], method: Any) -> None:
    found = box("b", numbers, quantile=method)
    assert found is not None
    ends = [float(each) for each in (found.min, found.q1, found.median, found.q3, found.max) if each is not None]
    assert ends == sorted(ends)
    inside = [each for each in numbers if ends[0] <= each <= ends[-1]]
    assert len(inside) + len(found.outliers) == len(numbers)


@given(numbers=NUMBERS)
def test_quantiles_lie_among_the_numbers(numbers: list[float]) -> None:
    ordered = sorted(numbers)
    for method in (amid, between):
        assert ordered[0] <= method(ordered, 0.5) <= ordered[-1]
    assert between(ordered, 0) == ordered[0]
    assert between(ordered, 1) == ordered[-1]


def test_axes_know_units_and_scales() -> None:
    assert axis("Time [ms]", "linear").unit == "ms"
    assert axis("f(x)", "linear") == Axis(label="f(x)", unit="x")
    assert axis(None, "log") == Axis(scale="log")
    assert scale_of(["2024-01-01T10:00:00+01:00"]) == "datetime"
    assert scale_of(["2024-01-01", "later"]) == "categorical"
    assert scale_of([1, None, "Infinity"]) == "linear"
    assert plain([math.nan, math.inf, -math.inf, True]) == (None, "Infinity", "-Infinity", True)
