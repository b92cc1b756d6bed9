"""Watches of real directories."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from execd.errors import FileNotFound, NotADirectory
from execd.files.changed import MODIFY, OVERFLOW, Change, Directories, Raw, without_repeats
from execd.files.hidden import new_name
from execd.files.staging import Staged, Wish
from execd.files.watch import Watch

LIMIT_MS = 5000


@pytest.fixture
def watching() -> Iterator[Callable[..., Watch]]:
    watches: list[Watch] = []

    def start(root: Path, *, recursive: bool = True) -> Watch:
        watches.append(Watch(str(root), recursive=recursive))
        return watches[-1]

    yield start
    for watch in watches:
        watch.close()


def changes(watch: Watch, *, until: Change) -> list[Change]:
    """Return what happens, up to what is waited for."""
    found: list[Change] = []
    poll = select.poll()
    poll.register(watch.fd, select.POLLIN)
    while not any(change[:3] == until[:3] for change in found):
        assert watch.behind or poll.poll(LIMIT_MS), f"{until} does not come after {found}"
        found += watch.changes()
    return found


def told(found: list[Change]) -> list[str]:
    return [" ".join(filter(None, change[:3])) for change in found if change.type != "modified"]


def test_what_happens_is_told_in_order(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    watch = watching(tmp_path)
    (tmp_path / "a").write_text("a")
    (tmp_path / "a").rename(tmp_path / "b")
    (tmp_path / "b").write_text("more")
    (tmp_path / "b").chmod(0o600)
    (tmp_path / "b").unlink()

    found = changes(watch, until=Change("removed", "b"))

    assert told(found) == ["created a", "moved a b", "removed b"]
    assert Change("modified", "b") in found


def test_names_of_our_own_are_not_told(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    watch = watching(tmp_path)
    found: list[Change] = []
    for kind in ("created", "modified"):
        staged = Staged(f"{tmp_path}/file", wish=Wish(create_mode=0o644))
        staged.write(b"new")
        staged.publish()
        found += changes(watch, until=Change(kind, "file"))
    abandoned = Staged(f"{tmp_path}/never", wish=Wish(create_mode=0o644))
    abandoned.seal()
    abandoned.abandon()
    (tmp_path / new_name()).mkdir()
    (tmp_path / "#12").touch()

    found += changes(watch, until=Change("created", "#12"))

    assert [change[:2] for change in found if change != Change("modified", "#12")] == [
        ("created", "file"),
        ("modified", "file"),
        ("created", "#12"),
    ]


def test_directories_that_are_new_are_looked_into(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    watch = watching(tmp_path)
    (tmp_path / "x/y/z").mkdir(parents=True)
    (tmp_path / "x/y/z/file").touch()

    first = changes(watch, until=Change("created", "x/y/z/file"))
    (tmp_path / "x/y/later").touch()
    then = changes(watch, until=Change("created", "x/y/later"))

    assert told(first) == ["created x", "created x/y", "created x/y/z", "created x/y/z/file"]
    assert told(then) == ["created x/y/later"]


def test_a_directory_that_moves_is_known_by_its_new_name(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    (tmp_path / "old/deep").mkdir(parents=True)
    watch = watching(tmp_path)
    (tmp_path / "old").rename(tmp_path / "new")
    changes(watch, until=Change("moved", "old", "new"))
    (tmp_path / "new/deep/file").touch()

    assert told(changes(watch, until=Change("created", "new/deep/file"))) == ["created new/deep/file"]


def test_a_directory_that_moves_before_it_is_looked_into_is_looked_into(
    tmp_path: Path, watching: Callable[..., Watch]
) -> None:
    watch = watching(tmp_path)
    (tmp_path / "x/y").mkdir(parents=True)
    (tmp_path / "x/y/z").touch()
    (tmp_path / "x").rename(tmp_path / "w")

    found = changes(watch, until=Change("created", "w/y/z"))
    (tmp_path / "w/y/later").touch()

    assert told(found) == ["created x", "moved x w", "created w/y", "created w/y/z"]
    assert told(changes(watch, until=Change("created", "w/y/later"))) == ["created w/y/later"]


def test_half_a_move_is_gone_or_new(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "leaves/deep").mkdir(parents=True)
    (outside / "comes").mkdir(parents=True)
    (outside / "comes/file").touch()
    watch = watching(root)

    (root / "leaves").rename(outside / "left")
    assert told(changes(watch, until=Change("removed", "leaves"))) == ["removed leaves"]
    (outside / "left/deep/file").touch()
    (outside / "comes").rename(root / "came")
    assert told(changes(watch, until=Change("created", "came/file"))) == ["created came", "created came/file"]


def test_only_the_directory_itself_where_that_is_asked_for(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    (tmp_path / "x").mkdir()
    watch = watching(tmp_path, recursive=False)
    (tmp_path / "x/inside").touch()
    (tmp_path / "y").mkdir()
    (tmp_path / "y/inside").touch()
    (tmp_path / "last").touch()

    assert told(changes(watch, until=Change("created", "last"))) == ["created y", "created last"]


def test_links_are_told_and_not_followed(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").mkdir()
    watch = watching(tmp_path / "root")
    (tmp_path / "root/link").symlink_to("../elsewhere")
    (tmp_path / "elsewhere/file").touch()
    (tmp_path / "root/last").touch()

    assert told(changes(watch, until=Change("created", "last"))) == ["created link", "created last"]


def test_a_watch_is_over_when_its_directory_is_gone(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    (tmp_path / "root").mkdir()
    watch = watching(tmp_path / "root")
    (tmp_path / "root").rmdir()

    changes(watch, until=Change("removed", ""))

    assert watch.over


def test_names_that_are_no_text_are_told(tmp_path: Path, watching: Callable[..., Watch]) -> None:
    watch = watching(tmp_path)
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\n")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\n/in")

    assert told(changes(watch, until=Change("created", "\udcff\n/in")))[-1] == "created \udcff\n/in"


def test_what_cannot_be_watched_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(FileNotFound):
        Watch(str(tmp_path / "gone"), recursive=True)
    with pytest.raises((NotADirectory, FileNotFound)):
        Watch(str(tmp_path / "file"), recursive=True)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_loss_is_told() -> None:
    directories = Directories()
    directories.add(1, "")

    assert list(directories.changes([Raw(-1, OVERFLOW, 0, "")])) == [Change("overflow")]


def test_a_file_that_is_written_in_many_steps_is_modified_once() -> None:
    steps = [Change("created", "a"), *[Change("modified", "a"), Change("modified", "b")] * 3, Change("removed", "a")]

    assert list(without_repeats(steps)) == [Change("created", "a"), Change("modified", "b"), Change("removed", "a")]


def test_events_of_directories_that_are_forgotten_are_nothing() -> None:
    directories = Directories()
    directories.add(1, "")
    directories.add(2, "a")
    directories.add(3, "a/b")
    directories.add(4, "ab")

    assert directories.below("a") == [2, 3]
    assert list(directories.changes([Raw(3, MODIFY, 0, "x"), Raw(4, MODIFY, 0, "x")])) == [Change("modified", "ab/x")]
