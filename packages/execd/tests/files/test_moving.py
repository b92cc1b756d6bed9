"""Entries from one path to another."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from execd.errors import FileNotFound, InvalidFile, NotADirectory, PathExists, PermissionDenied
from execd.files import moving
from execd.files.moving import move_all


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory on another file system."""
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield Path(directory)


def test_files_and_directories_are_moved_and_parents_made(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/x").write_text("x")

    move_all([(f"{tmp_path}/a", f"{tmp_path}/new/b"), (f"{tmp_path}/d", f"{tmp_path}/e")])

    assert sorted(os.listdir(tmp_path)) == ["e", "new"]
    assert (tmp_path / "new/b").read_text() == "a"
    assert (tmp_path / "e/x").read_text() == "x"


def test_a_link_is_moved_itself(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")

    move_all([(f"{tmp_path}/link", f"{tmp_path}/moved")])

    assert os.readlink(tmp_path / "moved") == "nowhere"


@pytest.mark.parametrize("there", ["file", "directory", "dangling"])
def test_nothing_that_exists_is_replaced(tmp_path: Path, there: str) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "file").write_text("old")
    (tmp_path / "directory").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")

    with pytest.raises(PathExists):
        move_all([(f"{tmp_path}/a", f"{tmp_path}/{there}")])

    assert (tmp_path / "a").read_text() == "a"
    assert (tmp_path / "file").read_text() == "old"


def test_what_appears_between_look_and_move_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)

    with pytest.raises(PathExists):
        move_all([(f"{tmp_path}/a", f"{tmp_path}/b")])

    assert (tmp_path / "b").read_text() == "b"


def test_without_the_system_call_nothing_is_replaced_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "_renameat2", lambda: None)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")

    move_all([(f"{tmp_path}/a", f"{tmp_path}/c")])
    with pytest.raises(PathExists):
        move_all([(f"{tmp_path}/c", f"{tmp_path}/b")])

    assert sorted(os.listdir(tmp_path)) == ["b", "c"]


def test_a_directory_does_not_go_into_itself(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    with pytest.raises(InvalidFile):
        move_all([(f"{tmp_path}/a", f"{tmp_path}/a/b")])


def test_a_file_in_the_way_of_parents_is_a_conflict(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "file").touch()

    with pytest.raises(NotADirectory):
        move_all([(f"{tmp_path}/a", f"{tmp_path}/file/b")])


def test_when_one_move_fails_those_before_it_are_taken_back(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "file").touch()

    with pytest.raises(NotADirectory) as no:
        move_all([(f"{tmp_path}/a", f"{tmp_path}/new/b"), (f"{tmp_path}/file", f"{tmp_path}/file2/../file/x")])

    assert (no.value.details or {})["changed"] == []
    assert sorted(os.listdir(tmp_path)) == ["a", "file"]


def test_a_missing_source_is_found_before_anything_moves(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    with pytest.raises(FileNotFound):
        move_all([(f"{tmp_path}/a", f"{tmp_path}/b"), (f"{tmp_path}/gone", f"{tmp_path}/c")])

    assert os.listdir(tmp_path) == ["a"]


def test_across_file_systems_a_tree_is_copied_whole_then_removed(tmp_path: Path, elsewhere: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep/run").write_bytes(b"x" * 100_000)
    (tree / "deep/run").chmod(0o4751)
    (tree / "deep").chmod(0o2770)
    (tree / "link").symlink_to("deep/run")
    os.utime(tree / "deep/run", ns=(1, 2_000_000_000))

    move_all([(str(tree), f"{elsewhere}/moved/tree")])

    moved = elsewhere / "moved/tree"
    found = (moved / "deep/run").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns, found.st_size) == (0o4751, 2_000_000_000, 100_000)
    assert stat.S_IMODE((moved / "deep").stat().st_mode) == 0o2770
    assert os.readlink(moved / "link") == "deep/run"
    assert not tree.exists()
    assert os.listdir(elsewhere / "moved") == ["tree"]


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("a")

    def full(_source: str, target: str) -> None:
        Path(target).write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(moving, "copy", full)
    with pytest.raises(Exception, match="No space"):
        move_all([(f"{tmp_path}/a", f"{elsewhere}/new/b")])

    assert os.listdir(elsewhere) == []
    assert (tmp_path / "a").read_text() == "a"


def test_what_has_been_carried_away_is_not_lost_when_a_later_move_fails(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/only").write_text("one")
    (tmp_path / "b").touch()
    (tmp_path / "file").touch()

    with pytest.raises(NotADirectory) as no:
        move_all([(f"{tmp_path}/tree", f"{elsewhere}/tree"), (f"{tmp_path}/b", f"{tmp_path}/file/x")])

    assert (elsewhere / "tree/only").read_text() == "one"
    assert (no.value.details or {})["changed"] == [f"{elsewhere}/tree", f"{tmp_path}/tree"]


def test_a_tree_that_cannot_be_removed_after_its_copy_is_not_lost(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/only").write_text("one")

    def half(path: str) -> None:
        os.unlink(f"{path}/only")
        raise OSError(errno.EACCES, "no", path)

    monkeypatch.setattr(moving, "remove_tree", half)
    with pytest.raises(PermissionDenied):
        move_all([(f"{tmp_path}/tree", f"{elsewhere}/tree")])

    assert (elsewhere / "tree/only").read_text() == "one"


def test_pipes_holes_and_names_of_any_kind_are_carried_too(tmp_path: Path, elsewhere: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d").chmod(0o555)
    os.mkfifo(tree / "pipe")
    os.close(os.open(os.fsencode(tree) + b"/\xff\n", os.O_CREAT | os.O_WRONLY))
    with open(tree / "sparse", "wb") as sparse:
        sparse.seek(50_000_000)
        sparse.write(b"end")

    move_all([(str(tree), f"{elsewhere}/tree")])

    moved = elsewhere / "tree"
    assert stat.S_ISFIFO((moved / "pipe").stat().st_mode)
    assert b"\xff\n" in os.listdir(os.fsencode(moved))
    assert (moved / "sparse").stat().st_size == 50_000_003
    assert (moved / "sparse").stat().st_blocks < 1000
    assert stat.S_IMODE((moved / "d").stat().st_mode) == 0o555
    assert not tree.exists()
