"""Tables, charts and progress bars: what people look at, told as what programs can compute with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from code_interpreter import Box, Chart, CodeExecution, CodeInterpreter, Pie, Series, Table
from execd_conformance.checks import Checks, scenario

_TABLE = "application/vnd.execd.table+json"
_CHART = "application/vnd.execd.chart+json"
_TIMEOUT_S = 60.0
_LIBRARIES = ("libraries",)


@asynccontextmanager
async def _context(interpreter: CodeInterpreter) -> AsyncIterator[str]:
    made = await interpreter.codes.create_context("python")
    try:
        yield made.context_id
    finally:
        await interpreter.codes.delete_context(made.context_id)


async def _run(interpreter: CodeInterpreter, code: str, one: str) -> CodeExecution:
    return await interpreter.codes.run(code, context_id=one, timeout=_TIMEOUT_S)


def _table(ran: CodeExecution) -> Table | None:
    return next((each.data for each in ran.result if each.data is not None), None)


def _chart(ran: CodeExecution) -> Chart | None:
    return next((each.chart for each in ran.result if each.chart is not None), None)


def _xy(chart: Chart | None) -> list[tuple[Any, Any]]:
    series = () if chart is None else chart.series
    return [(list(each.x), list(each.y)) for each in series if isinstance(each, Series)]


@scenario("sdk", "sdk-code.table", "sdk-code.chart", "sdk-code.save")
async def test_data_of_a_result_is_read(checks: Checks, interpreter: CodeInterpreter, tmp_path: Path) -> None:
    """Whoever displays such data is understood, whatever its kernel is."""
    code = f"""
from IPython.display import display
table = {{"columns": [{{"name": "a", "type": "integer", "dtype": "int64"}}], "rows": [[1], [None]], "total_rows": 5,
          "total_columns": 1, "truncated": True}}
chart = {{"type": "bar", "title": "T", "x": {{"label": "k"}}, "y": {{"label": "n (s)", "unit": "s", "scale": "log"}},
          "series": [{{"label": "u", "x": ["p"], "y": [3]}}]}}
display({{"text/plain": "both", "{_TABLE}": table, "{_CHART}": chart}}, raw=True)
"""
    async with _context(interpreter) as one:
        ran = await _run(interpreter, code, one)
    table, chart = _table(ran), _chart(ran)
    told = None if table is None else (table.column("a"), table.total_rows, table.is_truncated)
    checks.equal("sdk-code.table", told, ([1, None], 5, True))
    checks.equal("sdk-code.chart", (_xy(chart), chart and chart.title), ([(["p"], [3])], "T"))
    axis = chart.y if chart else None
    checks.equal("sdk-code.chart", axis and (axis.label, axis.unit, axis.scale), ("n (s)", "s", "log"))
    saved = [_saved(ran, tmp_path / name) for name in ("rows.csv", "a.txt")]
    checks.equal("sdk-code.save", saved, ['a\n1\n""\n', "both"])


def _saved(ran: CodeExecution, path: Path) -> str:
    try:
        return ran.result[0].save(path).read_text()
    except (ValueError, IndexError) as fault:
        return str(fault)


@scenario("code", "cell.rich-unseen", "cell.error-plain")
async def test_what_is_shown_richly_changes_nothing(checks: Checks, interpreter: CodeInterpreter) -> None:
    """Nothing is imported for it, nothing fails over it, and errors are plain."""
    async with _context(interpreter) as one:
        ask = "import sys\n[name for name in ('pandas', 'matplotlib', 'plotly', 'altair') if name in sys.modules]"
        checks.equal("cell.rich-unseen", (await _run(interpreter, ask, one)).text, "[]")
        hostile = "class Frame:\n    def _repr_html_(self): return '<b>'\n    def __repr__(self): return 'f'\nFrame()"
        ran = await _run(interpreter, hostile, one)
        checks.equal("cell.rich-unseen", (ran.text, ran.result[0].html, ran.error), ("f", "<b>", None))
        failed = await _run(interpreter, "\n\ndef f():\n    return 1 / 0\nf()", one)
        trace = "\n".join(failed.error.traceback) if failed.error else ""
        checks.that("cell.error-plain", "\x1b" not in trace and "line 5" in trace and "line 4" in trace, trace)


@scenario("code", "cell.tables", "cell.tables-bound", needs=_LIBRARIES, limit_s=120)
async def test_frames_are_told_as_tables(checks: Checks, interpreter: CodeInterpreter) -> None:
    """The values of a frame, its types, and how much of it is told."""
    frame = """
import pandas as pd, numpy as np
pd.DataFrame({"n": [1, 2], "f": [1.5, float("nan")], "s": ["x", None], "b": [True, False], "i": [np.inf, -np.inf],
              "t": pd.to_datetime(["2024-01-01T10:00", None]).tz_localize("Europe/Berlin")}, index=["p", "q"])
