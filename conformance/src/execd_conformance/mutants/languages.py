"""Mutants of what every language has: state that lasts, output of one's own, an end that is whole, kernels that die."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from execd_conformance.mutants.blocks import Block, block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, cells, each, each_of, fields, refusal, steady, swallowed
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route

_RUN = route("POST", "/code")
_DEATHS = ("kernel_died", "out_of_memory")
_LARGE = 1 << 20
_HANGS_S = 60.0


def _context(request: Request) -> dict[str, Any]:
    body = request.json
    context = body.get("context") if isinstance(body, dict) else None
    return context if isinstance(context, dict) else {}


def _forgets(request: Request) -> Request:
    """Run whatever has a context in a fresh one."""
    return fields(request, context={"language": "python"}, ephemeral=True) if _context(request).get("id") else request


def _default_forgets(request: Request) -> Request:
    return fields(request, ephemeral=True) if _context(request).get("language") else request


def _deletes(request: Request) -> bool:
    return request.method == "DELETE" and request.path.startswith("/code/contexts")


def _poisoned(_token: str | None) -> Rewrite:
    """Look for a default context that was deleted, for ever."""
    gone = False

    def take(request: Request) -> Request | Reply:
        nonlocal gone
        if _deletes(request):
            gone = True
        elif gone and "id" not in _context(request):
            return refusal(request, 404, "CONTEXT_NOT_FOUND")
        return request

    return Rewrite(where=lambda request: _deletes(request) or _RUN(request), whole=take)


def _of_another(_token: str | None) -> Rewrite:
    """Send what a run has printed last with the next one of its context, too."""
    left: dict[object, Block] = {}

    async def events(request: Request, blocks: Blocks) -> Blocks:
        context = _context(request).get("id")
        before = left.pop(context, None)
        async for event in blocks:
            if event.is_terminal and before is not None:
                yield before
            elif event.is_output:
                left[context] = event
            yield event

    return Rewrite(where=_RUN, events=events)


async def _without_last(_request: Request, events: Blocks) -> Blocks:
    """End a cell before the last of its output has come."""
    held: Block | None = None
    async for event in events:
        if held is not None and not event.is_terminal:
            yield held
        held = event if event.is_output else None
        if held is None:
            yield event


async def _invented(_request: Request, events: Blocks) -> Blocks:
    shown = False
    async for event in events:
        shown = shown or event.type == "result"
        if event.is_terminal and not shown:
            yield block({"type": "result", "results": {"text/plain": "None"}, "timestamp": event.data["timestamp"]})
        yield event


def _envs_kept(_token: str | None) -> Rewrite:
    """Leave a run's variables to the next runs of its context."""
    kept: dict[object, object] = {}

    def take(request: Request) -> Request:
        context = _context(request).get("id")
        given = request.mapping.get("envs")
        if given:
            kept[context] = given
        return fields(request, envs=kept[context]) if context in kept else request

    return Rewrite(where=_RUN, whole=take)


def _other_digits(event: Block) -> Block:
    if event.is_output and isinstance(text := event.data.get("text"), str):
        return event.changed(text=text.replace("2", "3"))
    results = event.data.get("results")
    if event.type != "result" or not isinstance(results, dict):
        return event
    return event.changed(results={mime: text.replace("2", "3") for mime, text in results.items()})


def _folded(event: Block) -> Block:
    text = event.data.get("text")
    return event.changed(text=text.encode("ascii", "ignore").decode()) if isinstance(text, str) else event


def _fine(event: Block) -> Block:
    if event.data.get("cause") != "raised":
        return event
    return event.changed(type="execution_complete", error=None, code=None, cause="completed")


def _after(causes: tuple[str, ...], delay_s: float) -> Callable[[Request, Blocks], Blocks]:
    async def events(_request: Request, blocks: Blocks) -> Blocks:
        async for event in blocks:
            if event.is_terminal and event.data.get("cause") in causes:
                await asyncio.sleep(delay_s)  # the fault itself
            yield event

    return events


