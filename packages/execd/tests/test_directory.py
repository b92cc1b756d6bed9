"""The directory of sockets: private, short, made anew when it is gone, cleared of what the dead have left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from execd.directory import Directory


def test_it_is_private_and_lies_where_it_was_wanted(short_path: Path) -> None:
    directory = Directory([str(short_path)])
    first, second = Path(directory.name()), Path(directory.name())
    assert first.parent == second.parent != short_path
    assert first.name != second.name
    assert first.parent.parent == short_path
    assert first.parent.stat().st_mode & 0o777 == 0o700
    directory.remove()
    assert list(short_path.iterdir()) == []


def test_a_parent_whose_path_is_too_long_or_that_cannot_be_written_is_passed_over(short_path: Path) -> None:
    (short_path / "file").touch()
    directory = Directory([str(short_path / ("x" * 100)), str(short_path / "file" / "in it"), str(short_path)])
    name = directory.name()
    assert name.startswith(f"{short_path}/execd-k-")
    assert len(name) + len("-5") <= 107
    directory.remove()


def test_it_is_made_anew_when_somebody_has_removed_it(short_path: Path) -> None:
    directory = Directory([str(short_path)])
    shutil.rmtree(Path(directory.name()).parent)
    assert Path(directory.name()).parent.is_dir()
    directory.remove()


def test_what_a_dead_daemon_left_is_removed_and_what_a_living_one_has_is_not(short_path: Path) -> None:
    left = short_path / "execd-k-left"
    left.mkdir()
    (left / "k-1-1").touch()
    living = Directory([str(short_path)])
    name = Path(living.name())
    assert not left.exists()
    another = Directory([str(short_path)])
    another.name()
    assert name.parent.is_dir()
    another.remove()
    living.remove()


def test_a_link_that_looks_like_one_is_not_followed(short_path: Path) -> None:
    (short_path / "precious").mkdir()
    (short_path / "execd-k-link").symlink_to(short_path / "precious")
    directory = Directory([str(short_path)])
    directory.name()
    assert (short_path / "precious").is_dir()
    directory.remove()


def test_a_machine_without_a_temporary_directory_has_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError

    monkeypatch.setattr("tempfile.gettempdir", none)
    directory = Directory([])
    directory._parents.remove("/tmp")
    assert directory.name().startswith("/dev/shm/execd-k-")
    directory.remove()


def test_without_any_place_the_reason_is_told(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (short_path / "file").touch()
    directory = Directory([])
    directory._parents = [str(short_path / "file" / "a"), os.devnull]
    with pytest.raises(OSError, match=r"[Nn]ot a directory|File exists"):
        directory.name()


def test_daemons_that_start_at_once_do_not_take_each_others_for_left_behind(short_path: Path) -> None:
    script = (
        "import os, sys\nfrom execd.directory import Directory\nmade = []\n"
        "for _ in range(50):\n    made.append(Directory([sys.argv[1]])); place = os.path.dirname(made[-1].name())\n"
        "    assert os.path.isdir(place), place\nassert all(os.path.isdir(each._path) for each in made)\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, str(short_path)]) for _ in range(3)]
    assert [process.wait(timeout=30) for process in started] == [0, 0, 0]
