"""Every selected scenario is accounted for, whatever happens to the run."""

from __future__ import annotations

import pytest

from execd_conformance import suite
from execd_conformance.catalogue import Scenario
from execd_conformance.checks import Declared
from execd_conformance.collector import Collector
from execd_conformance.plugin import PROPERTY

from .making import outcome


def scenario(name: str) -> Scenario:
    return Scenario(name=name, module="test_streams", declared=Declared(area="streams", proves=("x.y", "x.z")))


def report(name: str, when: str, *carried: object) -> pytest.TestReport:
    properties = [(PROPERTY, [each.as_dict() for each in carried])] if carried else []  # type: ignore[attr-defined]
    return pytest.TestReport(
        nodeid=f"scenarios/test_streams.py::test_{name}",
        location=("test_streams.py", 0, name),
        keywords={},
        outcome="failed",
        longrepr=None,
        when=when,  # type: ignore[arg-type]
        user_properties=properties,
    )


def collected(*reports: pytest.TestReport) -> tuple[Collector, str]:
    signs: list[str] = []
    collector = Collector([scenario("a_run"), scenario("b_run")], tell=signs.append)
    for each in reports:
        collector.pytest_runtest_logreport(each)
    return collector, "".join(signs)


def test_outcomes_come_with_a_scenarios_last_report() -> None:
    carried = outcome("a_run/x.y"), outcome("a_run/x.z", "failed", saw="7")
    collector, signs = collected(
        report("a_run", "setup"), report("a_run", "call"), report("a_run", "teardown", *carried)
    )
    assert collector.outcomes == list(carried)
    assert signs == "F"


def test_a_scenario_whose_process_died_is_an_error_for_each_of_its_checks() -> None:
    collector, signs = collected(report("a_run[sync]", "???"))
    assert [(each.full_name, each.status) for each in collector.outcomes] == [
        ("a_run[sync]/x.y", "error"),
        ("a_run[sync]/x.z", "error"),
    ]
    assert signs == "E"


def test_one_that_never_told_is_an_error_with_what_went_wrong() -> None:
    collector, _ = collected(report("a_run", "teardown", outcome("a_run/x.y"), outcome("a_run/x.z")))
    collector.faults.append("test_streams.py: SyntaxError: no")
    missing = suite.untold([scenario("a_run"), scenario("b_run")], collector)
    assert [each.name for each in missing] == ["b_run/x.y", "b_run/x.z"]
    assert {(each.status, each.saw) for each in missing} == {("error", "was not run: test_streams.py: SyntaxError: no")}


def test_a_fault_of_pytest_is_kept_and_not_printed() -> None:
    collector, _ = collected()
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("within\npytest")
    assert collector.pytest_internalerror(caught)
    assert collector.faults == ["RuntimeError: within\\npytest"]
