"""Answers are read strictly: what some client would refuse is refused here too."""

from __future__ import annotations

import pytest

from execd_conformance.parsing import is_time, json_value


@pytest.mark.parametrize("text", ["NaN", '{"a":Infinity}', "[-Infinity]", "", "{} {}"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_value(text)


@pytest.mark.parametrize(
    "told", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678+00:00", "2026-13-02T03:04:05.678Z", 5]
)
def test_a_time_of_another_form_is_none(told: object) -> None:
    assert not is_time(told)
    assert is_time("2026-01-02T03:04:05.678Z")
