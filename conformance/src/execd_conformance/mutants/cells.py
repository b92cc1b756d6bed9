"""Mutants of cells: their wishes, their queue, their ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from execd_conformance.mutants.blocks import Block, block
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
            await asyncio.sleep(5)  # the fault itself: a death is owed within one second
        yield event


def _swapped(event: Block) -> Block:
    other = {"stdout": "stderr", "stderr": "stdout"}.get(event.type)
    return event if other is None else event.changed(type=other)


def _counts(event: Block) -> Block:
    """Count characters in place of bytes, more or less."""
    return event.changed(stdout_bytes=event.data.get("stdout_bytes", 0) // 2) if event.is_terminal else event


async def _queued(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        yield event
        if event.type == "init":
            yield block({"type": "status", "text": "queued", "timestamp": event.data.get("timestamp")})


async def _thinned(_request: Request, events: Blocks) -> Blocks:
    """Lose a character of every third piece of output."""
    count = 0
    async for event in events:
        count += event.is_output
        yield event.changed(text=event.data.get("text", "")[1:]) if event.is_output and count % 3 == 0 else event


MUTANTS = (
    Mutant(
        "queued-always", "Every cell says that it queues.", ("cells_tell_what_they_do/cell.sequence",), cells(_queued)
    ),
    Mutant(
        "cell-output-thinned",
        "Much output of cells loses characters.",
        ("nothing_of_much_output_is_lost/cell.many-lines",),
        cells(_thinned),
    ),
    Mutant(
        "cell-streams-swapped",
        "stdout and stderr of cells are swapped.",
        (
            "cells_tell_what_they_do/cell.stdout",
            "a_cell_in_every_language/cell.stdout",
            "a_cell_in_every_language/cell.stderr",
        ),
        cells(each(_swapped)),
    ),
    Mutant(
        "cell-counts-wrong",
        "The byte counts of cells are wrong.",
        (
            "the_end_of_a_cell_adds_up/end.counts-of-cells",
            "much_output_in_every_language/cell.counts",
        ),
        cells(each(_counts)),
    ),
    Mutant(
        "queued-untold",
        "A cell in line does not say so.",
        (
            "runs_in_line/queue.status",
            "a_line_in_every_language/queue.status",
        ),
        cells(left_out("status", text="queued")),
    ),
    Mutant(
        "restarted-untold",
        "Lost state is not told by the next cell.",
        (
            "a_kernel_that_is_killed_from_outside/kernel.status-restarted",
            "deaths_in_every_language/kernel.status-restarted",
        ),
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
        (
            "an_exception_is_the_end_of_its_cell_alone/cell.exception",
            "code_that_fails_in_every_language/cell.exception",
        ),
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
        (
            "the_end_of_a_cell_adds_up/end.state-lost",
            "interrupts_in_every_language/cell-interrupt.state-kept",
            "interrupts_in_every_language/cell-interrupt.stubborn",
            "timeouts_in_every_language/cell.timeout-state-kept",
            "timeouts_in_every_language/cell.timeout-state-lost",
            "deaths_in_every_language/kernel.death-state-lost",
            "a_restart_in_every_language/end.state-lost",
        ),
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
        (
            "the_end_that_an_interrupt_makes/cell-interrupt.end",
            "interrupts_in_every_language/cell-interrupt.end",
            "interrupts_in_every_language/cell-interrupt.by-context",
            "timeouts_in_every_language/cell.timeout",
        ),
        cells(each_of("error", _failed)),
    ),
    Mutant(
        "death-as-complete",
        "A kernel's death is a cell that is done.",
        (
            "a_kernel_that_dies_in_a_cell/end.kernel-died",
            "deaths_in_every_language/kernel.death-cause",
            "deaths_in_every_language/kernel.stopped",
            "a_kernel_that_closes_its_sockets/kernel.closed-sockets",
        ),
        cells(each(_died_as_complete)),
    ),
    Mutant(
        "death-told-late",
        "A kernel's death is told seconds later.",
        (
            "a_kernel_that_dies_in_a_cell/kernel.death-told",
            "deaths_in_every_language/kernel.death-told",
        ),
        cells(_slow_end),
    ),
    Mutant(
        "cell-timeout-swallowed",
        "Cells have no timeout.",
        ("a_cell_at_its_timeout/cell.timeout",),
        dropped(_RUN, "timeout"),
    ),
    Mutant(
        "cell-envs-dropped",
        "envs of a cell are ignored.",
        (
            "variables_of_one_run/cell.envs",
            "surroundings_in_every_language/cell.envs",
        ),
        dropped(_RUN, "envs"),
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
        (
            "an_interrupt_ends_a_cell/cell-interrupt.sleep",
            "a_line_in_every_language/queue.drop",
        ),
        swallowed(_INTERRUPT),
    ),
    Mutant(
        "code-interrupt-of-unknown",
        "Interrupting what is not there is 200.",
        ("an_interrupt_ends_a_cell/cell-interrupt.unknown",),
        steady(Rewrite(where=_INTERRUPT, reply=_unknown_fine)),
    ),
)
