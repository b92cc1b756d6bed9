"""What people read, and its last line."""

from __future__ import annotations

import re

from execd_conformance import report
from execd_conformance.checks import Status
from execd_conformance.requirements import Requirement
from execd_conformance.result import Result, refuse_skips, score

from .making import outcome, result

TEXTS = {"x.x": Requirement(id="x.x", text="It does.", section="Streams", compat=True)}


def told(made: Result) -> str:
    return "\n".join(report.lines(made, TEXTS))


def test_the_last_line_counts_everything_but_what_is_left_out() -> None:
    statuses: tuple[Status, ...] = ("passed", "failed", "expected", "skipped", "error", "left out", "passed")
    made = result(*(outcome(f"s{number}/x.x", status) for number, status in enumerate(statuses)))
    assert told(made).splitlines()[-1] == "2 passed, 1 failed, 1 expected, 1 skipped, 1 errors"


def test_nothing_at_all_has_a_last_line_too() -> None:
    assert told(result()).splitlines()[-1] == "0 passed, 0 failed, 0 expected, 0 skipped, 0 errors"


def test_a_failure_tells_its_rule_and_what_was_seen() -> None:
    text = told(result(outcome("a_run/x.x", "failed", saw="7 instead of 8", variant="sync")))
    assert (
        "Failed (1)\n  streams\n    a_run[sync]/x.x\n      rule: It does. [compat]\n      saw:  7 instead of 8\n"
        in text
    )


def test_what_is_left_out_is_listed_with_its_reason() -> None:
    made = result(*(outcome(f"a_stop/x.{each}", "left out", saw="needs container of the target") for each in "xy"))
    assert "(2)\n  needs container of the target\n    a_stop: x.x, x.y\n" in told(made)


def test_an_area_has_its_score() -> None:
    made = result(outcome("a/x.x"), outcome("b/x.x", "failed"), outcome("c/x.x", "skipped", area="files"))
    rows = {
        line.split()[0]: line.split()[1] for line in told(made).splitlines() if re.match("(streams|files|all) ", line)
    }
    assert rows == {"streams": "50", "files": "-", "all": "50"}


def test_a_score_is_never_rounded_up_to_all() -> None:
    assert score(result(*[outcome("a/x.x")] * 999, outcome("b/x.x", "failed")).counts()) == "99 %"


def test_what_the_daemon_lacks_is_said() -> None:
    made = result(features=frozenset({"output", "more"}), version={"version": "1", "languages": ["python"]})
    assert "announces: more, output\n  lacks: replay\n" in told(made)
    assert "has no GET /version" in told(result())


def test_what_a_foreign_version_says_does_no_harm() -> None:
    assert "version None" in told(result(version={"version": None, "languages": 7}))
    assert told(result(version={"version": "\x1b[31m\n", "languages": ["\x07"]})).isprintable() is False
    assert "\x1b" not in told(result(version={"version": "\x1b[31m\n", "languages": ["\x07"]}))


def test_status_is_1_where_something_failed_or_the_suite_is_at_fault() -> None:
    assert result(outcome("a/x.x"), outcome("b/x.x", "skipped"), outcome("c/x.x", "expected")).status == 0
    assert result(outcome("a/x.x", "failed")).status == 1
    assert result(outcome("a/x.x", "error")).status == 1


def test_where_all_must_be_there_a_skip_has_failed() -> None:
    outcomes = [outcome("a/x.x", "skipped", saw="no replay"), outcome("b/x.x", "left out"), outcome("c/x.x")]
    came = refuse_skips(outcomes)
    assert [each.status for each in came] == ["failed", "left out", "passed"]
    assert came[0].saw.endswith("no replay")
