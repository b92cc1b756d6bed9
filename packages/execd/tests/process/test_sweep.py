from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from execd.process import sweep
from execd.process.child import Child, Program, spawn
from execd.process.members import Census, Process, look, take_census
from execd.process.sweep import Survey, Sweep

from .rooms import LIMIT_S, alive, descriptors, until

MARK = uuid.uuid4().hex


@pytest.fixture
def leader() -> Iterator[Child]:
    environment = {"PATH": os.environ["PATH"], "EXECD_EXECUTION_ID": MARK}
    many = "for i in $(seq 20); do sleep 600 & setsid sleep 600 & done; echo ready; exec sleep 600"
    child = spawn(Program(argv=["bash", "-c", many], environment=environment, directory="/"))
    os.set_blocking(child.stdout, True)
    assert os.read(child.stdout, 100) == b"ready\n"
    yield child
    os.close(child.stdout)
    os.close(child.stderr)
    child.signal_group(signal.SIGKILL)
    child.reap()


async def _end(leader: Child, *signals: signal.Signals) -> None:
    gone = asyncio.Event()
    failures: list[Exception] = []
    ending = Sweep(leader, MARK, Survey(), gone=gone.set, failed=failures.append)
    for number in signals:
        ending.send(number)
    ending.watch()
    async with asyncio.timeout(LIMIT_S):
        await gone.wait()
    ending.close()
    assert failures == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_everyone_is_gone_when_that_is_said(leader: Child, number: signal.Signals) -> None:
    before = descriptors()
    members = take_census().members(leader.pid, MARK)
    assert len(members) == 40
    await _end(leader, number)
    assert not any(alive(member.pid) for member in members)
    assert descriptors() == before


async def test_more_members_than_are_watched_at_once_are_ended_too(
    leader: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "WATCHED_AT_ONCE", 3)
    watching = _watching(leader)
    await until(lambda: watching._watched)
    assert len(watching._watched) == 3
    watching.close()
    await _end(leader, signal.SIGTERM)
    assert take_census().members(leader.pid, MARK) == []


async def test_without_descriptors_it_is_tried_again(leader: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = iter([OSError(24, "planted")] * 60)
    real = os.pidfd_open

    def refuse_at_first(pid: int, flags: int = 0) -> int:
        if refusal := next(refusals, None):
            raise refusal
        return real(pid, flags)

    monkeypatch.setattr(os, "pidfd_open", refuse_at_first)
    await _end(leader, signal.SIGTERM)
    assert take_census().members(leader.pid, MARK) == []


def _watching(leader: Child) -> Sweep:
    def never(_: object = None) -> None:
        pytest.fail("it said something")

    watching = Sweep(leader, MARK, Survey(), gone=never, failed=never)
    watching.watch()
    return watching


async def test_a_closed_sweep_says_nothing_more(leader: Child) -> None:
    watching = _watching(leader)
    watching.send(signal.SIGKILL)
    watching.close()
    await _end(leader, signal.SIGKILL)


async def test_a_sweep_that_is_closed_while_it_waits_gives_back_its_descriptors(leader: Child) -> None:
    before = descriptors()
    watching = _watching(leader)
    await until(lambda: watching._watched)
    watching.close()
    assert descriptors() == before
    await _end(leader, signal.SIGKILL)


def test_who_has_taken_over_a_number_is_not_signalled() -> None:
    with subprocess.Popen(["sleep", "600"]) as stranger:
        now = look(stranger.pid)
        assert now
        before = descriptors()
        assert sweep._hold(now._replace(start=now.start - 1)) is None
        assert descriptors() == before
        stranger.kill()


def test_a_process_that_has_gone_cannot_be_held() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert sweep._hold(Process(gone.pid, "S", 1, 1, 1, 1)) is None


async def test_one_census_serves_all_who_ask_in_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    real = take_census

    def counted(*, root: int | None = None) -> Census:
        taken.append(root)
        return real(root=root)

    monkeypatch.setattr(sweep, "take_census", counted)
    survey = Survey(root=1)
    answers: list[Census] = []
    for _ in range(10):
        survey.ask(answers.append)
    await until(lambda: len(answers) == 10)
    survey.ask(answers.append)
    await until(lambda: len(answers) == 11)
    assert taken == [1, 1]
