"""Runs with limits in a real daemon: what is left of their control groups, however daemon and guard end."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from .daemons import LIMIT_S, Daemon, daemon

HIERARCHY = Path("/sys/fs/cgroup/pids")
pytestmark = pytest.mark.skipif(
    not os.access(HIERARCHY / "cgroup.procs", os.W_OK), reason="no control group of version 1 can be made here"
)


def start(running: Daemon, execution_id: str, command: str) -> None:
    fields = {"command": command, "background": True, "execution_id": execution_id, "pids_limit": 40}
    assert running.ask("POST", "/command", body=json.dumps(fields).encode()).status == 200


def homes(running: Daemon) -> list[Path]:
    """Return the groups of this daemon."""
    while True:
        # One may go while this looks into it.
        with suppress(FileNotFoundError):
            return [found for found in HIERARCHY.rglob(f"execd-{running.pid}-*") if found.is_dir()]


def until_gone(running: Daemon) -> None:
    giving_up = time.monotonic() + LIMIT_S
    while homes(running):
        assert time.monotonic() < giving_up, homes(running)


def test_nothing_is_made_before_it_is_asked_for_and_nothing_is_left(tmp_path: Path) -> None:
    with daemon(log=tmp_path / "log") as running:
        assert not homes(running)
        start(running, "a", "sleep 600 & exec sleep 600")
        (home,) = homes(running)
        assert len([below for below in home.iterdir() if below.is_dir()]) == 1
        running.terminate()
        assert running.wait() == 0
        assert not home.exists()


def test_a_daemon_that_is_killed_leaves_no_group_and_nobody_of_a_bomb(tmp_path: Path) -> None:
    with daemon(log=tmp_path / "log") as running:
        start(running, "a", ":(){ :|:& };:")
        (home,) = homes(running)
        (group,) = [below for below in home.iterdir() if below.is_dir()]
        while len((group / "cgroup.procs").read_text().split()) < 20:
            pass
        os.kill(running.pid, signal.SIGKILL)
        assert running.wait() == 128 + signal.SIGKILL
        assert not home.exists()


def test_a_daemon_whose_guard_is_killed_leaves_no_group(tmp_path: Path) -> None:
    with daemon("--kill-grace-ms", "200", log=tmp_path / "log") as running:
        start(running, "a", "exec sleep 600")
        assert homes(running)
        running.process.kill()
        running.wait()
        until_gone(running)


def test_the_next_daemon_removes_what_a_killed_pair_has_left(tmp_path: Path) -> None:
    with daemon(log=tmp_path / "log") as running:
        start(running, "a", "echo $$; exec sleep 600")
        pid = int(running.ask("GET", "/executions/a").json["pid"])
        held = [os.pidfd_open(each) for each in (running.pid, pid)]
        os.kill(running.process.pid, signal.SIGSTOP)
        os.kill(running.pid, signal.SIGKILL)
        running.process.kill()
        running.wait()
        assert homes(running)
        os.kill(pid, signal.SIGKILL)
        for descriptor in held:
            assert select.select([descriptor], [], [], LIMIT_S)[0]
            os.close(descriptor)
        with daemon(log=tmp_path / "log2") as other:
            start(other, "a", "exec sleep 600")
            assert not homes(running)
            assert homes(other)


def test_a_bomb_does_not_hold_the_daemon_up_and_is_stopped(tmp_path: Path) -> None:
    with daemon("--kill-grace-ms", "200", log=tmp_path / "log") as running:
        start(running, "a", "f() { f | f & f | f & }; f; wait")
        for _ in range(20):
            assert (
                running.ask("POST", "/command", body=b'{"command": "echo still here"}').body.count(b"still here") == 1
            )
        assert running.ask("DELETE", "/command?id=a").status == 200
        (home,) = homes(running)
        assert not [below for below in home.iterdir() if below.is_dir()]
