"""What became of a mutant: caught by the checks that must catch it, or missed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from execd_conformance.mutants.mutant import Mutant
from execd_conformance.mutants.plugin import HEALTHY
from execd_conformance.mutants.plugin import PROPERTY as MUTANT
from execd_conformance.outcome import Outcome
from execd_conformance.plugin import PROPERTY as OUTCOMES


@dataclass(slots=True, eq=False)
class Tally:
    """Gathers outcomes per mutant, in the process that reports."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a scenario's last report carries."""
        told = dict(report.user_properties)
        if OUTCOMES in told:
            of_mutant = self.outcomes.setdefault(str(told.get(MUTANT)), [])
            of_mutant += [Outcome.from_dict(each) for each in told[OUTCOMES]]  # type: ignore[attr-defined]

    def renew(self, other: Tally) -> None:
        """Put a second look in the place of the first, scenario by scenario."""
        for name, seen in other.outcomes.items():
            again = {each.scenario for each in seen}
            kept = [each for each in self.outcomes.get(name, []) if each.scenario not in again]
            self.outcomes[name] = kept + seen

    def green(self, check: str) -> bool:
        """Whether a check passed on the healthy daemon, in every variant."""
        return all(each.status == "passed" for each in self._of(HEALTHY, check))

    def red(self, name: str, check: str) -> bool:
        """Whether a check failed on a mutant, in every variant."""
        seen = self._of(name, check)
        return bool(seen) and all(each.status == "failed" for each in seen)

    def left_out(self, check: str) -> bool:
        """Whether the target cannot give what a check needs."""
        seen = self._of(HEALTHY, check)
        return bool(seen) and all(each.status in {"left out", "skipped"} for each in seen)

    def _of(self, name: str, check: str) -> list[Outcome]:
        return [each for each in self.outcomes.get(name, []) if each.name == check]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a mutant fared."""

    name: str
    caught: tuple[str, ...]
    missed: tuple[str, ...]
    """Checks that must have failed and did not."""
    left_out: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether it was seen by all that could look."""
        return bool(self.caught) and not self.missed


def verdict(tally: Tally, mutant: Mutant) -> Verdict:
    """Judge one mutant by the checks that it lists."""
    out = tuple(check for check in mutant.reddens if tally.left_out(check))
    rest = [check for check in mutant.reddens if check not in out]
    return Verdict(
        name=mutant.name,
        caught=tuple(check for check in rest if tally.red(mutant.name, check)),
        missed=tuple(check for check in rest if not tally.red(mutant.name, check)),
        left_out=out,
    )


def doubtful(tally: Tally, mutant: Mutant) -> bool:
    """Whether a busy machine may be to blame: a check was missed, or a scenario failed with nothing broken."""
    sick = {each.scenario for each in unhealthy(tally)}
    return bool(verdict(tally, mutant).missed) or any(check.partition("/")[0] in sick for check in mutant.reddens)


def unhealthy(tally: Tally) -> list[Outcome]:
    """Return what was not green where nothing was broken."""
    return [each for each in tally.outcomes.get(HEALTHY, []) if each.status in {"failed", "error"}]


def reds(tally: Tally, name: str) -> list[str]:
    """Return the checks that failed on a mutant and passed on the healthy daemon."""
    failed: Iterable[str] = dict.fromkeys(each.name for each in tally.outcomes.get(name, []) if each.status == "failed")
    return [check for check in failed if tally.green(check)]
