"""Values for tests of the suite's core."""

from __future__ import annotations

from execd_conformance.checks import Checks, Declared, Status
from execd_conformance.outcome import Outcome
from execd_conformance.result import Result
from execd_conformance.session import Session
from execd_conformance.targets import Choice, Place


def checks(*proves: str) -> Checks:
    return Checks(Declared(area="streams", proves=proves))


def outcome(
    name: str, status: Status = "passed", *, saw: str = "", area: str = "streams", variant: str = ""
) -> Outcome:
    scenario, _, requirement = name.partition("/")
    return Outcome(scenario=scenario, variant=variant, requirement=requirement, area=area, status=status, saw=saw)


def session(**fields: object) -> Session:
    known: dict[str, object] = {"choice": Choice(target="http://h:1"), "place": Place(url="http://h:1", token=None)}
    return Session(**{**known, **fields})  # type: ignore[arg-type]


def result(*outcomes: Outcome, **fields: object) -> Result:
    return Result(session=session(**fields), outcomes=outcomes, known_features=frozenset({"replay", "output"}))
