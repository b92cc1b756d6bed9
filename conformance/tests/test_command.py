"""The command in this process, with what its run comes to put in its hands."""

from __future__ import annotations

import signal
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


@pytest.fixture
def stubborn(monkeypatch: pytest.MonkeyPatch) -> None:
    came = result(outcome("a/x.x"))
    monkeypatch.setattr(
        command, "open_session", lambda *_, **__: (cast("Started", Stubborn(came.session)), came.session)
    )
    monkeypatch.setattr(suite, "run", lambda *_, **__: came)
    monkeypatch.setattr(probe, "require", lambda _: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)


@pytest.mark.usefixtures("stubborn")
def test_a_daemon_that_cannot_be_closed_loses_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--target", "local"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "Note: the daemon could not be closed: OSError: the engine is away" in said
    assert said[-1] == "1 passed, 0 failed, 0 expected, 0 skipped, 0 errors"
