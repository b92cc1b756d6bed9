"""Directories made."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from execd.errors import FileNotFound, NotADirectory, PathExists
from execd.files.directories import make_all
from execd.files.rights import Rights


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_parents_are_made_and_the_mode_is_that_of_the_last_one(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        make_all({f"{tmp_path}/a/b": Rights(mode=0o2775), f"{tmp_path}/c": Rights()}, parents=True)
    finally:
        os.umask(before)

    assert (mode(tmp_path / "a/b"), mode(tmp_path / "a"), mode(tmp_path / "c")) == (0o2775, 0o700, 0o755)


def test_one_that_exists_gets_what_is_named_and_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o711)

    make_all({f"{tmp_path}/a": Rights()}, parents=True)
    assert mode(tmp_path / "a") == 0o711
    make_all({f"{tmp_path}/a": Rights(mode=0o700)}, parents=True)
    assert mode(tmp_path / "a") == 0o700


def test_without_parents_the_one_above_must_be_there_and_the_path_free(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(FileNotFound):
        make_all({f"{tmp_path}/a/b": Rights()}, parents=False)
    with pytest.raises(NotADirectory):
        make_all({f"{tmp_path}/file/b": Rights()}, parents=False)
    with pytest.raises(PathExists):
        make_all({f"{tmp_path}/file": Rights()}, parents=False)
    make_all({f"{tmp_path}/a": Rights()}, parents=False)
    with pytest.raises(PathExists):
        make_all({f"{tmp_path}/a": Rights()}, parents=False)


@pytest.mark.parametrize("path", ["file", "file/b", "dangling", "dangling/b"])
def test_something_in_the_way_is_a_conflict_and_nothing_is_made(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")

    with pytest.raises(NotADirectory):
        make_all({f"{tmp_path}/new/x": Rights(), f"{tmp_path}/{path}": Rights()}, parents=True)

    assert sorted(os.listdir(tmp_path)) == ["dangling", "file"]
