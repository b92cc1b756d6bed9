"""The report for people: what failed and what was seen, what was not run and why, what the daemon lacks, the score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from execd_conformance import __version__
from execd_conformance.checks import Status, shown
from execd_conformance.outcome import Outcome
from execd_conformance.requirements import Requirement
from execd_conformance.result import COUNTED, Result, score

_WITH_DETAILS: Final[tuple[tuple[Status, str], ...]] = (
    ("failed", "Failed"),
    ("error", "Errors of the suite itself"),
    ("expected", "Failed as the baseline expects"),
)
FIGURES: Final = ("cell.time", "cell.steady")
"""Requirements whose checks tell what they have measured."""
_WITH_REASONS: Final[tuple[tuple[Status, str], ...]] = (
    ("skipped", "Skipped, for what the daemon does not announce"),
    ("left out", "Left out, for what this target cannot give"),
)


def lines(result: Result, texts: Mapping[str, Requirement]) -> Iterator[str]:
    """Yield the report, line by line; the last one is the score."""
    for status, title in _WITH_DETAILS:
        yield from _details(title, result.having(status), texts)
    for status, title in _WITH_REASONS:
        yield from _by_reason(title, result.having(status))
    yield from _figures(result)
    yield from _daemon(result)
    yield from _table(result)
    yield from (f"Note: {note}" for note in result.notes)
    yield ""
    yield result.line


def _details(title: str, outcomes: list[Outcome], texts: Mapping[str, Requirement]) -> Iterator[str]:
    if not outcomes:
        return
    yield f"{title} ({len(outcomes)})"
    for area, group in groupby(outcomes, key=lambda each: each.area):
        yield f"  {area or 'no area'}"
        before = None
        for each in group:
            yield f"    {each.full_name}"
            if (requirement := texts.get(each.requirement)) is not None:
                yield f"      rule: {requirement.text}{' [compat]' if requirement.compat else ''}"
            yield f"      {'saw' if each.status != 'error' else 'why'}:  {_saw(each, before)}"
            before = each
    yield ""


def _saw(outcome: Outcome, before: Outcome | None) -> str:
    if before is not None and outcome.saw and (before.scenario, before.saw) == (outcome.scenario, outcome.saw):
        return "the same"
    return outcome.saw or "nothing that could be shown"


def _by_reason(title: str, outcomes: list[Outcome]) -> Iterator[str]:
    if not outcomes:
        return
    yield f"{title} ({len(outcomes)})"
    reasons: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in outcomes:
        scenario = each.scenario + (f"[{each.variant}]" if each.variant else "")
        reasons[each.saw][scenario].append(each.requirement)
    for reason, names in reasons.items():
        yield f"  {reason}"
        yield from (f"    {scenario}: {', '.join(ids)}" for scenario, ids in names.items())
    yield ""


def _figures(result: Result) -> Iterator[str]:
    """Yield what was measured, also where it is well."""
    measured = [each for each in result.having("passed") if each.requirement in FIGURES]
    if measured:
        yield "Measured"
        yield from (f"  {each.variant or each.scenario}: {each.saw}" for each in measured)
        yield ""


def _daemon(result: Result) -> Iterator[str]:
    session = result.session
    yield f"The daemon at {session.url} ({shown(session.choice.target)}), asked by execd-conformance {__version__}"
    if session.version:
        languages = session.version.get("languages")
        told = ", ".join(shown(str(each)) for each in languages) if isinstance(languages, list) else ""
        yield f"  version {shown(str(session.version.get('version')))}, languages: {told or 'none'}"
        yield f"  announces: {', '.join(map(shown, sorted(session.features))) or 'nothing'}"
    else:
        yield "  has no GET /version, so it announces none of the extensions"
    yield f"  lacks: {', '.join(result.lacking) or 'nothing that the suite asks for'}"
    yield ""


def _table(result: Result) -> Iterator[str]:
    heads = ("passed", "failed", "expected", "skipped", "errors", "left out")
    yield f"{'area':<12}{'score':>7}" + "".join(f"{head:>10}" for head in heads)
    for area in [*result.areas(), None]:
        counts = result.counts(area)
        numbers = "".join(f"{counts[status]:>10}" for status in (*COUNTED, "left out"))
        yield f"{area or 'all':<12}{score(counts):>7}{numbers}"
