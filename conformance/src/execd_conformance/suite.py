"""Runs the scenarios of a session under pytest and accounts for every check of each.

Whatever happens to pytest or its workers, each selected scenario has an outcome: one that never told is an error.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
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
    before = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    # What whoever runs this has installed beside it has no say: not here, and not in the workers.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        ended = pytest.main(_arguments(chosen, workers), plugins=[collector, Given(session)])
    finally:
        if before is None:
            del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
    return Result(
        session=session,
        outcomes=(*collector.outcomes, *untold(chosen, collector)),
        notes=("it was interrupted",) if ended == pytest.ExitCode.INTERRUPTED else (),
        seconds=time.monotonic() - began,
        known_features=frozenset(name for each in known for name in each.declared.features),
    )


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
