"""What is displayed carries data beside its other forms; the libraries themselves are tried in the image."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import execd.kernel.spec

from .worlds import World

TABLE = "application/vnd.execd.table+json"
# Types are known by their names, so these are pandas and ipywidgets as far as a kernel is concerned.
FRAME = """
import sys, types
core = types.ModuleType('pandas.core.frame')
class DataFrame:
    def __repr__(self): return 'a frame'
    def _repr_html_(self): return '<table>'
    columns = ()
    @property
    def iloc(self): raise RuntimeError('broken')
DataFrame.__module__ = 'pandas.core.frame'
DataFrame.__qualname__ = 'DataFrame'
core.DataFrame = DataFrame
sys.modules['pandas.core.frame'] = core
"""
WIDGET = """
import sys, types
widgets = types.ModuleType('ipywidgets.widgets.widget')
class Bar:
    done = 0
    def __repr__(self): return f'{self.done}%'
    def _repr_mimebundle_(self, **_):
        view = {'version_major': 2, 'version_minor': 0, 'model_id': 'm1'}
        return {'text/plain': repr(self), 'application/vnd.jupyter.widget-view+json': view}
bar = Bar()
widgets._instances = {'m1': bar}
sys.modules['ipywidgets.widgets.widget'] = widgets
"""


@pytest.fixture(scope="module")
def shown() -> Iterator[ModuleType]:
    place = Path(execd.kernel.spec.RESOURCES)
    sys.path.insert(0, str(place))
    try:
        yield importlib.import_module("shown.tables")
    finally:
        sys.path.remove(str(place))


async def test_a_frame_that_cannot_be_told_is_shown_as_ever(kernels: World) -> None:
    context = await kernels.create()
    told = await kernels.run(f"{FRAME}\nDataFrame()", context)
    (shown,) = [event for event in told if event["type"] == "result"]
    assert shown["results"]["text/html"] == "<table>"
    assert TABLE not in shown["results"]
    assert told.end["cause"] == "completed"
    assert told.stderr == ""


async def test_a_widget_says_in_the_end_what_it_has_become(kernels: World) -> None:
    told = await kernels.run(f"{WIDGET}\nfrom IPython.display import display\ndisplay(bar)\nbar.done = 100")
    first, last = [event for event in told if event["type"] == "result"]
    assert (first["results"]["text/plain"], last["results"]["text/plain"]) == ("0%", "100%")
    assert last["update"]
    assert last["display_id"] == first["display_id"]


async def test_nothing_is_imported_and_nothing_is_seen(kernels: World) -> None:
    ask = (
        "import sys\nprint([m for m in sys.modules if m.startswith(('pandas', 'matplotlib.', 'ipywidgets', '_execd'))])"
    )
    assert (await kernels.run(ask)).stdout == "[]\n"
    assert (await kernels.run("[name for name in dir() if 'execd' in name.lower()]")).result == "[]"


async def test_an_error_is_told_without_colours_unless_they_are_asked_for(kernels: World) -> None:
    context = await kernels.create()
    plain = (await kernels.run("\n\n1 / 0", context)).end["error"]
    assert not [line for line in plain["traceback"] if "\x1b" in line]
    assert "line 3" in "".join(plain["traceback"])
    assert (await kernels.run("\n%%bash\necho magic", context)).stdout == "magic\n"
    assert (await kernels.run("\n  \n  x = 1\n  x", context)).result == "1"
    await kernels.run("%colors linux", context)
    assert [line for line in (await kernels.run("1 / 0", context)).end["error"]["traceback"] if "\x1b" in line]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.dates() | st.timedeltas()
    | st.decimals() | st.complex_numbers() | st.binary() | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    max_leaves=20,
)  # fmt: skip


@given(value=VALUES)
def test_whatever_a_cell_of_a_frame_holds_is_told_as_json(shown: ModuleType, value: Any) -> None:
    told = shown.Values().plain(value)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_hostile_values_are_told_too(shown: ModuleType) -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    values = shown.Values()
    assert [values.plain(each) for each in (float("nan"), float("inf"), -float("inf"))] == [
        None,
        "Infinity",
        "-Infinity",
    ]
    assert values.plain(Mute()) == "<Mute>"
    assert values.plain(dt.timedelta(seconds=-1.5)) == "-PT1.5S"
    zone = dt.timezone(dt.timedelta(hours=1))
    assert values.plain(dt.datetime(2024, 1, 1, tzinfo=zone)) == "2024-01-01T00:00:00+01:00"
    assert not values.cut
    assert values.plain("x" * 20_000) == f"{'x' * 10_000}…"
    assert values.cut
    looped: list[Any] = []
    looped.append(looped)
    json.dumps(values.plain(looped))


@given(sizes=st.lists(st.integers(0, 400_000), max_size=12))
def test_rows_end_where_the_bound_says_so(shown: ModuleType, sizes: list[int]) -> None:
    rows, whole = shown._rows([("x" * min(size, 10_000),) * (1 + size // 10_000) for size in sizes])
    assert len(rows) <= len(sizes)
    assert len(rows) >= bool(sizes)
    assert sum(len(text) for row in rows[1:] for text in row) <= shown.BYTES
    assert whole
