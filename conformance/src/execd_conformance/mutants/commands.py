"""Mutants of commands: wishes that are not heeded, answers about runs that are not true."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, answer, fields, refusal, steady
from execd_conformance.mutants.rewrite import Rewrite, route


def _dropped(*names: str) -> Making:
    """Start commands without heeding these fields."""
    return steady(
        Rewrite(where=route("POST", "/command"), whole=lambda request: fields(request, **dict.fromkeys(names)))
    )


def _swallowed(where: Callable[[Request], bool]) -> Making:
    """Say that it is done, and do nothing."""
    return steady(Rewrite(where=where, whole=lambda request: answer(request, 200)))


def _is_stdin(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/stdin")


def _joined(request: Request) -> Request:
    """Run arguments through a shell."""
    argv = request.mapping.get("argv")
    return fields(request, argv=None, command=" ".join(argv)) if isinstance(argv, list) and argv else request


def _split(request: Request) -> Request:
    """Run a command text without a shell."""
    command = request.mapping.get("command")
    try:
        words = shlex.split(command) if isinstance(command, str) else []
    except ValueError:
        return request
    return fields(request, command=None, argv=words) if words else request


def _inherited(request: Request) -> Request:
    """Give every command a pipe as its standard input."""
    return fields(request, stdin="pipe")


def _timeout_in_seconds(request: Request) -> Request:
    timeout = request.mapping.get("timeout")
    return fields(request, timeout=timeout * 1000) if isinstance(timeout, int) and 0 < timeout < 2**40 else request


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


def _blank_taken(request: Request) -> Request | Reply:
    command = request.mapping.get("command")
    return fields(request, command=":") if isinstance(command, str) and not command.strip() else request


def _both_taken(request: Request) -> Request:
    body = request.json
    return fields(request, argv=None) if isinstance(body, dict) and {"command", "argv"} <= body.keys() else request


def _negative_taken(request: Request) -> Request:
    timeout = request.mapping.get("timeout")
    return fields(request, timeout=None) if isinstance(timeout, int) and timeout < 0 else request


def _cwd_made_up(request: Request, reply: Reply) -> Reply:
    return refusal(request, 500, "RUNTIME_ERROR") if "cwd" in str(reply.mapping.get("message", "")) else reply


_COMMAND, _INTERRUPT = route("POST", "/command"), route("DELETE", "/command")
_LIST = route("GET", "/executions")


def _starts(ask: Callable[[Request], Request | Reply]) -> Making:
    return steady(Rewrite(where=_COMMAND, whole=ask))


def _twice(_request: Request, reply: Reply) -> Reply:
    """Tell the first run of a page twice."""
    runs = reply.mapping.get("executions") if reply.status == 200 else None
    return reply.with_json({**reply.mapping, "executions": [*runs[:1], *runs]}) if runs else reply


MUTANTS = (
    Mutant(
        "executions-twice",
        "The list tells a run twice.",
        ("executions_are_listed_in_pages/executions.list",),
        steady(Rewrite(where=_LIST, reply=_twice)),
    ),
    Mutant(
        "interrupt-swallowed",
        "DELETE /command is answered and not done.",
        ("an_interrupt_asks_first/interrupt.term-first",),
        _swallowed(_INTERRUPT),
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
        "timeout-swallowed",
        "Commands have no timeout.",
        ("what_ignores_its_timeout_is_killed/end.timed-out",),
        _dropped("timeout"),
    ),
    Mutant(
        "timeout-in-seconds",
        "Timeouts are seconds.",
        ("what_ignores_its_timeout_is_killed/end.timed-out",),
        _starts(_timeout_in_seconds),
    ),
    Mutant(
        "timeout-negative-taken",
        "A negative timeout is none.",
        ("what_no_system_takes_is_refused_before_any_event/command.timeout-bounds",),
        _starts(_negative_taken),
    ),
    Mutant(
        "envs-dropped",
        "envs are ignored.",
        ("a_command_has_the_environment_it_is_given/command.envs",),
        _dropped("envs"),
    ),
    Mutant(
        "cwd-dropped",
        "cwd is ignored.",
        ("a_command_is_text_for_a_shell/command.cwd", "a_command_starts_where_it_is_told/command.cwd-missing"),
        _dropped("cwd"),
    ),
    Mutant(
        "user-dropped",
        "user, uid and gid are ignored.",
        ("another_user_is_served_or_refused/command.uid", "nobody_becomes_somebody/command.user-unknown"),
        _dropped("user", "uid", "gid"),
    ),
    Mutant(
        "detach-dropped",
        "on_disconnect is ignored.",
        ("a_detached_run_goes_on/disconnect.detach",),
        _dropped("on_disconnect"),
    ),
    Mutant(
        "grace-dropped",
        "disconnect_grace_ms is ignored.",
        ("a_short_grace_is_short/disconnect.kill",),
        _dropped("disconnect_grace_ms"),
    ),
    Mutant(
        "overflow-dropped",
        "on_overflow is ignored.",
        ("a_reader_that_is_left_behind_is_told_what_is_missing/overflow.drop-never-holds",),
        _dropped("on_overflow"),
    ),
    Mutant(
        "always-detached",
        "Nobody's leaving ends a run.",
        ("a_run_whose_last_reader_has_left_is_stopped/disconnect.kill",),
        _starts(lambda r: fields(r, on_disconnect="detach")),
    ),
    Mutant(
        "argv-through-shell",
        "argv is joined and run by a shell.",
        ("arguments_need_no_shell/command.argv",),
        _starts(_joined),
    ),
    Mutant(
        "command-without-shell",
        "command is not run by a shell.",
        ("a_command_is_text_for_a_shell/command.shell",),
        _starts(_split),
    ),
    Mutant(
        "blank-taken",
        "A blank command is run.",
        ("what_no_system_takes_is_refused_before_any_event/command.blank",),
        _starts(_blank_taken),
    ),
    Mutant(
        "both-taken",
        "argv beside command is ignored.",
        ("what_no_system_takes_is_refused_before_any_event/command.one-of",),
        _starts(_both_taken),
    ),
    Mutant(
        "stdin-open",
        "Standard input is a pipe for everybody.",
        ("a_command_is_text_for_a_shell/command.stdin-null",),
        _starts(_inherited),
    ),
    Mutant(
        "stdin-swallowed",
        "What is written to standard input is lost.",
        ("input_reaches_the_program_byte_for_byte/stdin.raw",),
        _swallowed(_is_stdin),
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
    Mutant(
        "cwd-missing-as-500",
        "A missing cwd is a fault of the daemon.",
        ("a_command_starts_where_it_is_told/command.cwd-missing",),
        steady(Rewrite(where=_COMMAND, reply=_cwd_made_up)),
    ),
)
