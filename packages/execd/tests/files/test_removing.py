"""Entries taken away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from execd.errors import DirectoryNotEmpty, IsADirectory, NotADirectory, PermissionDenied
from execd.files.removing import remove_directories, remove_files

from .worlds import as_nobody


def test_files_and_links_go_and_what_is_missing_is_fine(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "dangling").symlink_to("nowhere")

    remove_files([f"{tmp_path}/{name}" for name in ("file", "link", "dangling", "gone", "file", "target/gone/x")])

    assert os.listdir(tmp_path) == ["target"]


def test_a_directory_is_found_before_any_file_goes(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()

    with pytest.raises(IsADirectory):
        remove_files([f"{tmp_path}/file", f"{tmp_path}/directory"])

    assert (tmp_path / "file").exists()


def test_a_tree_goes_and_what_its_links_lead_to_stays(tmp_path: Path) -> None:
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/x").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/kept").touch()
    (tmp_path / "tree/link").symlink_to("../other")

    remove_directories([f"{tmp_path}/tree", f"{tmp_path}/gone"], recursive=True)

    assert os.listdir(tmp_path) == ["other"]
    assert os.listdir(tmp_path / "other") == ["kept"]


def test_what_is_no_directory_is_found_before_any_goes(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "link").symlink_to("tree")

    with pytest.raises(NotADirectory):
        remove_directories([f"{tmp_path}/tree", f"{tmp_path}/link"], recursive=True)

    assert (tmp_path / "tree").is_dir()


def test_only_empty_ones_go_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()

    with pytest.raises(DirectoryNotEmpty):
        remove_directories([f"{tmp_path}/empty", f"{tmp_path}/full"], recursive=False)
    assert (tmp_path / "empty").is_dir()

    remove_directories([f"{tmp_path}/empty"], recursive=False)
    assert os.listdir(tmp_path) == ["full"]


@pytest.mark.parametrize("path", ["/", "/tmp/.."])
def test_the_root_is_not_removed(path: str) -> None:
    with pytest.raises(PermissionDenied):
        remove_directories([path], recursive=False)


def test_what_cannot_be_removed_is_named(open_directory: Path) -> None:
    (open_directory / "tree/closed").mkdir(parents=True, mode=0o777)
    (open_directory / "tree/closed/kept").touch()
    (open_directory / "tree").chmod(0o777)
    (open_directory / "tree/closed").chmod(0o555)

    told = as_nobody(
        """
        from execd.errors import ExecdError
        from execd.files.removing import remove_directories
        try:
            remove_directories([sys.argv[1]], recursive=True)
        except ExecdError as no:
            print(no.code, no.details["path"])
        """,
        f"{open_directory}/tree",
    )

    assert told == f"PERMISSION_DENIED {open_directory}/tree/closed/kept"