async def _restarted(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        yield event
        if event.type == "init":
            yield block({"type": "status", "text": "restarted", "timestamp": event.data.get("timestamp")})


def _cut(event: Block) -> Block:
    results = event.data.get("results")
    if event.type != "result" or not isinstance(results, dict):
        return event
    return event.changed(results={mime: text[:_LARGE] for mime, text in results.items()})


def _dead_gone(_token: str | None) -> Rewrite:
    """Give a context up with its kernel."""
    dead: set[str] = set()

    async def events(request: Request, blocks: Blocks) -> Blocks:
        async for event in blocks:
            if event.data.get("cause") in _DEATHS:
                dead.add(str(_context(request).get("id")))
            yield event

    def take(request: Request) -> Request | Reply:
        gone = _context(request).get("id") in dead
        return refusal(request, 404, "CONTEXT_NOT_FOUND") if gone else request

    return Rewrite(where=_RUN, whole=take, events=events)


def _own_stream(request: Request) -> bool:
    path = request.path
    return request.method == "GET" and path.startswith("/code/contexts/") and path.endswith("/events")


def _asks(take: Callable[[Request], Request | Reply]) -> Making:
    return steady(Rewrite(where=_RUN, whole=take))


MUTANTS = (
    Mutant(
        "context-forgets",
        "Every run of a context begins with nothing.",
        (
            "a_cell_in_every_language/cell.state",
            "code_that_fails_in_every_language/cell.exception-state",
            "contexts_in_every_language/code.context-by-id",
            "contexts_in_every_language/code.isolated",
            "a_line_in_every_language/queue.order",
        ),
        _asks(_forgets),
    ),
    Mutant(
        "default-forgets",
        "Every run of a default context begins with nothing.",
        ("default_contexts_in_every_language/code.default-context",),
        _asks(_default_forgets),
    ),
    Mutant(
        "default-poisoned",
        "A default context that was deleted is looked for, for ever.",
        ("default_contexts_in_every_language/code.default-after-deletion",),
        _poisoned,
    ),
    Mutant(
        "deletions-swallowed",
        "Deleting contexts is answered and not done.",
        (
            "contexts_in_every_language/context.delete",
            "default_contexts_in_every_language/context.delete-by-language",
        ),
        swallowed(_deletes),
    ),
    Mutant(
        "output-of-another-run",
        "A run's last output comes with the next run, too.",
        ("code_that_fails_in_every_language/cell.exception-state",),
        _of_another,
    ),
    Mutant(
        "cell-ends-before-output",
        "A cell ends before the last of its output has come.",
        (
            "code_that_fails_in_every_language/cell.exception-output",
            "deaths_in_every_language/kernel.death-output",
            "cells_that_break_their_streams/cell.streams-mended",
            "cells_that_break_their_streams/cell.fork",
        ),
        cells(_without_last),
    ),
    Mutant(
        "result-invented",
        "Code without a value has one.",
        ("a_cell_in_every_language/cell.no-value",),
        cells(_invented),
    ),
    Mutant(
        "cell-text-folded",
        "Letters beyond ASCII are lost.",
        ("a_cell_in_every_language/cell.text",),
        cells(each_of("stdout", _folded)),
    ),
    Mutant(
        "cell-digits-others",
        "Digits of what cells print and show are others.",
        ("a_cell_in_every_language/cell.value", "much_output_in_every_language/cell.many-lines"),
        cells(each(_other_digits)),
    ),
    Mutant(
        "cell-envs-kept",
        "Variables of a run stay for the next ones.",
        ("surroundings_in_every_language/cell.envs-restored",),
        _envs_kept,
    ),
    Mutant(
        "cell-errors-as-complete",
        "Code that fails is done.",
        ("code_that_fails_in_every_language/cell.syntax-error",),
        cells(each(_fine)),
    ),
    Mutant(
        "interrupts-late",
        "What was interrupted ends seconds later.",
        (
            "interrupts_in_every_language/cell-interrupt.busy",
            "interrupts_in_every_language/cell-interrupt.sleep",
            "a_loop_that_speaks_in_every_language/cell-interrupt.promptly",
        ),
        cells(_after(("interrupted",), 6.0)),
    ),
    Mutant(
        "death-hangs",
        "A cell whose kernel has died does not end.",
        ("a_kernel_that_closes_its_sockets/kernel.closed-sockets",),
        cells(_after(_DEATHS, _HANGS_S)),
    ),
    Mutant(
        "death-of-context",
        "A context is gone with its kernel.",
        ("deaths_in_every_language/kernel.usable-after-death",),
        _dead_gone,
    ),
    Mutant(
        "restarted-always",
        "Every run says that its kernel is a fresh one.",
        ("deaths_in_every_language/kernel.restarted-once",),
        cells(_restarted),
    ),
    Mutant(
        "large-results-cut",
        "Results are cut at a size that nobody chose.",
        ("a_large_result_comes_whole/cell.large-result",),
        cells(each(_cut)),
    ),
    Mutant(
        "late-output-of-nobody",
        "Late output does not say which run it came from.",
        ("what_a_cell_has_started_speaks_while_another_runs/context.events-of-programs",),
        steady(Rewrite(where=_own_stream, events=each(lambda event: event.changed(execution_id=None)))),
    ),
)
