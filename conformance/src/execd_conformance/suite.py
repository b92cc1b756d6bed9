"""Runs the scenarios of a session under pytest and accounts for every check of each.

Whatever happens to pytest or its workers, each selected scenario has an outcome: one that never told is an error.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from execd_conformance import catalogue
from execd_conformance.catalogue import Scenario
from execd_conformance.collector import Collector
from execd_conformance.given import Given
from execd_conformance.outcome import Outcome
from execd_conformance.result import Result
from execd_conformance.session import Session

FOLDER: Final = Path(__file__).with_name("scenarios")


def run(session: Session, *, workers: int = 0, tell: Callable[[str], None] = lambda _: None) -> Result:
    """Run what the session selects in so many processes, 0: in this one; `tell` hears a sign for each scenario."""
    known = catalogue.load()
    chosen = catalogue.selected(known, profile=session.profile, only=session.only)
    collector = Collector(chosen, tell=tell)
    began = time.monotonic()
    with alone():
        ended = pytest.main(_arguments(chosen, workers), plugins=[collector, Given(session)])
    return Result(
        session=session,
        outcomes=(*collector.outcomes, *untold(chosen, collector), *_faults(ended, collector)),
        notes=("it was interrupted",) if ended == pytest.ExitCode.INTERRUPTED else (),
        seconds=time.monotonic() - began,
        known_features=frozenset(name for each in known for name in each.declared.features),
    )


@contextmanager
def alone() -> Iterator[None]:
    """Run pytest, and its workers, as if nobody had told it anything or installed something beside it."""
    before = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
    for name in before:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            del os.environ[name]
        os.environ |= before


def _faults(ended: int, collector: Collector) -> list[Outcome]:
    if ended in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return []
    why = "; ".join(["", *dict.fromkeys(collector.faults)])
    saw = f"pytest ended with status {int(ended)}{why}"
    return [Outcome(scenario="the_run", variant="", requirement="", area="", status="error", saw=saw)]


def _arguments(chosen: list[Scenario], workers: int) -> list[str]:
    quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    spread = ["-p", "xdist.plugin", "-n", str(workers), "--dist", "worksteal"] if workers else []
    files = dict.fromkeys(str(FOLDER / f"{each.module}.py") for each in chosen)
    return ["-c", str(FOLDER / "pytest.ini"), *quiet, *spread, *files]


def untold(chosen: list[Scenario], collector: Collector) -> list[Outcome]:
    """Return an error for every check of the scenarios that never told."""
    told = {each.scenario for each in collector.outcomes}
    why = "; ".join(dict.fromkeys(collector.faults)) or "its run ended before it"
    return [
        Outcome(
            scenario=each.name,
            variant="",
            requirement=requirement,
            area=each.declared.area,
            status="error",
            saw=f"was not run: {why}",
        )
        for each in chosen
        if each.name not in told
        for requirement in each.declared.proves
    ]
