"""Mutants of runs that go on or are over: status, list, interrupt, standard input."""

from __future__ import annotations

from collections.abc import Callable

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, answer, steady, swallowed
from execd_conformance.mutants.rewrite import Rewrite, route


def _is_stdin(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/stdin")


def _eof_ignored(request: Request) -> Request:
    return request.with_query([(key, value) for key, value in request.query if key != "eof"])


def _stdin_altered(request: Request) -> Request:
    return request.with_body(request.body.replace(b"\r", b"").replace(b"\0", b""))


def _status(change: Callable[[Request, Reply], Reply]) -> Making:
    return steady(Rewrite(where=route("GET", "/command/status/"), reply=change))


def _told(**changed: object) -> Callable[[Request, Reply], Reply]:
    def reply(_request: Request, reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        merged = {**reply.mapping, **changed}
        return reply.with_json({key: value for key, value in merged.items() if value is not None})

    return reply


def _finished_is_fine(request: Request, reply: Reply) -> Reply:
    return answer(request, 200) if reply.mapping.get("code") == "ALREADY_FINISHED" else reply


def _unknown_is_fine(request: Request, reply: Reply) -> Reply:
    return answer(request, 200) if reply.mapping.get("code") == "COMMAND_NOT_FOUND" else reply


def _unknown_is_empty(request: Request, reply: Reply) -> Reply:
    return answer(request, 200, {"id": "", "running": False}) if reply.status == 404 else reply


def _closed_is_fine(request: Request, reply: Reply) -> Reply:
    return answer(request, 200) if reply.status == 409 else reply


def _one_page(_request: Request, reply: Reply) -> Reply:
    return reply.with_json({**reply.mapping, "next_cursor": None}) if reply.status == 200 else reply


def _unfiltered(request: Request) -> Request:
    return request.with_query([(key, value) for key, value in request.query if key not in {"running", "kind"}])


_INTERRUPT = route("DELETE", "/command")

_LIST = route("GET", "/executions")


def _twice(_request: Request, reply: Reply) -> Reply:
    """Tell the first run of a page twice."""
    runs = reply.mapping.get("executions") if reply.status == 200 else None
    return reply.with_json({**reply.mapping, "executions": [*runs[:1], *runs]}) if runs else reply


def _reversed(_request: Request, reply: Reply) -> Reply:
    runs = reply.mapping.get("executions") if reply.status == 200 else None
    return reply.with_json({**reply.mapping, "executions": runs[::-1]}) if runs else reply


def _any_limit(request: Request) -> Request:
    """Take a limit that cannot be for the nearest that can."""
    limit = request.asks("limit") or ""
    kept = [(key, value) for key, value in request.query if key != "limit"]
    return (
        request.with_query([*kept, ("limit", "1000")]) if limit.isdigit() and not 1 <= int(limit) <= 1000 else request
    )


MUTANTS = (
    Mutant(
        "executions-any-limit",
        "Any limit is taken.",
        ("what_is_missing_or_cannot_be_read_is_named/query.unparsable",),
        steady(Rewrite(where=_LIST, ask=_any_limit)),
    ),
    Mutant(
        "executions-reversed",
        "The list begins with the last run.",
        ("executions_are_listed_in_pages/executions.list",),
        steady(Rewrite(where=_LIST, reply=_reversed)),
    ),
    Mutant(
        "status-time-swapped",
        "A command ended before it began.",
        ("a_status_tells_how_a_command_stands/status.fields",),
        _status(_told(finished_at="2001-01-01T00:00:00.000Z")),
    ),
    Mutant(
        "status-content-lost",
        "The status does not tell the command.",
        ("a_status_tells_how_a_command_stands/status.from-init",),
        _status(_told(content="")),
    ),
    Mutant(
        "executions-twice",
        "The list tells a run twice.",
        ("executions_are_listed_in_pages/executions.list",),
        steady(Rewrite(where=_LIST, reply=_twice)),
    ),
    Mutant(
        "interrupt-swallowed",
        "DELETE /command is answered and not done.",
        (
            "an_interrupt_asks_first/interrupt.term-first",
            "a_background_command_is_answered_at_once/interrupt.answer",
        ),
        swallowed(_INTERRUPT),
    ),
    Mutant(
        "interrupt-of-finished",
        "Interrupting a finished command is 200.",
        ("an_interrupt_is_the_cause_whatever_the_exit/interrupt.finished",),
        steady(Rewrite(where=_INTERRUPT, reply=_finished_is_fine)),
    ),
    Mutant(
        "interrupt-of-unknown",
        "Interrupting an unknown command is 200.",
        ("an_interrupt_is_the_cause_whatever_the_exit/interrupt.unknown",),
        steady(Rewrite(where=_INTERRUPT, reply=_unknown_is_fine)),
    ),
    Mutant(
        "stdin-swallowed",
        "What is written to standard input is lost.",
        ("input_reaches_the_program_byte_for_byte/stdin.raw",),
        swallowed(_is_stdin),
    ),
    Mutant(
        "stdin-altered",
        "Standard input is treated as text.",
        ("input_reaches_the_program_byte_for_byte/stdin.raw",),
        steady(Rewrite(where=_is_stdin, whole=_stdin_altered)),
    ),
    Mutant(
        "stdin-without-end",
        "eof=true is ignored.",
        ("input_reaches_the_program_byte_for_byte/stdin.closed",),
        steady(Rewrite(where=_is_stdin, ask=_eof_ignored)),
    ),
    Mutant(
        "stdin-closed-fine",
        "Writing to a closed standard input is 200.",
        ("who_has_no_input_takes_none/stdin.closed",),
        steady(Rewrite(where=_is_stdin, reply=_closed_is_fine)),
    ),
    Mutant(
        "status-always-running",
        "Every command is said to run.",
        ("a_status_tells_how_a_command_stands/status.fields",),
        _status(_told(running=True, finished_at=None)),
    ),
    Mutant(
        "status-never-running",
        "No command is said to run.",
        ("a_status_tells_how_a_command_stands/status.from-init",),
        _status(_told(running=False)),
    ),
    Mutant(
        "status-exit-code",
        "The status tells another exit code.",
        ("a_status_tells_how_a_command_stands/status.fields",),
        _status(_told(exit_code=77)),
    ),
    Mutant(
        "status-without-times",
        "The status tells no times.",
        ("a_status_tells_how_a_command_stands/status.fields",),
        _status(_told(started_at=None, finished_at=None)),
    ),
    Mutant(
        "status-without-cause",
        "The status tells no cause.",
        ("an_execution_tells_all_that_is_known/status.more",),
        _status(_told(cause=None)),
    ),
    Mutant(
        "status-of-unknown",
        "The status of an unknown id is 200.",
        ("a_status_tells_how_a_command_stands/status.unknown",),
        _status(_unknown_is_empty),
    ),
    Mutant(
        "executions-one-page",
        "Only the first page of executions can be had.",
        ("a_page_that_is_not_the_last_names_the_next/executions.list",),
        steady(Rewrite(where=_LIST, reply=_one_page)),
    ),
    Mutant(
        "executions-unfiltered",
        "running and kind are ignored.",
        ("executions_are_listed_in_pages/executions.filter",),
        steady(Rewrite(where=_LIST, ask=_unfiltered)),
    ),
)
