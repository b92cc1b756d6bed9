"""A line that breaks is asked for less at a time, and given up when nothing goes any more."""

from __future__ import annotations

import pytest

from opensandbox._core.portions import LARGEST, Portions
from opensandbox._core.resume import RESUME_FOR_S
from opensandbox.exceptions import (
    ExecdNotReadyException,
    NotFoundException,
    SandboxConnectionException,
    SandboxException,
)

BROKEN = SandboxConnectionException("reset")


def lost(portions: Portions, error: SandboxException = BROKEN, *, now: float = 0) -> float:
    return portions.lost(error, now=now, jitter=0.5)


@pytest.mark.parametrize("cut", [5000, 70_000, 300_000, LARGEST * 2])
def test_whatever_the_place_where_a_line_breaks_all_goes_over_it(cut: int) -> None:
    portions, left, tries = Portions(), 3_000_000, 0
    while left > 0:
        tries += 1
        if portions.size < cut:
            left -= portions.size
            portions.went()
        else:
            lost(portions)
    assert tries < 4 * (3_000_000 // min(cut, LARGEST) + 5)


def test_the_first_try_after_a_break_goes_out_at_once_and_the_next_ones_later() -> None:
    portions = Portions()
    waits = [lost(portions) for _ in range(6)]
    assert waits[0] == 0
    assert waits == sorted(waits)
    portions.went()
    assert lost(portions) == 0


def test_a_line_that_is_dead_for_too_long_is_given_up() -> None:
    portions = Portions()
    lost(portions, now=100)
    lost(portions, now=100 + RESUME_FOR_S - 5)
    with pytest.raises(SandboxConnectionException):
        lost(portions, now=100 + RESUME_FOR_S)


@pytest.mark.parametrize(
    "error",
    [
        NotFoundException("no such run"),
        ExecdNotReadyException("it has ended", details={"ended": True}),
    ],
)
def test_what_no_other_try_can_change_is_raised(error: SandboxException) -> None:
    with pytest.raises(type(error)):
        lost(Portions(), error)
