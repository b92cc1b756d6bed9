"""What came of each check: values that travel from the process that ran a scenario to the one that reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from execd_conformance.checks import Checks, Status, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One requirement in one scenario."""

    scenario: str
    """Name of the test function without `test_`."""
    variant: str
    """What stood in its brackets, or nothing."""
    requirement: str
    area: str
    status: Status
    saw: str = ""
    """What was seen, or why it was skipped or left out."""

    @property
    def name(self) -> str:
        """The check's name, the same for all variants; baselines and mutants use it."""
        return f"{self.scenario}/{self.requirement}"

    @property
    def full_name(self) -> str:
        """The check's name with its variant."""
        return f"{self.scenario}{f'[{self.variant}]' if self.variant else ''}/{self.requirement}"

    def with_status(self, status: Status, saw: str) -> Self:
        """Return it judged otherwise."""
        return replace(self, status=status, saw=saw)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can carry it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Return what `as_dict` made into a dictionary."""
        return cls(**fields)


def split(test_name: str) -> tuple[str, str]:
    """Return a test's scenario and variant.

    >>> split("test_a_command_streams[sync]")
    ('a_command_streams', 'sync')
    """
    found = re.fullmatch(r"(?:test_)?([^\[]*)(?:\[(.*)\])?", test_name, re.DOTALL)
    return (found[1], found[2] or "") if found else (test_name, "")


def of_all(test_name: str, checks: Checks, status: Status, why: str) -> Iterator[Outcome]:
    """Yield the same outcome for everything that a scenario declares."""
    scenario, variant = split(test_name)
    for requirement in checks.declared.proves:
        yield Outcome(
            scenario=scenario,
            variant=variant,
            requirement=requirement,
            area=checks.declared.area,
            status=status,
            saw=why,
        )


def settle(test_name: str, checks: Checks, stopped: str | None) -> list[Outcome]:
    """Decide what came of a scenario that ran; `stopped` is what it raised, if it did.

    What stopped it has failed everything that was not recorded by then. If all was recorded and held, the exception
    would be lost: then it fails all. A scenario that records what it does not declare, or misses what it does, is a
    fault of the suite.
    """
    scenario, variant = split(test_name)
    judged = {requirement: _judged(checks, requirement, stopped) for requirement in checks.declared.proves}
    if stopped is not None and all(status == "passed" for status, _ in judged.values()):
        judged = dict.fromkeys(judged, ("failed", stopped))
    outcomes = [
        Outcome(
            scenario=scenario,
            variant=variant,
            requirement=requirement,
            area=checks.declared.area,
            status=status,
            saw=saw,
        )
        for requirement, (status, saw) in judged.items()
    ]
    return outcomes + [
        Outcome(
            scenario=scenario, variant=variant, requirement="", area=checks.declared.area, status="error", saw=fault
        )
        for fault in dict.fromkeys(checks.faults)
    ]


def _judged(checks: Checks, requirement: str, stopped: str | None) -> tuple[Status, str]:
    seen = checks.seen.get(requirement)
    if not seen:
        return ("error", "the scenario ended without recording it") if stopped is None else ("failed", stopped)
    for each in seen:
        if not each.ok:
            return "failed", each.saw
    return "passed", seen[-1].saw


def told(fault: BaseException) -> str:
    """Return an exception as a report may print it, with the scenario's line that it came out of."""
    text = shown(str(fault)) or type(fault).__name__
    text = text if type(fault).__name__ in {"Broken", text} else f"{type(fault).__name__}: {text}"
    trace, line = fault.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "/scenarios/" in name:
            line = f" ({name.rpartition('/')[2]}:{trace.tb_lineno})"
        trace = trace.tb_next
    return text + line
