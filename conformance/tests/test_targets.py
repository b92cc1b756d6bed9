"""Where daemons come from, and that they end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from execd_conformance import probe
from execd_conformance.opening import open_session
from execd_conformance.session import Session
from execd_conformance.targets import Choice, Misused, Place, Unreachable, choose, variables
from execd_conformance.targets.local import LocalTarget

from .making import session


def test_a_local_daemon_has_its_own_place_and_ends_with_it() -> None:
    daemon = LocalTarget().start(variables({"heartbeat_s": 1}), token="t")
    facts = daemon.place.facts
    assert probe.features(probe.ask(daemon.place)) >= {"replay"}
    assert os.path.isdir(facts["root"])
    daemon.close()
    daemon.close()
    assert not os.path.exists(facts["root"])
    with pytest.raises(Unreachable):
        probe.ask(daemon.place)


def test_what_a_daemon_refuses_is_told() -> None:
    status, log = LocalTarget().refused(variables({"host": "0.0.0.0"}), token=None)
    assert status == 2
    assert "--insecure" in log


def test_one_that_does_not_start_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"did not say that it is ready: .*heartbeat"):
        LocalTarget().start(variables({"heartbeat_s": 100}), token="t")


def test_a_suite_that_is_killed_leaves_no_daemon() -> None:
    code = "from execd_conformance.targets.local import LocalTarget as T\n"
    code += "d = T().start({}, token='t'); print(d.place.facts['guard'], flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as suite:
        assert suite.stdout is not None
        guard = int(suite.stdout.readline())
        pidfd = os.pidfd_open(guard)
        suite.kill()
    try:
        _await_end(guard)
    finally:
        os.close(pidfd)


def _await_end(pid: int) -> None:
    give_up = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]:
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.mark.parametrize("target", ["nowhere", "ftp://h", "http://", "http://h/?a", "http://h h", ""])
def test_what_is_no_target_is_misuse(target: str) -> None:
    with pytest.raises(Misused, match="--target is"):
        choose(Choice(target=target))


def test_a_url_gives_no_further_daemons() -> None:
    target = choose(Choice(target="http://127.0.0.1:1/"))
    assert target.start({}, token=None).place.url == "http://127.0.0.1:1"
    with pytest.raises(Unreachable, match="no further"):
        target.start({"EXECD_HEARTBEAT_S": "1"}, token=None)
    with pytest.raises(Unreachable, match=r"no daemon answers at http://127\.0\.0\.1:1: "):
        open_session(Choice(target="http://127.0.0.1:1"))


def test_a_session_survives_its_journey_to_a_worker() -> None:
    place = Place(url="http://h:1", token="t", facts={"pid": "7"})
    made = session(
        place=place, features=frozenset({"b", "a"}), offers=frozenset({"start"}), only=("x",), version={"a": [1]}
    )
    assert Session.from_json(made.to_json()) == made
