"""The table of mutants is whole: unique names, sentences, and checks that there are."""

from __future__ import annotations

import re

import pytest

from execd_conformance import catalogue
from execd_conformance.mutants.catalogue import BY_NAME, MUTANTS
from execd_conformance.mutants.mutant import Mutant


def test_there_are_at_least_forty_of_different_names() -> None:
    assert len(MUTANTS) >= 40
    assert len(BY_NAME) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_has_a_name_and_a_sentence_and_lists_checks(mutant: Mutant) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mutant.name)
    assert re.fullmatch(r"[A-Za-z`/0-9].*[^.]\.", mutant.breaks)
    assert mutant.reddens
    assert len(set(mutant.reddens)) == len(mutant.reddens)


def test_every_listed_check_is_declared_by_a_scenario() -> None:
    declared = {check for scenario in catalogue.load() for check in scenario.checks}

    assert {check for mutant in MUTANTS for check in mutant.reddens} - declared == set()


@pytest.mark.parametrize("token", [None, "t"])
def test_every_rewrite_can_be_made_with_a_token_and_without(token: str | None) -> None:
    assert all(mutant.rewrite(token) is not None for mutant in MUTANTS)
