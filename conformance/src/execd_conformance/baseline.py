"""Expected failures: a file that names checks which a daemon is known to fail, each with the reason.

    expected:
      - check: a_command_streams/stream.init-first
        reason: This daemon sends its id later.

A failure that is expected is counted apart. One that passes is stale and fails, so that the file says what is true; one
that names no check of the suite is an error. What was not run here proves nothing either way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from execd_conformance.outcome import Outcome
from execd_conformance.targets import Misused

_LAYOUT: Final = "has `expected:`, a list of `check:` and `reason:`"


def read(path: Path) -> dict[str, str]:
    """Return the reasons by check; `Misused` where the file is not as it should be."""
    try:
        document: Any = yaml.safe_load(path.read_text("utf-8"))
    except OSError as fault:
        raise Misused(f"{path}: {fault.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise Misused(f"{path}: {' '.join(str(fault).split())}") from None
    if not isinstance(document, dict) or set(document) != {"expected"}:
        raise Misused(f"{path}: {_LAYOUT}")
    reasons: dict[str, str] = {}
    entries = document["expected"] or []
    if not isinstance(entries, list):
        raise Misused(f"{path}: {_LAYOUT}")
    for entry in entries:
        check, reason = _entry(path, entry)
        if check in reasons:
            raise Misused(f"{path}: {check} is there twice")
        reasons[check] = reason
    return reasons


def _entry(path: Path, entry: Any) -> tuple[str, str]:
    if not isinstance(entry, dict) or set(entry) != {"check", "reason"}:
        raise Misused(f"{path}: {_LAYOUT}, unlike {entry!r:.120}")
    check, reason = entry["check"], entry["reason"]
    if not (isinstance(check, str) and isinstance(reason, str) and reason.strip()):
        raise Misused(f"{path}: every entry says which check and why, unlike {entry!r:.120}")
    return check, " ".join(reason.split())


def apply(outcomes: Iterable[Outcome], reasons: Mapping[str, str], *, known: Collection[str]) -> list[Outcome]:
    """Return the outcomes with expected failures marked, stale expectations failed, and unknown ones as errors.

    A check has several outcomes where its scenario has variants: it is as expected if one of them fails.
    """
    outcomes = list(outcomes)
    failing = {each.name for each in outcomes if each.status == "failed"}
    return [_expected(each, reasons, failing) for each in outcomes] + [
        _unknown(check, reason) for check, reason in reasons.items() if check not in known
    ]


def _expected(outcome: Outcome, reasons: Mapping[str, str], failing: Collection[str]) -> Outcome:
    reason = reasons.get(outcome.name)
    if reason is None:
        return outcome
    if outcome.status == "failed":
        return outcome.with_status("expected", f"{outcome.saw} — {reason}")
    if outcome.status == "passed" and outcome.name not in failing:
        return outcome.with_status("failed", f"passes, and the baseline expects it to fail: {reason}")
    return outcome


def _unknown(check: str, reason: str) -> Outcome:
    scenario, _, requirement = check.partition("/")
    return Outcome(
        scenario=scenario,
        variant="",
        requirement=requirement,
        area="",
        status="error",
        saw=f"the baseline names it, and there is no such check ({reason})",
    )
