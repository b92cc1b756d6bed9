"""Expected failures carry reasons, and a stale one fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from execd_conformance import baseline
from execd_conformance.targets import Misused

from .making import outcome

KNOWN = {"a/x.x", "b/x.x"}


def applied(*outcomes: object, **reasons: str) -> list[tuple[str, str]]:
    named = {name.replace("__", "/x."): reason for name, reason in reasons.items()}
    return [(each.full_name, each.status) for each in baseline.apply(outcomes, named, known=KNOWN)]  # type: ignore[arg-type]


def test_a_failure_that_is_expected_is_counted_apart() -> None:
    assert applied(outcome("a/x.x", "failed"), outcome("b/x.x", "failed"), a__x="so") == [
        ("a/x.x", "expected"),
        ("b/x.x", "failed"),
    ]


def test_its_reason_is_told() -> None:
    (only,) = baseline.apply([outcome("a/x.x", "failed", saw="7")], {"a/x.x": "known"}, known=KNOWN)
    assert only.saw == "7 — known"


def test_one_that_passes_is_stale_and_fails() -> None:
    (only,) = baseline.apply([outcome("a/x.x")], {"a/x.x": "known"}, known=KNOWN)
    assert (only.status, only.saw) == ("failed", "passes, and the baseline expects it to fail: known")


def test_one_variant_that_fails_is_enough() -> None:
    outcomes = outcome("a/x.x", "failed", variant="sync"), outcome("a/x.x", variant="async")
    assert applied(*outcomes, a__x="so") == [("a[sync]/x.x", "expected"), ("a[async]/x.x", "passed")]


@pytest.mark.parametrize("status", ["skipped", "left out", "error"])
def test_what_was_not_judged_proves_nothing(status: str) -> None:
    assert applied(outcome("a/x.x", status), a__x="so") == [("a/x.x", status)]  # type: ignore[arg-type]


def test_what_was_not_run_is_not_stale() -> None:
    assert applied(a__x="so") == []


def test_a_name_of_no_check_is_an_error() -> None:
    assert applied(z__x="so") == [("z/x.x", "error")]


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("expected:\n  - check: a/x.x\n    reason: >\n      Not\n      yet.\n")
    assert baseline.read(tmp_path / "b.yaml") == {"a/x.x": "Not yet."}


def test_an_empty_list_expects_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("expected:\n")
    assert baseline.read(tmp_path / "b.yaml") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "other: []",
        "expected: [a/x.x]",
        "expected: [{check: a/x.x}]",
        "expected: [{check: a/x.x, reason: ''}]",
        "expected: [{check: 1, reason: x}]",
        "expected: [{check: a, reason: x, more: y}]",
        "expected: [{check: a, reason: x}, {check: a, reason: y}]",
        "expected: 7",
        "{",
        "\x00",
    ],
)
def test_a_file_of_another_layout_is_misuse(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.yaml").write_text(text)
    with pytest.raises(Misused, match=r"b\.yaml: "):
        baseline.read(tmp_path / "b.yaml")


def test_a_file_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misused, match="No such file"):
        baseline.read(tmp_path / "b.yaml")
