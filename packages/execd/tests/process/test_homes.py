"""Where groups of runs are made, by the rules of version 2: no group that limits others has processes of its own."""

from __future__ import annotations

import errno

import pytest

from execd.errors import NotSupported
from execd.process.groups import Place
from execd.process.homes import Home

from .hierarchies import TOP, Unified

GUARD, DAEMON, SHELL, STRANGER = 1, 7, 8, 99


def home(files: Unified, *, family: set[int] | None = None) -> Home:
    found = Home(files, Place(2, TOP), name="it", family=lambda: family or {GUARD, DAEMON, SHELL})
    found.open()
    return found


def test_the_daemon_and_all_that_it_has_started_give_way() -> None:
    files = Unified(GUARD, DAEMON, SHELL)
    ours = home(files)
    ours.serve("memory")
    ours.serve("pids")
    assert files.named("/execd-it/daemon").processes == {GUARD, DAEMON, SHELL}
    assert files.groups[TOP].gives == files.named("/execd-it").gives == {"memory", "pids"}


def test_only_what_is_asked_for_is_given_on() -> None:
    files = Unified(GUARD, DAEMON)
    home(files).serve("pids")
    assert files.named("/execd-it").gives == {"pids"}


def test_a_true_root_gives_on_with_processes_in_it() -> None:
    files = Unified(GUARD, DAEMON, STRANGER, is_true_root=True)
    home(files).serve("memory")
    assert files.groups[TOP].processes == {GUARD, DAEMON, STRANGER}
    assert files.named("/execd-it").gives == {"memory"}


def test_strangers_are_not_moved_and_named_as_the_reason() -> None:
    files = Unified(GUARD, DAEMON, STRANGER)
    with pytest.raises(NotSupported, match="has other processes in it"):
        home(files).serve("memory")
    assert files.groups[TOP].processes == {GUARD, DAEMON, STRANGER}
    assert set(files.groups) == {TOP, f"{TOP}/execd-it"}


def test_a_controller_that_is_not_given_to_us_is_named() -> None:
    with pytest.raises(NotSupported, match="pids is not given"):
        home(Unified(GUARD, DAEMON, controllers=("memory",))).serve("pids")


def test_a_process_that_is_started_meanwhile_moves_too() -> None:
    files = Unified(GUARD, DAEMON)
    born = iter([{SHELL}])
    move = files.write

    def write(path: str, text: str) -> None:
        move(path, text)
        if path.endswith("cgroup.procs"):
            files.groups[TOP].processes |= next(born, set())

    files.write = write  # type: ignore[method-assign]
    home(files).serve("memory")
    assert files.named("/daemon").processes == {GUARD, DAEMON, SHELL}


def test_what_a_daemon_has_left_that_is_no_more_is_removed() -> None:
    files = Unified(GUARD)
    for directory in ("execd-old", "execd-old/1", "execd-used", "execd-used/1", "others"):
        files.make(f"{TOP}/{directory}")
    files.locked.add(f"{TOP}/execd-used")
    home(files)
    assert set(files.groups) == {
        TOP,
        *(f"{TOP}/{name}" for name in ("execd-it", "execd-used", "execd-used/1", "others")),
    }


def test_what_somebody_still_lives_in_is_left() -> None:
    files = Unified(GUARD)
    files.make(f"{TOP}/execd-old")
    files.make(f"{TOP}/execd-old/1")
    files.groups[f"{TOP}/execd-old/1"].processes.add(STRANGER)
    home(files)
    assert f"{TOP}/execd-old/1" in files.groups


def test_it_is_gone_when_somebody_clears_it_away_and_when_it_is_closed() -> None:
    files = Unified(GUARD)
    closed, cleared = home(files), home(files)
    assert (closed.is_there, cleared.is_there) == (True, True)
    closed.close()
    assert set(files.groups) == {TOP}
    assert not cleared.is_there


def test_a_refusal_of_the_system_is_passed_on() -> None:
    files = Unified(GUARD)
    files.refuses["make"] = errno.EROFS
    with pytest.raises(OSError, match="Read-only"):
        home(files)
