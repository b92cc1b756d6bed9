"""What a run of the suite came to: every outcome, counted; reports only word it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from execd_conformance.checks import AREAS, Status
from execd_conformance.outcome import Outcome
from execd_conformance.session import Session

COUNTED: Final[tuple[Status, ...]] = ("passed", "failed", "expected", "skipped", "error")
"""What the last line counts; what is left out is listed and not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run that is over."""

    session: Session
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()
    """What befell the run itself: the daemon ended, somebody interrupted it."""
    seconds: float = 0.0
    known_features: frozenset[str] = field(default_factory=frozenset)
    """The features that scenarios ask for."""

    def having(self, status: Status) -> list[Outcome]:
        """Return the outcomes of a status, by area and name."""
        place = {area: number for number, area in enumerate(AREAS)}
        found = [each for each in self.outcomes if each.status == status]
        return sorted(found, key=lambda each: (place.get(each.area, len(place)), each.full_name))

    def counts(self, area: str | None = None) -> Counter[Status]:
        """Return how many outcomes have each status, of one area or of all."""
        return Counter(each.status for each in self.outcomes if area is None or each.area == area)

    def areas(self) -> list[str]:
        """Return the areas of which there are outcomes."""
        present = {each.area for each in self.outcomes}
        return [area for area in AREAS if area in present]

    @property
    def lacking(self) -> list[str]:
        """The features that scenarios ask for and the daemon does not announce."""
        return sorted(self.known_features - self.session.features)

    @property
    def status(self) -> int:
        """The exit status: 0 where nothing failed."""
        counts = self.counts()
        return int(bool(counts["failed"] or counts["error"]))

    @property
    def line(self) -> str:
        """The last line of every report."""
        counts = self.counts()
        passed, failed, expected, skipped, errors = (counts[status] for status in COUNTED)
        return f"{passed} passed, {failed} failed, {expected} expected, {skipped} skipped, {errors} errors"


def score(counts: Counter[Status]) -> str:
    """Return how much of what was judged held, in percent, rounded down; `-` where nothing was judged.

    >>> score(Counter(passed=2, failed=1, skipped=5))
    '66 %'
    """
    judged = counts["passed"] + counts["failed"] + counts["expected"] + counts["error"]
    return f"{100 * counts['passed'] // judged} %" if judged else "-"


def refuse_skips(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Make failures of what was skipped: on that machine everything was to be there."""
    return [
        each.with_status("failed", f"EXECD_REQUIRE_ALL=1 allows no skips: {each.saw}")
        if each.status == "skipped"
        else each
        for each in outcomes
    ]
