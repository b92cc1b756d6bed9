"""When a mutant is caught, missed or left out."""

from __future__ import annotations

from typing import cast

import pytest

from execd_conformance.checks import Status
from execd_conformance.mutants.mutant import Mutant, steady
from execd_conformance.mutants.plugin import HEALTHY
from execd_conformance.mutants.rewrite import IDENTITY
from execd_conformance.mutants.verdict import Tally, doubtful, reds, unhealthy, verdict
from execd_conformance.outcome import Outcome

MUTANT = Mutant("m", "Nothing.", ("s/one", "s/two"), steady(IDENTITY))


def seen(**statuses: str) -> list[Outcome]:
    """Outcomes of scenario `s`; several variants separated by a space."""
    return [
        Outcome(scenario="s", variant=str(at), requirement=name, area="general", status=cast("Status", status))
        for name, told in statuses.items()
        for at, status in enumerate(told.split())
    ]


@pytest.mark.parametrize(
    ("healthy", "broken", "caught", "missed", "proven"),
    [
        ({"one": "passed", "two": "passed"}, {"one": "failed", "two": "failed"}, 2, 0, True),
        ({"one": "passed", "two": "passed"}, {"one": "failed", "two": "passed"}, 1, 1, False),
        ({"one": "passed", "two": "passed"}, {"one": "failed", "two": "failed passed"}, 1, 1, False),
        ({"one": "passed", "two": "passed"}, {"one": "failed", "two": "error"}, 1, 1, False),
        ({"one": "passed", "two": "passed"}, {"one": "failed"}, 1, 1, False),
        ({"one": "passed", "two": "skipped"}, {"one": "failed", "two": "skipped"}, 1, 0, True),
        ({"one": "skipped", "two": "skipped"}, {"one": "skipped", "two": "skipped"}, 0, 0, False),
    ],
)
def test_a_mutant_is_proven_by_all_checks_that_can_look(
    healthy: dict[str, str], broken: dict[str, str], caught: int, missed: int, proven: bool
) -> None:
    judged = verdict(Tally({HEALTHY: seen(**healthy), "m": seen(**broken)}), MUTANT)

    assert (len(judged.caught), len(judged.missed), judged.proven) == (caught, missed, proven)


def test_what_fails_with_nothing_broken_is_unhealthy_and_no_red() -> None:
    tally = Tally({HEALTHY: seen(one="failed", two="passed"), "m": seen(one="failed", two="failed")})

    assert [each.requirement for each in unhealthy(tally)] == ["one"]
    assert reds(tally, "m") == ["s/two"]


@pytest.mark.parametrize(
    ("healthy", "broken", "expected"),
    [
        ({"one": "passed", "two": "passed"}, {"one": "failed", "two": "failed"}, False),
        ({"one": "passed", "two": "passed"}, {"one": "failed", "two": "passed"}, True),
        ({"one": "passed", "two": "passed", "more": "failed"}, {"one": "failed", "two": "failed"}, True),
        ({"one": "skipped", "two": "skipped"}, {}, False),
    ],
)
def test_what_was_missed_or_unhealthy_is_doubtful(
    healthy: dict[str, str], broken: dict[str, str], expected: bool
) -> None:
    assert doubtful(Tally({HEALTHY: seen(**healthy), "m": seen(**broken)}), MUTANT) is expected


def test_a_second_look_takes_the_place_of_the_first() -> None:
    first = Tally(
        {HEALTHY: seen(one="failed", two="passed"), "m": seen(one="failed", two="passed"), "n": seen(one="failed")}
    )

    first.renew(Tally({HEALTHY: seen(one="passed", two="passed"), "m": seen(one="failed", two="failed")}))

    assert unhealthy(first) == []
    assert verdict(first, MUTANT).proven
    assert first.red("n", "s/one")
