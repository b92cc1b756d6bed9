"""Gathers what came of every scenario, in the process that reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from execd_conformance.catalogue import Scenario
from execd_conformance.checks import shown
from execd_conformance.outcome import Outcome, split
from execd_conformance.plugin import PROPERTY


class Collector:
    """A plugin of pytest's main process; nothing that goes wrong under it reaches the terminal as a traceback."""

    def __init__(self, chosen: Iterable[Scenario], *, tell: Callable[[str], None]) -> None:
        self.outcomes: list[Outcome] = []
        self.faults: list[str] = []
        """What went wrong with the run itself."""
        self._chosen = {each.name: each for each in chosen}
        self._tell = tell

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcomes that a scenario's last report carries; one whose process died has none."""
        carried: Any = dict(report.user_properties).get(PROPERTY, ())
        came = [Outcome.from_dict(each) for each in carried]
        if report.when not in {"setup", "call", "teardown"}:
            came = self._died(report)
        if came:
            self.outcomes += came
            self._tell(_sign(came))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a file of scenarios cannot be read."""
        if report.failed:
            self.faults.append(f"{report.nodeid}: {shown(report.longreprtext.strip().rpartition(chr(10))[2])}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Keep what went wrong within pytest."""
        self.faults.append(shown(f"{excinfo.typename}: {excinfo.value}"))
        return True

    def pytest_keyboard_interrupt(self) -> None:
        """Keep that somebody stopped it."""
        self.faults.append("the run was interrupted")

    def _died(self, report: Any) -> list[Outcome]:
        scenario, variant = split(report.nodeid.rpartition("::")[2])
        declared = self._chosen[scenario].declared if scenario in self._chosen else None
        return [
            Outcome(
                scenario=scenario,
                variant=variant,
                requirement=requirement,
                area=declared.area if declared is not None else "",
                status="error",
                saw="the process that ran it died",
            )
            for requirement in (declared.proves if declared is not None else ("",))
        ]


def _sign(came: list[Outcome]) -> str:
    statuses = {each.status for each in came}
    for status, sign in (("error", "E"), ("failed", "F"), ("skipped", "s"), ("left out", "-")):
        if status in statuses:
            return sign
    return "."