"""
    async with _context(interpreter) as one:
        ran = await _run(interpreter, frame, one)
        found = _table(ran)
        rows = None if found is None else found.rows
        whole = (
            (1, 1.5, "x", True, "Infinity", "2024-01-01T10:00:00+01:00"),
            (2, None, None, False, "-Infinity", None),
        )
        checks.equal("cell.tables", rows, whole)
        types = [] if found is None else [column.type for column in found.columns]
        checks.equal("cell.tables", types, ["integer", "number", "string", "boolean", "number", "datetime"])
        checks.equal("cell.tables", found and (found.index, found.total_rows), (("p", "q"), 2))
        checks.that("cell.tables", ran.result[0].html is not None, ran)
        polars = "import polars as pl\npl.DataFrame({'a': [1, None], 'f': [float('nan'), 2.0]})"
        other = _table(await _run(interpreter, polars, one))
        checks.equal("cell.tables", other and (other.rows, other.total_rows), (((1, None), (None, 2.0)), 2))
        many = _table(await _run(interpreter, "pd.DataFrame(np.zeros((1_000_000, 3)))", one))
        told = many and (0 < len(many) < 10_000, many.total_rows, many.is_truncated)
        checks.equal("cell.tables-bound", told, (True, 1_000_000, True))
        strange = (
            "class Odd:\n    def __str__(self): raise ValueError\n    __repr__ = __str__\npd.DataFrame({'o': [Odd()]})"
        )
        ended = await _run(interpreter, strange, one)
        checks.that("cell.tables", (_table(ended) is not None) or ended.error is not None, ended)


@scenario("code", "cell.charts", "cell.charts-kinds", needs=_LIBRARIES, limit_s=240)
async def test_figures_are_told_as_charts(checks: Checks, interpreter: CodeInterpreter) -> None:
    """The numbers of a chart are those that were drawn, whatever has drawn it."""
    async with _context(interpreter) as one:
        await _run(interpreter, "import matplotlib.pyplot as plt, numpy as np, pandas as pd, datetime", one)
        line = "plt.plot([1, 2, 3], [4, float('nan'), 6], label='a'); plt.xlabel('Time (s)'); plt.yscale('log')"
        ran = await _run(interpreter, f"{line}; plt.show()", one)
        chart = _chart(ran)
        checks.equal("cell.charts", (chart and chart.type.value, _xy(chart)), ("line", [([1, 2, 3], [4, None, 6])]))
        axes = (chart.x, chart.y) if chart else (None, None)
        told = axes[0] and axes[1] and (axes[0].label, axes[0].unit, axes[1].scale)
        checks.equal("cell.charts", told, ("Time (s)", "s", "log"))
        checks.that("cell.charts", ran.result[0].png is not None, ran)
        plotted = {
            "plotly": "import plotly.graph_objects as go\ngo.Figure(go.Bar(x=['p', 'q'], y=np.array([1.5, 2.0])))",
            "altair": "import altair as alt\nalt.Chart(pd.DataFrame({'x': ['p', 'q'], 'y': [1.5, 2.0]})).mark_bar()"
            ".encode(x='x', y='y')",
            "matplotlib": "plt.bar(['p', 'q'], [1.5, 2.0]); plt.show()",
        }
        for library, code in plotted.items():
            chart = _chart(await _run(interpreter, code, one))
            same = (chart and chart.type.value, _xy(chart))
            checks.equal("cell.charts", (library, same), (library, ("bar", [(["p", "q"], [1.5, 2.0])])))
        await _kinds(checks, interpreter, one)


async def _kinds(checks: Checks, interpreter: CodeInterpreter, one: str) -> None:
    dates = "plt.scatter([datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 2)], [1, 2]); plt.show()"
    chart = _chart(await _run(interpreter, dates, one))
    wanted = [(["2024-01-01T00:00:00", "2024-01-02T00:00:00"], [1, 2])]
    checks.equal("cell.charts-kinds", (chart and chart.type.value, _xy(chart)), ("scatter", wanted))
    box = "plt.boxplot([[1, 2, 3, 4, 100], [2, 3, 4, 5, 6]], tick_labels=['p', 'q']); plt.show()"
    chart = _chart(await _run(interpreter, box, one))
    boxes = (
        Box(label="p", min=1, q1=2, median=3, q3=4, max=4, outliers=(100,)),
        Box(label="q", min=2, q1=3, median=4, q3=5, max=6),
    )
    checks.equal("cell.charts-kinds", chart and chart.series, boxes)
    chart = _chart(await _run(interpreter, "plt.pie([1, 3], labels=['a', 'b']); plt.show()", one))
    checks.equal("cell.charts-kinds", chart and chart.series, (Pie(labels=("a", "b"), values=(0.25, 0.75)),))
    two = "f, (a, b) = plt.subplots(1, 2); a.plot([1, 2]); b.bar(['x'], [1]); f.suptitle('S'); plt.show()"
    chart = _chart(await _run(interpreter, two, one))
    parts = None if chart is None else (chart.title, [each.type.value for each in chart.charts])
    checks.equal("cell.charts-kinds", parts, ("S", ["line", "bar"]))
    await _names(checks, interpreter, one)


async def _names(checks: Checks, interpreter: CodeInterpreter, one: str) -> None:
    labelled = {
        "plt.errorbar([1, 2], [3, 4], yerr=1, label='e'); plt.legend()": ["e"],
        "plt.stem([1, 2], [3, 4], label='e')": ["e"],
        "a, = plt.plot([1]); b, = plt.plot([2]); plt.legend([b, a], ['b', 'a'])": ["a", "b"],
        "plt.hist([[1, 2], [2, 2]], label=['a', 'b'], bins=2)": ["a", "b"],
    }
    for code, names in labelled.items():
        chart = _chart(await _run(interpreter, f"{code}; plt.show()", one))
        checks.equal("cell.charts-kinds", [each.label for each in chart.series] if chart else None, names)
    named = "plt.plot([0, 1], [3, 4]); plt.xticks([0, 1], ['Mon', 'Tue'])"
    zoned = "plt.scatter(pd.date_range('2024-01-01', periods=1, tz='Asia/Tokyo'), [1])"
    months = "pd.Series([1, 2], index=pd.period_range('2024-01', periods=2, freq='M')).plot()"
    places = {
        named: (["Mon", "Tue"], "categorical"),
        zoned: (["2024-01-01T00:00:00+09:00"], "datetime"),
        months: (["2024-01-01T00:00:00", "2024-02-01T00:00:00"], "datetime"),
    }
    for code, wanted in places.items():
        chart = _chart(await _run(interpreter, f"{code}; plt.show()", one))
        checks.equal("cell.charts-kinds", chart and chart.x and (_xy(chart)[0][0], chart.x.scale), wanted)
    shared = "f, a = plt.subplots(2); [each.plot([1]) for each in a]; f.supxlabel('Time (s)'); plt.show()"
    chart = _chart(await _run(interpreter, shared, one))
    units = [each.x and each.x.unit for each in chart.charts] if chart else None
    checks.equal("cell.charts-kinds", units, ["s", "s"])
    rings = "plt.pie([1, 1], labels=['a', 'b']); plt.pie([1, 3], radius=0.5)\nplt.legend(['c', 'd']); plt.show()"
    chart = _chart(await _run(interpreter, rings, one))
    sizes = [each.values for each in chart.series if isinstance(each, Pie)] if chart else None
    checks.equal("cell.charts-kinds", sizes, [(0.5, 0.5), (0.25, 0.75)])
    empty = _chart(await _run(interpreter, "plt.boxplot([[1, 2, 3], []]); plt.show()", one))
    checks.equal("cell.charts-kinds", empty and (empty.type.value, len(empty.series)), ("box", 1))
    deep = "plt.figure().add_subplot(projection='3d').plot([1, 2], [3, 4], [5, 6]); plt.show()"
    checks.equal("cell.charts-kinds", _chart(await _run(interpreter, deep, one)), None)


@scenario("code", "cell.rich-forms", "cell.progress", needs=_LIBRARIES, limit_s=120)
async def test_images_formulas_and_progress(checks: Checks, interpreter: CodeInterpreter) -> None:
    """Each library's own form arrives, and what moves is told as it was in the end."""
    async with _context(interpreter) as one:
        image = await _run(interpreter, "from PIL import Image\nImage.new('RGB', (3, 3))", one)
        checks.that("cell.rich-forms", (image.result[0].png or b"").startswith(b"\x89PNG"), image)
        formula = await _run(interpreter, "import sympy\nsympy.symbols('x') ** 2", one)
        checks.that("cell.rich-forms", "x^{2}" in (formula.result[0].latex or ""), formula)
        bar = await _run(interpreter, "from tqdm.auto import tqdm\nfor _ in tqdm(range(3)): pass", one)
        last = bar.result[-1].text if bar.result else bar.stderr.rpartition("\r")[2]
        checks.that("cell.progress", "3/3" in (last or "") and "0/3" not in (last or ""), bar)
        own = "from IPython.display import display\nh = display('0%', display_id=True)"
        shown = await _run(interpreter, f"{own}\nfor n in (50, 100): h.update(f'{{n}}%')", one)
        checks.equal("cell.progress", [each.text for each in shown.result], ["'100%'"])
