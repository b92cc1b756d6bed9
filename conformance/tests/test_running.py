"""pytest under the suite: its surroundings, and what it ends with."""

from __future__ import annotations

import os

import pytest

from execd_conformance import suite

from .making import session


def test_the_callers_surroundings_are_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-x")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "no")
    before = dict(os.environ)
    with suite.alone():
        assert "PYTEST_ADDOPTS" not in os.environ
        assert os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] == "1"
    assert dict(os.environ) == before


@pytest.mark.parametrize(("code", "errors"), [(0, 0), (1, 0), (3, 1), (4, 1), (5, 1)])
def test_a_run_that_ends_oddly_is_a_fault(code: int, errors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "untold", lambda *_: [])
    monkeypatch.setattr(pytest, "main", lambda *_, **__: code)
    came = suite.run(session(only=("ping_is_alive",)))
    assert (came.counts()["error"], came.status) == (errors, errors)
