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

settings.register_profile("busy", deadline=None)  # no test asserts a time, and a machine may be busy
settings.load_profile("busy")

REQUIRE_ALL = os.environ.get("EXECD_REQUIRE_ALL", "") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if not (isinstance(item, pytest.DoctestItem) and _is_prose(item.dtest))]


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
