"""All mutants, by name."""

from __future__ import annotations

from typing import Final

from execd_conformance.mutants import (
    answers,
    backgrounds,
    bodies,
    cells,
    commands,
    contexts,
    downloads,
    ends,
    errors,
    executions,
    framing,
    health,
    infos,
    languages,
    limits,
    logs,
    metrics,
    outputs,
    overflows,
    pages,
    programs,
    repeats,
    replays,
    results,
    sessions,
    streams,
    tokens,
    transfers,
    trees,
    uploads,
    wishes,
)
from execd_conformance.mutants.mutant import Mutant

AREAS: Final = (
    streams,
    framing,
    ends,
    outputs,
    overflows,
    repeats,
    replays,
    tokens,
    pages,
    answers,
    errors,
    health,
    bodies,
    commands,
    executions,
    backgrounds,
    limits,
    logs,
    wishes,
    sessions,
    contexts,
    cells,
    languages,
    programs,
    results,
    infos,
    downloads,
    uploads,
    trees,
    transfers,
    metrics,
)
MUTANTS: Final[tuple[Mutant, ...]] = tuple(mutant for area in AREAS for mutant in area.MUTANTS)
BY_NAME: Final = {mutant.name: mutant for mutant in MUTANTS}


def scenarios_of(mutant: Mutant) -> frozenset[str]:
    """Return the scenarios that its checks belong to."""
    return frozenset(check.partition("/")[0] for check in mutant.reddens)
