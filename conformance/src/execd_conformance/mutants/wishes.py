"""Mutants of what may be wished of a run from outside: a signal, its deletion, a page of the list."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import quote

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Mutant, answer, each, fields, refusal, runs, steady, swallowed
from execd_conformance.mutants.rewrite import Blocks, Rewrite


def _is_signal(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/signal")


def _is_deletion(request: Request) -> bool:
    return request.method == "DELETE" and request.path.startswith("/executions/")


def _id(request: Request) -> str:
    return request.path.split("/")[2] if request.path.count("/") > 1 else ""


def _as_interrupt(request: Request) -> Request:
    """Interrupt the command, whatever the signal."""
    target = f"/command?id={quote(_id(request))}".encode()
    return replace(request, method="DELETE", target=target).with_body(b"")


def _as_uninterrupted(event: Block) -> Block:
    """Tell a death by a signal as one that nobody asked for."""
    is_it = event.is_terminal and event.data.get("cause") == "interrupted" and "signal" in event.data
    return event.changed(cause="signaled", code="COMMAND_FAILED") if is_it else event


def _as_requested(event: Block) -> Block:
    """Tell an exit as the work of a request."""
    is_it = event.is_terminal and event.data.get("cause") == "exited"
    return event.changed(cause="interrupted") if is_it else event


def _fine(status: int, code: str) -> Rewrite:
    def reply(request: Request, reply: Reply) -> Reply:
        is_it = reply.status == status and reply.mapping.get("code") == code
        return answer(request, 200) if is_it else reply

    return Rewrite(reply=reply)


def _only_stops(_token: str | None) -> Rewrite:
    """A deletion interrupts, and keeps what there was."""

    def ask(request: Request) -> Request:
        return replace(request, target=f"/command?id={quote(_id(request))}".encode())

    def reply(request: Request, reply: Reply) -> Reply:
        return answer(request, 200) if reply.mapping.get("code") == "ALREADY_FINISHED" else reply

    return Rewrite(where=_is_deletion, ask=ask, reply=reply)


def _cuts_readers(_token: str | None) -> Rewrite:
    """Who reads a run that is deleted gets no more of it."""
    deleted: set[str] = set()

    def ask(request: Request) -> Request:
        if _is_deletion(request):
            deleted.add(_id(request))
        return request

    async def events(_request: Request, blocks: Blocks) -> Blocks:
        told: object = None
        async for event in blocks:
            told = event.data.get("text") if event.type == "init" else told
            if told not in deleted:
                yield event

    return Rewrite(ask=ask, events=events)


def _lost_place(_token: str | None) -> Rewrite:
    """A cursor is good for as long as the run that it was given with is there."""
    deleted: set[str] = set()
    last: dict[str, str] = {}

    def where(request: Request) -> bool:
        return _is_deletion(request) or (request.method == "GET" and request.path == "/executions")

    def ask(request: Request) -> Request | Reply:
        if _is_deletion(request):
            deleted.add(_id(request))
        is_lost = last.get(request.asks("cursor") or "") in deleted
        return refusal(request, 400, "INVALID_QUERY") if is_lost else request

    def reply(_request: Request, reply: Reply) -> Reply:
        shown, cursor = reply.mapping.get("executions"), reply.mapping.get("next_cursor")
        if shown and isinstance(cursor, str):
            last[cursor] = str(shown[-1].get("id"))
        return reply

    return Rewrite(where=where, ask=ask, reply=reply)


def _without_last(_request: Request, reply: Reply) -> Reply:
    """Begin a page after the run that follows the last one shown."""
    shown = reply.mapping.get("executions")
    is_page = reply.status == 200 and isinstance(shown, list) and len(shown) == 1
    return reply.with_body(json.dumps({**reply.mapping, "executions": []}).encode()) if is_page else reply


MUTANTS = (
    Mutant(
        "signal-swallowed",
        "Signals are answered and not sent.",
        (
            "a_signal_that_kills_is_an_interrupt/executions.signal",
            "a_signal_reaches_the_group_and_nobody_else/executions.signal",
        ),
        swallowed(_is_signal),
    ),
    Mutant(
        "signal-always-term",
        "Every signal is SIGTERM.",
        (
            "a_signal_that_kills_is_an_interrupt/end.signal-name",
            "a_signal_that_is_survived_is_no_interrupt/executions.signal",
            "what_is_no_signal_is_refused/executions.signal-refused",
        ),
        steady(Rewrite(where=_is_signal, whole=lambda request: fields(request, signal="SIGTERM"))),
    ),
    Mutant(
        "signal-as-interrupt",
        "A signal interrupts the command.",
        ("a_signal_that_is_survived_is_no_interrupt/end.signal-request",),
        steady(Rewrite(where=_is_signal, whole=_as_interrupt)),
    ),
    Mutant(
        "signal-uninvited",
        "A death by a requested signal is told as one that nobody asked for.",
        (
            "a_signal_that_kills_is_an_interrupt/end.signal-request",
            "a_signal_that_kills_is_an_interrupt/end.interrupted",
        ),
        runs(each(_as_uninterrupted)),
    ),
    Mutant(
        "signal-always-heeded",
        "A command that was sent a signal is told as interrupted.",
        ("a_signal_that_is_survived_is_no_interrupt/end.signal-request",),
        runs(each(_as_requested)),
    ),
    Mutant(
        "signal-of-any-name",
        "A signal that there is not is answered with 200.",
        ("what_is_no_signal_is_refused/executions.signal-refused",),
        steady(replace(_fine(400, "INVALID_REQUEST_BODY"), where=_is_signal)),
    ),
    Mutant(
        "signal-of-finished",
        "A signal for a finished run is answered with 200.",
        (
            "what_is_no_signal_is_refused/executions.signal-finished",
            "a_background_command_is_read_and_spoken_to/sdk.signal",
        ),
        steady(replace(_fine(409, "ALREADY_FINISHED"), where=_is_signal)),
    ),
    Mutant(
        "signal-of-unknown",
        "A signal for an unknown run is answered with 200.",
        ("what_is_no_signal_is_refused/executions.unknown",),
        steady(replace(_fine(404, "EXECUTION_NOT_FOUND"), where=_is_signal)),
    ),
    Mutant(
        "delete-swallowed",
        "Deletions are answered and not done.",
        (
            "a_live_run_is_stopped_and_forgotten/executions.delete-gone",
            "who_reads_a_deleted_run_gets_its_rest/executions.delete",
        ),
        swallowed(_is_deletion),
    ),
    Mutant(
        "delete-only-stops",
        "A deleted run is stopped and kept.",
        (
            "a_live_run_is_stopped_and_forgotten/executions.delete",
            "a_live_run_is_stopped_and_forgotten/executions.delete-gone",
            "who_reads_a_deleted_run_gets_its_rest/executions.delete",
        ),
        _only_stops,
    ),
    Mutant(
        "delete-cuts-readers",
        "Who reads a run that is deleted gets no more of it.",
        ("who_reads_a_deleted_run_gets_its_rest/executions.delete-readers",),
        _cuts_readers,
    ),
    Mutant(
        "delete-of-unknown",
        "Deleting an unknown run is answered with 200.",
        ("a_live_run_is_stopped_and_forgotten/executions.unknown",),
        steady(replace(_fine(404, "EXECUTION_NOT_FOUND"), where=_is_deletion)),
    ),
    Mutant(
        "page-place-lost",
        "A cursor ends with the run that it was given with.",
        ("a_page_goes_on_where_its_last_run_was/executions.cursor",),
        _lost_place,
    ),
    Mutant(
        "page-empty",
        "A page of one run is empty.",
        (
            "a_page_goes_on_where_its_last_run_was/executions.cursor",
            "a_page_that_is_not_the_last_names_the_next/executions.list",
        ),
        steady(Rewrite(where=lambda request: request.path == "/executions", reply=_without_last)),
    ),
)
