"""Mutants of starts: wishes of commands that are not heeded."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, dropped, fields, refusal, steady
from execd_conformance.mutants.rewrite import Rewrite, route


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


_COMMAND = route("POST", "/command")


def _starts(ask: Callable[[Request], Request | Reply]) -> Making:
    return steady(Rewrite(where=_COMMAND, whole=ask))


def _ascii_envs(request: Request) -> Request:
    envs = request.mapping.get("envs")
    if not isinstance(envs, dict):
        return request
    return fields(request, envs={key: _plain(value) for key, value in envs.items()})


def _plain(value: object) -> object:
    return value.encode("ascii", "ignore").decode().strip() if isinstance(value, str) else value


def _empty_dropped(request: Request) -> Request:
    argv = request.mapping.get("argv")
    return fields(request, argv=[word for word in argv if word != ""]) if isinstance(argv, list) else request


def _in_one_line(request: Request) -> Request:
    command = request.mapping.get("command")
    return fields(request, command=" ".join(command.split())) if isinstance(command, str) else request


def _zero_at_once(request: Request) -> Request:
    return fields(request, timeout=1) if request.mapping.get("timeout") == 0 else request


def _valueless_dropped(request: Request) -> Request:
    envs = request.mapping.get("envs")
    return fields(request, envs={k: v for k, v in envs.items() if v != ""}) if isinstance(envs, dict) else request


MUTANTS = (
    Mutant(
        "argument-empty-dropped",
        "Empty arguments are dropped.",
        ("arguments_need_no_shell/command.argv",),
        _starts(_empty_dropped),
    ),
    Mutant(
        "command-in-one-line",
        "A command's white space is made one.",
        ("a_command_is_text_for_a_shell/command.shell",),
        _starts(_in_one_line),
    ),
    Mutant(
        "timeout-zero-at-once",
        "A timeout of 0 is over at once.",
        ("a_timeout_asks_the_whole_group_to_end/command.timeout-none",),
        _starts(_zero_at_once),
    ),
    Mutant(
        "env-empty-dropped",
        "Variables without a value are dropped.",
        ("a_command_has_the_environment_it_is_given/command.envs",),
        _starts(_valueless_dropped),
    ),
    Mutant(
        "envs-plain",
        "Values of variables are stripped to plain ASCII.",
        ("a_command_has_the_environment_it_is_given/command.envs",),
        _starts(_ascii_envs),
    ),
    Mutant(
        "timeout-swallowed",
        "Commands have no timeout.",
        ("what_ignores_its_timeout_is_killed/end.timed-out",),
        dropped(_COMMAND, "timeout"),
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
        dropped(_COMMAND, "envs"),
    ),
    Mutant(
        "cwd-dropped",
        "cwd is ignored.",
        ("a_command_is_text_for_a_shell/command.cwd", "a_command_starts_where_it_is_told/command.cwd-missing"),
        dropped(_COMMAND, "cwd"),
    ),
    Mutant(
        "stdin-dropped",
        "stdin is ignored.",
        ("input_reaches_the_program_byte_for_byte/command.stdin-pipe",),
        dropped(_COMMAND, "stdin"),
    ),
    Mutant(
        "user-dropped",
        "user, uid and gid are ignored.",
        ("another_user_is_served_or_refused/command.uid", "nobody_becomes_somebody/command.user-unknown"),
        dropped(_COMMAND, "user", "uid", "gid"),
    ),
    Mutant(
        "detach-dropped",
        "on_disconnect is ignored.",
        ("a_detached_run_goes_on/disconnect.detach",),
        dropped(_COMMAND, "on_disconnect"),
    ),
    Mutant(
        "grace-dropped",
        "disconnect_grace_ms is ignored.",
        ("a_short_grace_is_short/disconnect.kill",),
        dropped(_COMMAND, "disconnect_grace_ms"),
    ),
    Mutant(
        "overflow-dropped",
        "on_overflow is ignored.",
        ("a_reader_that_is_left_behind_is_told_what_is_missing/overflow.drop-never-holds",),
        dropped(_COMMAND, "on_overflow"),
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
        "cwd-missing-as-500",
        "A missing cwd is a fault of the daemon.",
        ("a_command_starts_where_it_is_told/command.cwd-missing",),
        steady(Rewrite(where=_COMMAND, reply=_cwd_made_up)),
    ),
)
