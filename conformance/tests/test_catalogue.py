"""Scenarios are known without being run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from execd_conformance import catalogue
from execd_conformance.catalogue import Scenario, selected
from execd_conformance.checks import Declared, scenario


def made(name: str, *, module: str = "test_streams", profile: str = "full") -> Scenario:
    profiles = frozenset({"full", profile})
    return Scenario(name=name, module=module, declared=Declared(area="streams", proves=("x.y",), profiles=profiles))


def names(*only: str, profile: str = "full") -> list[str]:
    known = [made("a_run"), made("a_replay", module="test_replay", profile="compat")]
    return [each.name for each in selected(known, profile=profile, only=only)]


@pytest.mark.parametrize(
    ("only", "meant"),
    [
        ([], ["a_run", "a_replay"]),
        (["run"], ["a_run"]),
        (["a_r*"], ["a_run", "a_replay"]),
        (["a_ru?"], ["a_run"]),
        (["test_replay"], ["a_replay"]),
        (["streams"], ["a_run", "a_replay"]),
        (["a_run/x.y"], ["a_run"]),
        (["x.y"], ["a_run", "a_replay"]),
        (["run", "replay"], ["a_run", "a_replay"]),
        (["nothing"], []),
    ],
)
def test_a_pattern_means_names_files_areas_and_checks(only: list[str], meant: list[str]) -> None:
    assert names(*only) == meant


def test_a_profile_has_its_own() -> None:
    assert names(profile="compat") == ["a_replay"]
    assert names("run", profile="compat") == []


def test_every_scenario_of_the_suite_is_found_once() -> None:
    known = [each.name for each in catalogue.load()]
    assert len(known) == len(set(known)) > 50


def test_a_test_that_declares_nothing_is_told() -> None:
    def test_plain() -> None: ...

    @scenario("streams", "x.y")
    def test_declared() -> None: ...

    module = SimpleNamespace(test_plain=test_plain, test_declared=test_declared)
    assert catalogue.names_of_tests(module) == ["test_plain"]
