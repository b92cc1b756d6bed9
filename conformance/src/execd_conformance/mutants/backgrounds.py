"""Mutants of commands that nobody waits for, and of commands whose output is limited."""

from __future__ import annotations

from collections.abc import Callable

from execd_conformance.mutants.blocks import Block, block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, dropped, each_of, fields, is_replay, left_out, runs, steady
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route

_COMMAND = route("POST", "/command")


def _starts(events: Callable[[Blocks], Blocks]) -> Making:
    """Change the streams of starts in the background."""

    def make(_token: str | None) -> Rewrite:
        background: set[int] = set()

        def whole(request: Request) -> Request:
            is_it = request.mapping.get("background") is True
            (background.add if is_it else background.discard)(request.connection)
            return request

        def changed(request: Request, blocks: Blocks) -> Blocks:
            return events(blocks) if request.connection in background else blocks

        return Rewrite(where=_COMMAND, whole=whole, events=changed)

    return make


async def _numbered(blocks: Blocks) -> Blocks:
    async for event in blocks:
        yield event.numbered(2) if event.is_terminal else event


async def _caused(blocks: Blocks) -> Blocks:
    async for event in blocks:
        yield event.changed(cause="exited", exit_code=0) if event.is_terminal else event


async def _endless(blocks: Blocks) -> Blocks:
    async for event in blocks:
        if not event.is_terminal:
            yield event


async def _stored(_request: Request, events: Blocks) -> Blocks:
    """Replay the end of the start too."""
    async for event in events:
        yield event
        if event.type == "init":
            stamp = event.data.get("timestamp")
            yield block({"type": "execution_complete", "execution_time": 0, "timestamp": stamp})


def _exited(_request: Request, reply: Reply) -> Reply:
    told = reply.mapping
    is_it = told.get("background") is True and told.get("running") is False
    return reply.with_json({**told, "cause": "exited"}) if is_it else reply


def _foreground(_request: Request, reply: Reply) -> Reply:
    told = reply.mapping
    return reply.with_json({**told, "background": False}) if told.get("background") is True else reply


def _attached(_token: str | None) -> Rewrite:
    """A start in the background is read like another, and its reader leaves after init."""
    background: set[int] = set()

    def whole(request: Request) -> Request:
        if request.mapping.get("background") is not True:
            background.discard(request.connection)
            return request
        background.add(request.connection)
        return fields(request, background=None)

    async def events(request: Request, blocks: Blocks) -> Blocks:
        async for event in blocks:
            yield event
            if event.type == "init" and request.connection in background:
                stamp = event.data.get("timestamp")
                yield block({"type": "execution_complete", "execution_time": 0, "timestamp": stamp})
                return

    return Rewrite(where=_COMMAND, whole=whole, events=events)


def _limits(change: Callable[[int], int]) -> Making:
    """Limit output to something else."""

    def whole(request: Request) -> Request:
        limit = request.mapping.get("max_output_bytes")
        if not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit <= 2**53:
            return request
        return fields(request, max_output_bytes=change(limit))

    return steady(Rewrite(where=_COMMAND, whole=whole))


def _any_limit(request: Request) -> Request:
    limit = request.mapping.get("max_output_bytes")
    is_one = isinstance(limit, int) and 0 <= limit <= 2**53
    return request if is_one else fields(request, max_output_bytes=None)


async def _held(_request: Request, events: Blocks) -> Blocks:
    """Keep output back to the end."""
    kept: list[Block] = []
    async for event in events:
        if event.is_output:
            kept.append(event)
            continue
        if event.is_terminal:
            for each in kept:
                yield each
        yield event


