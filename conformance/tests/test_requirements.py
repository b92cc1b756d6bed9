"""Reading the requirements."""

from __future__ import annotations

from pathlib import Path

import pytest

from execd_conformance import requirements
from execd_conformance.requirements import Malformed, read

HEAD = "section: Streams\nrequirements:\n"


def written(folder: Path, text: str, name: str = "a.yaml") -> Path:
    (folder / name).write_text(text)
    return folder


def test_a_requirement_has_what_its_file_says(tmp_path: Path) -> None:
    one = "  - {id: a.b, text: It\n     does., compat: true, routes: [GET /x], tests: [f.py::t]}\n"
    other = "  - {id: a.c, text: So., reason: No.}\n"
    first, second = read(written(tmp_path, HEAD + one + other))
    assert (first.id, first.text, first.compat, first.section) == ("a.b", "It does.", True, "Streams")
    assert (first.routes, first.tests, first.reason) == (("GET /x",), ("f.py::t",), "")
    assert (second.compat, second.reason) == (False, "No.")


def test_an_id_is_there_once(tmp_path: Path) -> None:
    written(tmp_path, HEAD + "  - {id: a.b, text: So.}\n")
    written(tmp_path, HEAD + "  - {id: a.b, text: So.}\n", "b.yaml")
    with pytest.raises(Malformed, match=r"b\.yaml: a\.b is there already"):
        list(read(tmp_path))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "section: A", HEAD + "  - {id: a.b}", HEAD + "  - a", HEAD + "  - {id: a.b, text: A., more: 1}"],
)
def test_a_file_of_another_layout_is_told_by_its_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(Malformed, match=r"^a\.yaml: "):
        list(read(written(tmp_path, text)))


def test_those_of_this_tree_are_there() -> None:
    assert len(requirements.load()) > 100
    assert requirements.folder().is_dir()
