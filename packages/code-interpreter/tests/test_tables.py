"""Tables, saved results, and what a notebook shows of an execution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from code_interpreter import Column, Result, Table, _html
from code_interpreter._html import seen

from .core.test_execution import execution_of
from .worlds import done, err, failed, init, out, shown

OURS = "application/vnd.execd.table+json"
TOLD: dict[str, Any] = {
    "columns": [
        {"name": "a", "type": "integer", "dtype": "int64"},
        {"name": ["b", 1], "type": "mixed", "dtype": "object"},
    ],
    "rows": [[1, "x"], [2, None]],
    "index": {"names": [None], "labels": ["i", "j"]},
    "total_rows": 1_000_000,
    "total_columns": 2,
    "truncated": True,
}


def table() -> Table:
    found = Result(mime={}, values={OURS: TOLD}).data
    assert found is not None
    return found


def test_a_frame_is_a_table_of_values() -> None:
    found = table()
    assert found.columns[0] == Column(name="a", type="integer", dtype="int64")
    assert (found.rows, found.index) == (((1, "x"), (2, None)), ("i", "j"))
    assert (found.total_rows, found.is_truncated, len(found)) == (1_000_000, True, 2)
    assert found.column("a") == [1, 2]
    assert found.column(["b", 1]) == ["x", None]
    assert list(found)[1] == {"a": 2, "['b', 1]": None}
    assert found.to_dict()["a"] == [1, 2]
    with pytest.raises(KeyError):
        found.column("c")


@pytest.mark.parametrize("value", [None, 3, {}, {**TOLD, "rows": "x"}, {**TOLD, "columns": [{"name": 1}]}])
def test_what_is_no_table_is_none(value: Any) -> None:
    assert Result(mime={}, values={OURS: value}).data is None


def test_a_result_is_saved_as_its_name_asks_for(tmp_path: Path) -> None:
    result = Result(mime={"image/png": "iVBORw0KGgo=", "text/plain": "é"}, values={OURS: TOLD})
    assert result.save(tmp_path / "figure.PNG").read_bytes() == b"\x89PNG\r\n\x1a\n"
    assert result.save(str(tmp_path / "text.txt")).read_text("utf-8") == "é"
    assert result.save(tmp_path / "rows.csv").read_text() == "a,\"['b', 1]\"\n1,x\n2,\n"
    with pytest.raises(ValueError, match=r"figure\.svg: this result has no such form; it has \.png, \.csv, \.txt"):
        result.save(tmp_path / "figure.svg")
    assert not (tmp_path / "figure.svg").exists()


def test_progress_is_seen_as_it_ended() -> None:
    assert seen(" 10%|#  \r100%|###\nnext\x1b[0m") == "100%|###\nnext"
    assert seen("abc\rx\r\n") == "xbc\n"


def test_a_notebook_shows_an_execution_as_if_it_had_run_there() -> None:
    html = execution_of(init(), out("1 < 2\n"), err("1%\r2%\n"), shown("<4>"), done(6, 6))._repr_html_()
    assert "1 &lt; 2" in html
    assert "2%" in html
    assert "1%" not in html
    assert "&lt;4&gt;" in html
    assert "ZeroDivisionError" in execution_of(init(), failed())._repr_html_()


def test_html_and_images_are_shown_as_such() -> None:
    assert _html.result({"text/html": "<b>x</b>", "text/plain": "x"}) == "<b>x</b>"
    assert _html.result({"image/png": "iV\nBO"}) == '<img src="data:image/png;base64,iVBO"/>'
    assert _html.result({"image/svg+xml": "<svg/>", "image/png": "iVBO"}) == "<svg/>"
