"""Mutants of live shells: what lasts, what a run tells, how it ends, and what is left then."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Callable
from typing import Any

from execd_conformance.mutants.blocks import Block, block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import (
    Events,
    Making,
    Mutant,
    dropped,
    each,
    each_of,
    fields,
    left_out,
    refusal,
    steady,
    swallowed,
)
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route

_CREATE = route("POST", "/session")


def _is_run(request: Request) -> bool:
    return request.method == "POST" and request.path.startswith("/session/") and request.path.endswith("/run")


def _is_delete(request: Request) -> bool:
    return request.method == "DELETE" and request.path.startswith("/session/")


def _runs(events: Events) -> Making:
    return steady(Rewrite(where=_is_run, events=events))


def _text(change: Callable[[str], str]) -> Making:
    """Run another text than the one that was sent."""

    def whole(request: Request) -> Request:
        command = request.mapping.get("command")
        return fields(request, command=change(command)) if isinstance(command, str) and command.strip() else request

    return steady(Rewrite(where=_is_run, whole=whole))


def _taken(**changed: object) -> Making:
    """Take what ought to be refused for something else."""

    def whole(request: Request) -> Request:
        command = request.mapping.get("command")
        blank = isinstance(command, str) and not command.strip()
        negative = request.mapping.get("timeout") == -1
        return fields(request, **changed) if blank or negative else request

    return steady(Rewrite(where=_is_run, whole=whole))


def _one_for_all(_token: str | None) -> Rewrite:
    """Give everybody the session that was made first."""
    first: list[Any] = []

    def reply(_request: Request, reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        first.append(reply.json)
        return reply.with_json(first[0])

    return Rewrite(where=_CREATE, reply=reply)


def _body_needed(request: Request) -> Request | Reply:
    return request if request.body.strip() else refusal(request, 400, "INVALID_REQUEST_BODY")


def _as_error(name: str, code: str, status: int) -> Making:
    def reply(request: Request, reply: Reply) -> Reply:
        return refusal(request, status, code) if reply.mapping.get("code") == name else reply

    return steady(Rewrite(reply=reply))


def _well(event: Block) -> Block:
    """Say that it went well, whatever it did."""
    if event.type != "error" or "exit_code" not in event.data:
        return event
    return event.changed(type="execution_complete", error=None, code=None, exit_code=0)


def _to_stdout(event: Block) -> Block:
    return event.changed(type="stdout") if event.type == "stderr" else event


def _without_blanks(event: Block) -> Block | None:
    return None if event.is_output and event.data.get("text") == "\n" else event


def _exited(event: Block) -> Block:
    return event.changed(cause="exited") if event.is_terminal else event


def _told_as_command(_request: Request, reply: Reply) -> Reply:
    return reply.with_json({**reply.mapping, "kind": "command"}) if reply.mapping.get("kind") else reply


async def _always_restarted(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        yield event
        if event.type == "init":
            number = None if event.number is None else event.number + 1
            yield block({**event.data, "type": "status", "text": "restarted"}, number=number)


async def _without_first(_request: Request, events: Blocks) -> Blocks:
    dropped_one = False
    async for event in events:
        if event.type == "stdout" and not dropped_one:
            dropped_one = True
            continue
        yield event


def _only_the_stream(_token: str | None) -> Rewrite:
    """At a timeout end the stream, and let the run go on."""
    limits: dict[int, float] = {}

    def whole(request: Request) -> Request:
        timeout = request.mapping.get("timeout")
        if not isinstance(timeout, int) or timeout <= 0:
            limits.pop(request.connection, None)
            return request
        limits[request.connection] = timeout / 1000
        return fields(request, timeout=None, on_disconnect="detach")

    async def events(request: Request, blocks: Blocks) -> AsyncIterator[Block]:
        last: Block | None = None
        try:
            async with asyncio.timeout(limits.get(request.connection)):
                async for event in blocks:
                    last = event
                    yield event
        except TimeoutError:
            stamp = last.data.get("timestamp") if last else 0
            end = {"type": "error", "timestamp": stamp, "cause": "timed_out", "code": "EXECUTION_TIMEOUT"}
            yield block(end, number=last.number + 1 if last and last.number else None)

    return Rewrite(where=_is_run, whole=whole, events=events)


def _open_is_fatal(command: str) -> str:
    try:
        shlex.split(command.replace("`", "'").replace("(", "'").replace("{", "'"))
    except ValueError:
        return "exit 2"
    return command


_STATES = "what_a_command_does_to_the_shell_lasts/session.state"

MUTANTS = (
    Mutant(
        "session-one-for-all",
        "Everybody gets the same session.",
        ("a_session_is_made_used_and_ended/session.create", "a_session_is_made_used_and_ended/session.exported"),
        _one_for_all,
    ),
    Mutant(
        "session-body-needed",
        "A session is made only of a body.",
        ("a_session_is_made_used_and_ended/empty.session",),
        steady(Rewrite(where=_CREATE, whole=_body_needed)),
    ),
    Mutant(
        "session-cwd-dropped",
        "The cwd of a session is ignored.",
        ("a_session_makes_the_directory_it_starts_in/session.cwd",),
        dropped(_CREATE, "cwd"),
    ),
    Mutant(
        "session-envs-dropped",
        "The envs of a session are ignored.",
        ("a_session_starts_with_what_it_is_told/session.envs", "a_shell_is_kept_for_several_commands/sdk.session"),
        dropped(_CREATE, "envs"),
    ),
    Mutant(
        "session-id-dropped",
        "The id that a client chose for a session is ignored.",
        ("a_start_of_a_session_may_be_repeated/session.id",),
        dropped(_CREATE, "session_id"),
    ),
    Mutant(
        "session-run-cwd-dropped",
        "The cwd of a session's run is ignored.",
        (
            "a_session_starts_with_what_it_is_told/session.run-cwd",
            "a_shell_is_kept_for_several_commands/sdk.session-run",
        ),
        dropped(_is_run, "cwd"),
    ),
    Mutant(
        "session-run-id-dropped",
        "The execution_id of a session's run is ignored.",
        ("output_of_a_session_is_exact/session.fields",),
        dropped(_is_run, "execution_id"),
    ),
    Mutant(
        "session-detach-dropped",
        "Every run of a session is stopped when its readers leave.",
        ("a_run_of_a_session_heeds_its_readers_leaving/session.disconnect",),
        dropped(_is_run, "on_disconnect"),
    ),
    Mutant(
        "session-run-as-command",
        "A session's run is told as a command.",
        ("output_of_a_session_is_exact/session.fields",),
        steady(Rewrite(where=route("GET", "/executions/"), reply=_told_as_command)),
    ),
    Mutant(
        "session-kept",
        "Deleting a session is answered and not done.",
        (
            "a_session_is_made_used_and_ended/session.delete",
            "a_deleted_session_leaves_nothing/session.delete",
            "leaving_a_session_ends_it/sdk.session-end",
            "a_session_survives_cuts_anywhere/sdk.session-resume",
        ),
        swallowed(_is_delete),
    ),
    Mutant(
        "session-not-found-as-context",
        "A session that is not there is a context that is not there.",
        ("a_deleted_session_leaves_nothing/error.session-not-found",),
        _as_error("SESSION_NOT_FOUND", "CONTEXT_NOT_FOUND", 404),
    ),
    Mutant(
        "session-limit-as-fault",
        "One session too many is a fault of the daemon.",
        ("sessions_are_limited/limits.sessions",),
        _as_error("LIMIT_REACHED", "RUNTIME_ERROR", 500),
    ),
    Mutant(
        "session-nonsense-taken",
        "Blank commands and negative timeouts are taken.",
        ("what_is_no_run_of_a_session_is_refused/session.refused",),
        _taken(command=":", timeout=None),
    ),
    Mutant(
        "session-forgetful",
        "Each command runs in a shell of its own.",
        (
            "a_session_is_made_used_and_ended/session.exported",
            _STATES,
            "values_last_byte_for_byte/session.values",
            "a_trap_of_the_users_own_runs_for_their_commands/session.hooks",
            "who_ends_the_shell_ends_the_run_and_not_the_session/session.exit",
            "a_shell_is_kept_for_several_commands/sdk.session",
            "a_cancelled_command_leaves_its_session/sdk.session-cancel",
        ),
        _text(lambda text: f"(\n{text}\n)"),
    ),
    Mutant(
        "session-forgets-functions",
        "Functions do not last.",
        (_STATES,),
        _text(lambda text: f"unset -f $(compgen -A function)\n{text}"),
    ),
    Mutant(
        "session-values-plain",
        "Values lose what is no plain text.",
        ("values_last_byte_for_byte/session.values",),
        _text(lambda text: text.encode("ascii", "ignore").decode()),
    ),
    Mutant(
        "session-tracing-lost",
        "Tracing ends with the command that began it.",
        ("a_trap_of_the_users_own_runs_for_their_commands/session.state",),
        _text(lambda text: f"{{ set +x; }} 2>/dev/null\n{text}"),
    ),
    Mutant(
        "session-prompts",
        "PROMPT_COMMAND is run after each command.",
        ("hooks_and_options_of_the_users_own_do_no_harm/session.hooks",),
        _text(lambda text: f'{text}\neval "$PROMPT_COMMAND"'),
    ),
    Mutant(
        "session-open-is-fatal",
        "Text that is no shell text ends the shell.",
        ("what_is_no_shell_text_leaves_the_session_as_it_was/session.syntax",),
        _text(_open_is_fatal),
    ),
    Mutant(
        "session-input",
        "Runs have something to read.",
        ("the_exit_status_is_private/session.input",),
        _text(lambda text: f"exec <<<unasked\n{text}"),
    ),
    Mutant(
        "session-status-well",
        "Every run of a session has gone well.",
        (
            "a_session_is_made_used_and_ended/session.run",
            "the_exit_status_is_private/session.exit-status",
            "much_output_of_a_session_comes_whole/session.exit-status",
            "what_is_no_shell_text_leaves_the_session_as_it_was/session.syntax",
            "who_ends_the_shell_ends_the_run_and_not_the_session/session.exit",
        ),
        _runs(each(_well)),
    ),
    Mutant(
        "session-one-output",
        "Both outputs of a session are one.",
        ("output_of_a_session_is_exact/session.output", "a_shell_is_kept_for_several_commands/sdk.session"),
        _runs(each(_to_stdout)),
    ),
    Mutant(
        "session-blank-lines-dropped",
        "Blank lines of a session's output are dropped.",
        ("output_of_a_session_is_exact/session.output",),
        _runs(each(_without_blanks)),
    ),
    Mutant(
        "session-restart-untold",
        "Nobody is told that a shell is a fresh one.",
        (
            "who_ends_the_shell_ends_the_run_and_not_the_session/session.restarted",
            "a_shell_that_does_not_come_back_is_replaced/session.replaced",
        ),
        _runs(left_out("status", text="restarted")),
    ),
    Mutant(
        "session-always-restarted",
        "Every run says that its shell is a fresh one.",
        (
            "who_ends_the_shell_ends_the_run_and_not_the_session/session.restarted",
            "a_timeout_stops_the_run_and_leaves_the_shell/session.timeout",
            "what_a_stopped_run_has_started_is_gone/session.stop",
        ),
        _runs(_always_restarted),
    ),
    Mutant(
        "session-queue-untold",
        "Nobody is told that a run waits.",
        ("runs_of_a_session_wait_for_each_other/session.queue",),
        _runs(left_out("status", text="queued")),
    ),
    Mutant(
        "session-interrupt-odd",
        "An interrupt is answered oddly.",
        ("runs_of_a_session_wait_for_each_other/interrupt.answer",),
        steady(Rewrite(where=route("DELETE", "/command"), reply=lambda _request, reply: reply.with_status(202))),
    ),
    Mutant(
        "session-jobs-unheard",
        "What comes first is lost.",
        ("what_background_jobs_say_between_runs_opens_the_next/session.jobs",),
        _runs(_without_first),
    ),
    Mutant(
        "session-timeout-untold",
        "A run that was stopped has exited.",
        ("a_timeout_stops_the_run_and_leaves_the_shell/end.timed-out",),
        _runs(each_of("error", _exited)),
    ),
    Mutant(
        "session-timeout-of-the-stream",
        "A timeout ends the stream, and nothing else.",
        ("what_a_stopped_run_has_started_is_gone/session.timeout",),
        _only_the_stream,
    ),
)
