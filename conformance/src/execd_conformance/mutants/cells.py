"""Mutants of cells: their wishes, their queue, their ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import (
    Making,
    Mutant,
    answer,
    cells,
    dropped,
    each,
    each_of,
    fields,
    left_out,
    steady,
    swallowed,
)
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route

_RUN = route("POST", "/code")

_INTERRUPT = route("DELETE", "/code")


def _starts(ask: Callable[[Request], Request | Reply]) -> Making:
    return steady(Rewrite(where=_RUN, whole=ask))


def _error(**changed: object) -> Callable[[Block], Block]:
    return lambda event: event.changed(error={**event.data.get("error", {}), **changed})


def _lost(event: Block) -> Block:
    return event.changed(state_lost=not event.data.get("state_lost")) if event.is_terminal else event


def _unlost(event: Block) -> Block:
    return event.changed(state_lost=None) if event.is_terminal else event


def _failed(event: Block) -> Block:
    return event.changed(code="EXECUTION_FAILED", cause="raised")


def _died_as_complete(event: Block) -> Block:
    if event.data.get("cause") not in {"kernel_died", "out_of_memory"}:
        return event
    return event.changed(type="execution_complete", error=None, code=None, cause="completed")


def _spliced(request: Request) -> Request:
    """Set a run's variables by code in front of the caller's, and leave them there."""
    body = request.json
    envs = body.get("envs") if isinstance(body, dict) else None
    if not isinstance(envs, dict):
        return request
    before = "".join(f"__import__('os').environ[{key!r}] = {value!r}\n" for key, value in envs.items())
    return fields(request, envs=None, code=before + str(body["code"]))


def _unknown_fine(request: Request, reply: Reply) -> Reply:
    return answer(request, 200) if reply.status == 404 else reply


async def _slow_end(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        if event.is_terminal and event.data.get("cause") in {"kernel_died", "out_of_memory"}:
            await asyncio.sleep(5)
        yield event


MUTANTS = (
    Mutant(
        "queued-untold",
        "A cell in line does not say so.",
        ("runs_in_line/queue.status",),
        cells(left_out("status", text="queued")),
    ),
    Mutant(
        "restarted-untold",
        "Lost state is not told by the next cell.",
        ("a_kernel_that_is_killed_from_outside/kernel.status-restarted",),
        cells(left_out("status", text="restarted")),
    ),
    Mutant(
        "cell-traceback-empty",
        "The traceback of an exception is empty.",
        ("an_exception_is_the_end_of_its_cell_alone/cell.exception-traceback",),
        cells(each_of("error", _error(traceback=[]))),
    ),
    Mutant(
        "cell-ename-other",
        "Every exception is an Exception.",
        ("an_exception_is_the_end_of_its_cell_alone/cell.exception",),
        cells(each_of("error", _error(ename="Exception"))),
    ),
    Mutant(
        "cell-evalue-empty",
        "Exceptions say nothing.",
        ("an_exception_is_the_end_of_its_cell_alone/cell.exception",),
        cells(each_of("error", _error(evalue=""))),
    ),
    Mutant(
        "state-lost-turned",
        "state_lost says the opposite.",
        ("the_end_of_a_cell_adds_up/end.state-lost",),
        cells(each(_lost)),
    ),
    Mutant(
        "state-lost-untold",
        "state_lost is not told.",
        ("the_end_of_a_cell_adds_up/end.state-lost",),
        cells(each(_unlost)),
    ),
    Mutant(
        "cell-ends-as-raised",
        "Every error of a cell is an exception's.",
        ("the_end_that_an_interrupt_makes/cell-interrupt.end",),
        cells(each_of("error", _failed)),
    ),
    Mutant(
        "death-as-complete",
        "A kernel's death is a cell that is done.",
        ("a_kernel_that_dies_in_a_cell/end.kernel-died",),
        cells(each(_died_as_complete)),
    ),
    Mutant(
        "death-told-late",
        "A kernel's death is told seconds later.",
        ("a_kernel_that_dies_in_a_cell/kernel.death-told",),
        cells(_slow_end),
    ),
    Mutant(
        "cell-timeout-swallowed",
        "Cells have no timeout.",
        ("a_cell_at_its_timeout/cell.timeout",),
        dropped(_RUN, "timeout"),
    ),
    Mutant(
        "cell-envs-dropped", "envs of a cell are ignored.", ("variables_of_one_run/cell.envs",), dropped(_RUN, "envs")
    ),
    Mutant(
        "cell-envs-spliced",
        "envs of a cell are set by code in front of it.",
        ("variables_of_one_run/cell.envs-no-trace",),
        _starts(_spliced),
    ),
    Mutant(
        "stdin-of-cells-dropped",
        "allow_stdin is ignored.",
        ("code_that_asks/cell.input",),
        dropped(_RUN, "allow_stdin"),
    ),
    Mutant(
        "code-interrupt-swallowed",
        "DELETE /code is answered and not done.",
        ("an_interrupt_ends_a_cell/cell-interrupt.sleep",),
        swallowed(_INTERRUPT),
    ),
    Mutant(
        "code-interrupt-of-unknown",
        "Interrupting what is not there is 200.",
        ("an_interrupt_ends_a_cell/cell-interrupt.unknown",),
        steady(Rewrite(where=_INTERRUPT, reply=_unknown_fine)),
    ),
)
