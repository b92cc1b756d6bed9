"""Walks through trees of any kind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from execd.files.walk import open_root, walk

from .worlds import as_nobody

NAMES = st.text("abc.~\x01ä", min_size=1, max_size=3).filter(lambda name: name.strip("."))
TREES = st.recursive(st.none(), lambda below: st.dictionaries(NAMES, below), max_leaves=12)


def found(root: Path | str, *, max_depth: int | None = None) -> list[str]:
    return [found.path for found in walk(open_root(str(root)), max_depth=max_depth)]


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def make(root: Path, tree: object) -> list[str]:
    """Make a tree and return the paths that a walk has to yield, in order."""
    if not isinstance(tree, dict):
        root.write_text("")
        return []
    root.mkdir(exist_ok=True)
    return [
        path
        for name in sorted(tree)
        for path in (name, *(f"{name}/{below}" for below in make(root / name, tree[name])))
    ]


@given(TREES)
def test_everything_is_found_once_in_lexical_order_a_directory_before_what_is_in_it(tree: object) -> None:
    with tempfile.TemporaryDirectory() as directory:
        expected = make(Path(directory) / "root", {"top": tree})

        assert found(Path(directory) / "root") == expected


def test_a_depth_bounds_a_walk(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)

    assert found(tmp_path, max_depth=1) == ["a"]
    assert found(tmp_path, max_depth=2) == ["a", "a/b"]


def test_links_are_told_and_never_entered(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/loop").symlink_to("..")
    (tmp_path / "dangling").symlink_to("nowhere")

    assert found(tmp_path) == ["a", "a/loop", "dangling"]


def test_a_tree_may_be_deeper_than_a_path_may_be_long(tmp_path: Path) -> None:
    name = "d" * 250
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(40):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)

    assert len(found(tmp_path)) == 40


def test_what_may_not_be_read_is_told_and_its_content_left_out(open_directory: Path) -> None:
    (open_directory / "closed/secret").mkdir(parents=True)
    (open_directory / "closed").chmod(0)
    (open_directory / "open").write_text("")

    paths = as_nobody(
        """
        from execd.files.walk import open_root, walk
        print([found.path for found in walk(open_root(sys.argv[1]))])
        """,
        str(open_directory),
    )
    (open_directory / "closed").chmod(0o700)

    assert paths == "['closed', 'open']"


def test_what_vanishes_during_a_walk_is_left_out(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("")
    walking = walk(open_root(str(tmp_path)))

    assert next(walking).path == "a"
    (tmp_path / "b/x").unlink()
    (tmp_path / "b").rmdir()

    assert [entry.path for entry in walking] == ["a/x", "b", "c", "c/x"]


def test_a_walk_that_is_given_up_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    before = open_descriptors()
    walking = walk(open_root(str(tmp_path)))
    next(walking)
    next(walking)

    walking.close()

    assert open_descriptors() == before


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\n")

    assert found(tmp_path) == ["\udcff\n"]
