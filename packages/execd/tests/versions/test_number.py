"""Versions as numbers: whatever they are written like, and which wishes they meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.versions.number import matches, parse, shown

numbers = st.lists(st.integers(min_value=0, max_value=99), min_size=1, max_size=4).map(tuple)
WRITTEN = [
    ("3.12", (3, 12)),
    ("v20.11.1", (20, 11, 1)),
    ("go1.22.3", (1, 22, 3)),
    ("go1.27rc1", (1, 27)),
    ("3.14.0rc2", (3, 14, 0)),
    ("3.13.0a1+", (3, 13, 0)),
    ("17.0.21.1", (17, 0, 21, 1)),
    ("jdk-17.0.9+9", (17, 0, 9)),
    ("21-ea+35", (21,)),
    ("1.8.0_392", (8, 0, 392)),
    ("jdk8u392-b08", (8, 0, 392)),
    (" 22 ", (22,)),
    ("python3.12", (3, 12)),
    ("20.x", (20,)),
    ("temurin-21.0.2+13", (21, 0, 2)),
]


@pytest.mark.parametrize(("text", "number"), WRITTEN)
def test_a_version_is_read_however_it_is_written(text: str, number: tuple[int, ...]) -> None:
    assert parse(text) == number


@pytest.mark.parametrize("text", ["", "latest", "lts/iron", ">=3.12", "../../etc", "3 12", "*"])
def test_what_is_no_version_is_none(text: str) -> None:
    assert parse(text) is None


@given(numbers.filter(lambda number: number[:2] != (1, 8)))
def test_what_is_shown_is_read_back(number: tuple[int, ...]) -> None:
    assert parse(shown(number)) == number


@given(number=numbers, length=st.integers(min_value=1, max_value=4))
def test_a_version_meets_each_of_its_beginnings_and_no_other_of_that_length(
    number: tuple[int, ...], length: int
) -> None:
    beginning = number[:length]
    assert matches(beginning, number)
    assert not matches((*beginning[:-1], beginning[-1] + 1), number)


def test_a_version_that_leaves_out_a_part_means_zero() -> None:
    assert matches((1, 21, 0), (1, 21))
    assert not matches((1, 21, 1), (1, 21))
