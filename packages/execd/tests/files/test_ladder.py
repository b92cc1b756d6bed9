"""Trees deeper than a path may be long, and than there are descriptors."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from execd.files.clearing import remove_tree
from execd.files.copying import copy
from execd.files.ladder import OPEN, Ladder
from execd.files.walk import open_root, walk

NAME = "d" * 255
DEPTH = 3 * OPEN


@pytest.fixture
def deep() -> Iterator[Path]:
    """A directory with others one in the other, each with a file that comes after them."""
    # Not one of pytest's: those are removed by paths.
    root = Path(tempfile.mkdtemp())
    ladder = Ladder(open_root(str(root)))
    for number in range(DEPTH):
        os.mkdir(NAME, dir_fd=ladder.directory)
        os.close(os.open(f"e{number}", os.O_CREAT | os.O_WRONLY, 0o640, dir_fd=ladder.directory))
        ladder.down(NAME)
    ladder.close()
    yield root
    remove_tree(str(root))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_walk_comes_back_to_every_level_with_few_descriptors(deep: Path) -> None:
    before = descriptors()
    most = 0
    names = []
    for found in walk(open_root(str(deep))):
        most = max(most, descriptors() - before)
        # It is where it says.
        assert stat.S_ISDIR(os.lstat(found.name, dir_fd=found.directory).st_mode) is found.is_directory
        names.append(found.name)

    assert names == [NAME] * DEPTH + [f"e{number}" for number in reversed(range(DEPTH))]
    assert most <= OPEN + 1
    assert descriptors() == before


def test_a_deep_tree_is_copied_and_removed(deep: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy"

    copy(str(deep), str(copied))
    try:
        there = [found.path for found in walk(open_root(str(copied)))]
        assert there == [found.path for found in walk(open_root(str(deep)))]
    finally:
        remove_tree(str(copied))

    assert not copied.exists()


def test_when_a_directory_is_moved_away_meanwhile_the_rest_of_its_way_is_left_out(deep: Path, tmp_path: Path) -> None:
    names = []
    for found in walk(open_root(str(deep))):
        names.append(found.name)
        if found.name == NAME and found.path.count("/") == DEPTH - 1:
            # Everything from the second level on goes elsewhere.
            os.rename(deep / NAME / NAME, tmp_path / "elsewhere")
    remove_tree(f"{tmp_path}/elsewhere")

    # What was open or can still be reached is told; the level that it was moved out of cannot, the root always can.
    assert names[:DEPTH] == [NAME] * DEPTH
    assert names[-1] == "e0"
    assert "e1" not in names
