"""With `EXECD_REQUIRE_ALL=1` a test that is skipped has failed: on that machine everything was to be there.

Examples in docstrings that say `+SKIP` (they would need a sandbox) are prose, not tests.
"""

from __future__ import annotations

import doctest
import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

REQUIRE_ALL = os.environ.get("EXECD_REQUIRE_ALL", "") == "1"

# No test asserts a time, and a machine may be busy; the default loop is to stay short, CI looks longer.
settings.register_profile("loop", deadline=None, max_examples=30)
settings.register_profile("ci", deadline=None)
settings.load_profile("ci" if REQUIRE_ALL else "loop")


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if not (isinstance(item, pytest.DoctestItem) and _is_prose(item.dtest))]
    for item in items:
        if item.path.parent.name == "_sync" and item.path.name.startswith("test_execd"):
            # With real daemons and kernels the default loop runs one colour: the twin of what is hand-written can wait.
            item.add_marker(pytest.mark.slow)


def _is_prose(examples: doctest.DocTest | None) -> bool:
    return examples is not None and all(each.options.get(doctest.SKIP) for each in examples.examples)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"EXECD_REQUIRE_ALL=1 allows no skips. {why}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, pytest.CollectReport]:
    report: pytest.CollectReport = yield
    _refuse_skip(report)
    return report
