"""The proof as a command: what ends it early, and with which status."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from typing import cast

import pytest

from conformance.tests import odd
from conformance.tests.making import session
from execd_conformance.mutants import prove
from execd_conformance.targets import Misused, Started


class Closed:
    """A daemon that counts how often it is closed."""

    times = 0

    def close(self) -> None:
        self.times += 1


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Closed:
    made = Closed()
    monkeypatch.setattr(prove, "open_session", lambda *_, **__: (cast("Started", made), session()))
    return made


def test_an_interruption_of_pytest_ends_the_proof(daemon: Closed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest, "main", lambda *_, **__: pytest.ExitCode.INTERRUPTED)
    with pytest.raises(KeyboardInterrupt):
        prove.main([])
    assert daemon.times == 1


@pytest.mark.usefixtures("daemon")
def test_a_proof_that_ends_oddly_has_not_succeeded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pytest, "main", lambda *_, **__: pytest.ExitCode.INTERNAL_ERROR)
    assert prove.main([]) == 1
    assert "FAULT     pytest ended with status 3" in capsys.readouterr().out


def test_a_name_that_no_mutant_has_is_misuse() -> None:
    with pytest.raises(Misused, match="no mutant"):
        prove.main(["--only", "no-such-mutant"])


@pytest.mark.timeout(150)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_with_status_130(number: signal.Signals) -> None:
    working = threading.Event()

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        if request.startswith(b"POST"):
            working.set()
        await odd.hangs_on_work(request, writer)

    with odd.serving(answer) as there:
        command = [sys.executable, "-m", "execd_conformance", "mutants", "--target", there.url, "-n", "1"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as proof:
            assert working.wait(100)
            os.kill(proof.pid, number)
            _, said = proof.communicate(timeout=60)
    assert proof.returncode == 130
    assert said.endswith("execd-conformance: interrupted\n")


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_the_parts_of_the_mutants_are_all_of_them(of: int, capsys: pytest.CaptureFixture[str]) -> None:
    listed = []
    for number in range(1, of + 1):
        assert prove.main(["--list", "--part", f"{number}/{of}"]) == 0
        listed += capsys.readouterr().out.splitlines()
    assert prove.main(["--list"]) == 0
    assert sorted(listed) == sorted(capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_a_part_that_is_none_is_bad_usage(part: str) -> None:
    with pytest.raises(SystemExit) as left:
        prove.main(["--list", "--part", part])
    assert left.value.code == 2
