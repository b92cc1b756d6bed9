"""The command in this process, with what its run comes to put in its hands."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import cast

import pytest

from execd_conformance import __main__ as command
from execd_conformance import probe, suite
from execd_conformance.session import Session
from execd_conformance.targets import Started

from .making import outcome, result


class Stubborn:
    """A daemon that cannot be closed."""

    def __init__(self, session: Session) -> None:
        self.place = session.place

    def log(self) -> str:
        return ""

    def close(self) -> None:
        raise OSError("the engine is away")


@pytest.fixture(autouse=True)
def _signals_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)


@pytest.fixture
def stubborn(monkeypatch: pytest.MonkeyPatch) -> None:
    came = result(outcome("a/x.x"))
    monkeypatch.setattr(
        command, "open_session", lambda *_, **__: (cast("Started", Stubborn(came.session)), came.session)
    )
    monkeypatch.setattr(suite, "run", lambda *_, **__: came)
    monkeypatch.setattr(probe, "require", lambda _: None)


@pytest.mark.usefixtures("stubborn")
def test_a_daemon_that_cannot_be_closed_loses_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--target", "local"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "Note: the daemon could not be closed: OSError: the engine is away" in said
    assert said[-1] == "1 passed, 0 failed, 0 expected, 0 skipped, 0 errors"


@pytest.mark.parametrize("option", ["--junit", "--json"])
def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    option: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "open_session", lambda *_, **__: pytest.fail("it was begun"))
    assert command.main(["--target", "local", option, str(tmp_path)]) == 2
    assert f"cannot write {tmp_path}: Is a directory" in capsys.readouterr().err


@pytest.mark.usefixtures("stubborn")
def test_a_disk_that_fills_meanwhile_loses_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--target", "local", "--json", "/dev/full"]) == 2
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "1 passed, 0 failed, 0 expected, 0 skipped, 0 errors"
    assert "cannot write /dev/full: No space left on device" in err