MUTANTS = (
    Mutant(
        "background-waits",
        "The start of a background command is answered at its end.",
        (
            "a_background_command_is_answered_at_once/command.background",
            "the_end_of_a_start_is_not_that_of_the_command/command.background",
            "a_repeated_background_start_runs_once/command.background",
        ),
        dropped(_COMMAND, "background"),
    ),
    Mutant(
        "background-endless",
        "The start of a background command has no terminal event.",
        (
            "a_background_command_is_answered_at_once/command.background",
            "a_background_command_is_answered_at_once/stream.terminal-once",
        ),
        _starts(_endless),
    ),
    Mutant(
        "background-end-numbered",
        "The end of a start has a number.",
        ("the_end_of_a_start_is_not_that_of_the_command/command.background-end",),
        _starts(_numbered),
    ),
    Mutant(
        "background-end-caused",
        "The end of a start tells a cause.",
        ("the_end_of_a_start_is_not_that_of_the_command/command.background-end",),
        _starts(_caused),
    ),
    Mutant(
        "background-end-stored",
        "The end of a start is replayed.",
        (
            "the_end_of_a_start_is_not_that_of_the_command/stream.terminal-once",
            "nobody_has_to_read_a_background_command/stream.terminal-once",
        ),
        steady(Rewrite(where=is_replay, events=_stored)),
    ),
    Mutant(
        "background-always-exited",
        "Every background command is said to have exited.",
        ("the_end_of_a_start_is_not_that_of_the_command/command.background-failed",),
        steady(Rewrite(where=route("GET", "/command/status/"), reply=_exited)),
    ),
    Mutant(
        "background-untold",
        "The status does not tell of the background.",
        ("the_end_of_a_start_is_not_that_of_the_command/status.more",),
        steady(Rewrite(where=route("GET", "/command/status/"), reply=_foreground)),
    ),
    Mutant(
        "background-attached",
        "A background command ends when nobody reads it.",
        ("nobody_has_to_read_a_background_command/disconnect.background",),
        _attached,
    ),
    Mutant(
        "limit-dropped",
        "max_output_bytes is ignored.",
        (
            "head_and_tail_of_much_output_are_kept/command.max-output-bytes",
            "the_head_is_live_and_the_tail_waits/command.max-output-bytes",
            "much_output_is_cut_to_head_and_tail/sdk.max-output-bytes",
        ),
        dropped(_COMMAND, "max_output_bytes"),
    ),
    Mutant(
        "limit-doubled",
        "Twice as much output is kept.",
        (
            "head_and_tail_of_much_output_are_kept/command.max-output-bytes",
            "much_output_is_cut_to_head_and_tail/sdk.max-output-bytes",
        ),
        _limits(lambda limit: min(2 * limit, 2**53)),
    ),
    Mutant(
        "limit-always-met",
        "A byte less than the limit is kept.",
        (
            "output_within_the_limit_is_whole/command.max-output-within",
            "output_within_the_limit_is_whole/end.truncated",
        ),
        _limits(lambda limit: max(min(limit, 10) - 1, 0)),
    ),
    Mutant(
        "limit-any",
        "Any limit of output is taken.",
        ("output_within_the_limit_is_whole/command.max-output-bytes",),
        steady(Rewrite(where=_COMMAND, whole=_any_limit)),
    ),
    Mutant(
        "limit-held",
        "Output comes at the end of a command.",
        ("the_head_is_live_and_the_tail_waits/command.max-output-live",),
        runs(_held),
    ),
    Mutant(
        "limit-untold",
        "What is left out is not told.",
        (
            "head_and_tail_of_much_output_are_kept/command.max-output-told",
            "head_and_tail_of_much_output_are_kept/stream.numbers",
            "the_head_is_live_and_the_tail_waits/command.max-output-told",
        ),
        runs(left_out("truncated")),
    ),
    Mutant(
        "limit-miscounted",
        "What is left out is told without its bytes.",
        (
            "head_and_tail_of_much_output_are_kept/command.max-output-told",
            "the_head_is_live_and_the_tail_waits/command.max-output-told",
        ),
        runs(each_of("truncated", lambda event: event.changed(stdout_bytes=0, stderr_bytes=0))),
    ),
)
