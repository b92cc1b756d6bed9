# Generated from packages/sdk/tests/_async/test_execd_trees.py by tools/unasync.py; do not edit.
"""Changes of files and directories of a real daemon, lists and searches."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensandbox import FileInfo, SandboxSync
from opensandbox.exceptions import (
    DirectoryNotEmptyException,
    FileNotFoundException,
    InvalidRequestException,
    IsADirectoryException,
    NotADirectoryException,
    PathExistsException,
)

from ..conftest import RunningDaemon


@pytest.fixture
def sandbox(execd: RunningDaemon) -> Iterator[SandboxSync]:
    with SandboxSync.connect(execd.url, access_token=execd.token) as sandbox:
        yield sandbox


@pytest.fixture
def place(execd: RunningDaemon) -> Path:
    """A directory of the test's own in the sandbox."""
    return Path(tempfile.mkdtemp(dir=execd.root))


def below(entry: FileInfo, place: Path) -> str:
    return entry.path.removeprefix(f"{place}/")


def test_directories_are_made_listed_and_removed(sandbox: SandboxSync, place: Path) -> None:
    files = sandbox.files
    files.create_directory(place / "a", mode=0o2750)
    files.create_directory(place / "b/c", parents=True)
    files.create_directory(place / "b/c", parents=True)
    assert (place / "a").stat().st_mode & 0o7777 == 0o2750
    assert [entry.name for entry in files.list_directory(place)] == ["a", "b"]
    deep = files.list_directory(place, depth=2)
    assert [(below(entry, place), entry.is_directory) for entry in deep] == [
        ("a", True),
        ("b", True),
        ("b/c", True),
    ]

    with pytest.raises(PathExistsException):
        files.create_directory(place / "a")
    with pytest.raises(FileNotFoundException):
        files.create_directory(place / "x/y")
    with pytest.raises(DirectoryNotEmptyException):
        files.delete_directory(place / "b")
    files.delete_directory(place / "b", recursive=True)
    files.delete_directory(place / "b", recursive=True)
    assert os.listdir(place) == ["a"]


def test_files_are_searched_from_the_longest_part_without_a_wildcard(sandbox: SandboxSync, place: Path) -> None:
    for path in ("top.py", "src/a.py", "src/deep/b.py", "src/deep/c.txt", "we[i]rd/d.py"):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).touch()

    def found(pattern: str, limit: int | None = None) -> list[str]:
        entries = sandbox.files.search(f"{place}/{pattern}", limit=limit)
        return [below(entry, place) for entry in entries]

    assert found("**/*.py") == ["src/a.py", "src/deep/b.py", "top.py", "we[i]rd/d.py"]
    assert found("**/*.py", limit=2) == ["src/a.py", "src/deep/b.py"]
    assert found("*.py") == ["top.py"]
    assert found("src/*/{b,c}.*") == ["src/deep/b.py", "src/deep/c.txt"]
    assert found("src/a.py") == ["src/a.py"]
    assert found("we\\[i\\]rd/*") == ["we[i]rd/d.py"]
    with pytest.raises(FileNotFoundException):
        found("gone/*.py")


def test_names_that_are_no_text_are_listed_and_removed(sandbox: SandboxSync, place: Path) -> None:
    os.mkdir(os.fsencode(place) + b"/\xff$ ~\n")

    [entry] = sandbox.files.list_directory(place)
    sandbox.files.delete_directory(entry.path)

    assert os.listdir(place) == []


def test_rights_are_set_one_by_one(sandbox: SandboxSync, place: Path) -> None:
    path = place / "file"
    path.touch(0o600)
    sandbox.files.set_permissions(path, mode=0o4755)
    assert path.stat().st_mode & 0o7777 == 0o4755
    owner = (sandbox.files.get_info(path)).owner
    sandbox.files.set_permissions(path, owner=owner)
    assert path.stat().st_mode & 0o7777 == 0o4755
    with pytest.raises(InvalidRequestException):
        sandbox.files.set_permissions(path, owner="no such user")
    with pytest.raises(FileNotFoundException):
        sandbox.files.set_permissions(place / "gone", mode=0o600)
    with pytest.raises(ValueError, match="mode"):
        sandbox.files.set_permissions(path, mode=0o10000)


def test_entries_move_and_nothing_is_replaced(sandbox: SandboxSync, place: Path) -> None:
    (place / "a").write_text("a")
    (place / "b").write_text("b")
    sandbox.files.move(place / "a", place / "new/a")
    assert (place / "new/a").read_text() == "a"
    with pytest.raises(PathExistsException):
        sandbox.files.move(place / "new/a", place / "b")
    with pytest.raises(FileNotFoundException):
        sandbox.files.move(place / "gone", place / "c")


def test_text_is_exchanged_and_counted(sandbox: SandboxSync, place: Path) -> None:
    (place / "conf").write_text("one ä one")
    assert sandbox.files.replace(place / "conf", "one", "two") == 2
    assert (place / "conf").read_text() == "two ä two"
    assert sandbox.files.replace(place / "conf", "one", "two") == 0
    with pytest.raises(ValueError, match="old"):
        sandbox.files.replace(place / "conf", "", "x")
    with pytest.raises(IsADirectoryException):
        sandbox.files.replace(place, "a", "b")


def test_files_and_links_are_removed(sandbox: SandboxSync, place: Path) -> None:
    (place / "directory").mkdir()
    (place / "link").symlink_to("directory")
    sandbox.files.delete_file(place / "link")
    sandbox.files.delete_file(place / "link")
    with pytest.raises(IsADirectoryException):
        sandbox.files.delete_file(place / "directory")
    (place / "file").touch()
    with pytest.raises(NotADirectoryException):
        sandbox.files.delete_directory(place / "file")
    assert sorted(os.listdir(place)) == ["directory", "file"]
