"""All mutants, by name."""

from __future__ import annotations

from typing import Final

from execd_conformance.mutants import (
    answers,
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
    metrics,
    outputs,
    pages,
    replays,
    results,
    streams,
    tokens,
    uploads,
)
from execd_conformance.mutants.mutant import Mutant

AREAS: Final = (
    streams,
    framing,
    ends,
    outputs,
    replays,
    tokens,
    pages,
    answers,
    errors,
    health,
    bodies,
    commands,
    executions,
    contexts,
    cells,
    results,
    infos,
    downloads,
    uploads,
    metrics,
)
MUTANTS: Final[tuple[Mutant, ...]] = tuple(mutant for area in AREAS for mutant in area.MUTANTS)
BY_NAME: Final = {mutant.name: mutant for mutant in MUTANTS}


def scenarios_of(mutant: Mutant) -> frozenset[str]:
    """Return the scenarios that its checks belong to."""
    return frozenset(check.partition("/")[0] for check in mutant.reddens)
