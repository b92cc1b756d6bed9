"""What a scenario declares and records, and what comes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd_conformance.broken import Broken
from execd_conformance.checks import Checks, scenario, shown
from execd_conformance.outcome import Outcome, settle, told

from .making import checks


def came(made: Checks, stopped: str | None = None) -> dict[str, tuple[str, str]]:
    return {each.requirement: (each.status, each.saw) for each in settle("test_x[sync]", made, stopped)}


def test_what_was_recorded_and_held_has_passed() -> None:
    made = checks("a.a", "a.b")
    assert made.that("a.a", ok=True)
    assert made.equal("a.b", 1, 1)
    assert [status for status, _ in came(made).values()] == ["passed", "passed"]


def test_recorded_twice_both_times_must_hold() -> None:
    made = checks("a.a")
    made.that("a.a", ok=True)
    made.that("a.a", ok=False, saw="second")
    made.that("a.a", ok=True)
    assert came(made) == {"a.a": ("failed", "second")}


def test_what_stops_a_scenario_has_failed_what_was_not_recorded() -> None:
    made = checks("a.a", "a.b")
    made.that("a.a", ok=True)
    assert came(made, "it hung") == {"a.a": ("passed", ""), "a.b": ("failed", "it hung")}


def test_an_exception_after_all_was_recorded_is_not_lost() -> None:
    made = checks("a.a", "a.b")
    made.that("a.a", ok=True)
    made.that("a.b", ok=True)
    assert came(made, "it hung") == {"a.a": ("failed", "it hung"), "a.b": ("failed", "it hung")}


def test_a_failure_and_an_exception_are_told_once_each() -> None:
    made = checks("a.a", "a.b")
    made.that("a.a", ok=False, saw="this")
    made.that("a.b", ok=True)
    assert came(made, "it hung") == {"a.a": ("failed", "this"), "a.b": ("passed", "")}


def test_declared_and_never_recorded_is_a_fault_of_the_suite() -> None:
    assert came(checks("a.a")) == {"a.a": ("error", "the scenario ended without recording it")}


def test_recorded_and_not_declared_is_a_fault_of_the_suite() -> None:
    made = checks("a.a")
    made.that("a.a", ok=True)
    made.that("a.z", ok=True)
    assert came(made)[""] == ("error", "records 'a.z', which it does not declare")
    assert came(made)["a.a"] == ("passed", "")


def test_the_variant_is_in_the_full_name_only() -> None:
    (only,) = settle("test_a_b[sync]", checks("a.a"), "x")
    assert (only.name, only.full_name) == ("a_b/a.a", "a_b[sync]/a.a")


@given(
    st.lists(st.tuples(st.sampled_from(["a.a", "a.b", "a.c"]), st.booleans())),
    st.none() | st.just("stopped"),
)
def test_every_declared_check_has_exactly_one_outcome(records: list[tuple[str, bool]], stopped: str | None) -> None:
    made = checks("a.a", "a.b", "a.c")
    for id_, ok in records:
        made.that(id_, ok)
    outcomes = settle("test_x", made, stopped)
    assert [each.requirement for each in outcomes] == ["a.a", "a.b", "a.c"]
    for each in outcomes:
        seen = [ok for id_, ok in records if id_ == each.requirement]
        assert each.status != "passed" or (seen and all(seen))
        assert each.status != "error" or (not seen and stopped is None)
    assert stopped is None or any(each.status == "failed" for each in outcomes)


def test_need_goes_no_further_and_says_what_was_seen() -> None:
    with pytest.raises(Broken, match=r"^a start; saw \[1\]$"):
        checks("a.a").need(ok=False, what="a start", saw=[1])
    checks("a.a").need(ok=True, what="a start")


@pytest.mark.parametrize(
    ("area", "proves", "more"),
    [
        ("weather", ["a.a"], {}),
        ("streams", [], {}),
        ("streams", ["a.a", "a.a"], {}),
        ("streams", ["a.a"], {"needs": ["luck"]}),
        ("streams", ["a.a"], {"profiles": ["most"]}),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(area: str, proves: list[str], more: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"none of|proves something"):
        scenario(area, *proves, **more)  # type: ignore[arg-type]


def test_every_scenario_is_of_the_full_profile() -> None:
    assert scenario("streams", "a.a", profiles=["compat"]).args[0].profiles == {"full", "compat"}


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_what_cannot_be_shown_does_no_harm() -> None:
    assert "Unspeakable" in shown(Unspeakable())
    made = checks("a.a")
    assert not made.equal("a.a", Unspeakable(), 1)


@given(st.text() | st.binary() | st.dictionaries(st.text(), st.integers() | st.binary()) | st.integers())
def test_what_was_seen_is_one_printable_line(saw: object) -> None:
    text = shown(saw)
    assert text.isprintable()
    assert "\n" not in text


def test_what_was_seen_is_bounded() -> None:
    assert len(shown("x" * 100_000)) < 1000
    assert len(shown(b"\0" * 100_000)) < 1000


def test_an_outcome_survives_its_journey() -> None:
    (only,) = settle("test_a[1]", checks("a.a"), "saw")
    assert Outcome.from_dict(only.as_dict()) == only


def test_a_broken_daemon_is_told_in_its_own_words() -> None:
    assert told(Broken("nothing came")) == "nothing came"
    assert told(KeyError("x")) == "KeyError: 'x'"
    assert told(TimeoutError()) == "TimeoutError"
