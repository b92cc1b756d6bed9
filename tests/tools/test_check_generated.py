"""`tools/check_generated.py` fails for each thing it is there to find, and says what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import check_generated, generate_wire, unasync
from tools.check_generated import spec_routes, stale_structs, unmatched_routes

ROOT = Path(check_generated.__file__).resolve().parent.parent
STRUCTS = "packages/execd/src/execd/_wire.py"
ASYNC, SYNC = unasync.PAIRS[0]


def test_a_struct_file_that_was_edited_is_told(tmp_path: Path) -> None:
    (tmp_path / "_wire.py").write_text("x = 2\n")
    expected = [(tmp_path / "_wire.py", "x = 1\n"), (tmp_path / "missing.py", "")]
    assert list(stale_structs(expected, tmp_path)) == [
        "_wire.py: is not what the spec gives; run `python tools/generate_wire.py`",
        "missing.py: is not what the spec gives; run `python tools/generate_wire.py`",
    ]


def test_routes_are_compared_in_both_directions() -> None:
    spec, served = {("GET", "/a"), ("GET", "/b")}, {("GET", "/b"), ("POST", "/b")}
    unserved, unwritten = unmatched_routes(spec, served)
    assert unserved.startswith("GET /a: in the spec, not served; add it to ROUTES")
    assert unwritten.startswith("POST /b: served, not in the spec; write it into spec/openapi.yaml")


def test_equal_routes_are_no_problem() -> None:
    assert list(unmatched_routes({("GET", "/a")}, {("GET", "/a")})) == []


def test_a_websocket_is_marked_by_an_extension() -> None:
    paths = {"/a": {"parameters": [], "get": {"x-websocket": True}}, "/b": {"get": {}, "put": {}}}
    assert spec_routes({"paths": paths}) == {("WEBSOCKET", "/a"), ("GET", "/b"), ("PUT", "/b")}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that the check looks at, free to be spoilt."""
    ignore = shutil.ignore_patterns("__pycache__")
    trees = ("spec", "tools", "packages/execd/src", *(place for pair in unasync.PAIRS for place in pair))
    for tree in trees:
        if (ROOT / tree).is_dir():
            shutil.copytree(ROOT / tree, tmp_path / tree, ignore=ignore)
    for target in generate_wire.TARGETS:
        (tmp_path / target.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / target.path, tmp_path / target.path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.slow
def test_the_command_finds_every_planted_violation_and_fails(copy: Path) -> None:
    edit(copy / STRUCTS, "\nclass ", "\n\nclass ")
    edit(copy / "spec/openapi.yaml", "  /ping:\n", "  /pong:\n")
    edit(copy / SYNC / "transport.py", "\nclass ", "\n\nclass ")
    (copy / SYNC / "orphan.py").write_text("")
    done = subprocess.run(
        [sys.executable, "tools/check_generated.py"], cwd=copy, capture_output=True, text=True, timeout=55, check=False
    )
    assert done.returncode == 1, done.stderr
    found = done.stdout.splitlines()
    for beginning in (
        f"{STRUCTS}: is not what the spec gives; run `python tools/generate_wire.py`",
        "GET /pong: in the spec, not served; add it to ROUTES in execd/http/routes.py",
        "GET /ping: served, not in the spec; write it into spec/openapi.yaml first",
        f"{SYNC}/transport.py: is not what {ASYNC}/transport.py gives; run `python tools/unasync.py`",
        f"{SYNC}/orphan.py: has no source; remove it",
    ):
        assert [line for line in found if line.startswith(beginning)], beginning
