"""Gathers what came of every scenario, in the process that reports."""

from __future__ import annotations

import pytest

from execd_conformance.outcome import Outcome
from execd_conformance.plugin import PROPERTY


class Collector:
    """A plugin of pytest's main process."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcomes that a scenario's last report carries."""
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, list):
                self.outcomes += [Outcome.from_dict(each) for each in value]
