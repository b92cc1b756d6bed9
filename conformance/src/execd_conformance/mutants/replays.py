"""Mutants of replay: where it begins and ends, and of starts that are repeated."""

from __future__ import annotations

from dataclasses import replace

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request, without
from execd_conformance.mutants.mutant import Making, Mutant, answer, each, fields, is_replay, refusal, steady
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route


def _asked(change: int) -> Making:
    def ask(request: Request) -> Request:
        """Begin elsewhere."""
        after = request.asks("after") or request.header("last-event-id")
        if after is None or not after.isdigit() or after == "0":
            return request
        query = [(key, value) for key, value in request.query if key != "after"]
        return request.with_query([*query, ("after", str(max(int(after) + change, 0)))])

    return steady(Rewrite(where=is_replay, ask=ask))


def _header_ignored(request: Request) -> Request:
    return replace(request, headers=without(request.headers, "last-event-id"))


def _header_wins(request: Request) -> Request:
    if request.header("last-event-id") is None:
        return request
    return request.with_query([(key, value) for key, value in request.query if key != "after"])


def _always_follows(request: Request) -> Request:
    return request.with_query([(key, value) for key, value in request.query if key != "follow"])


def _never_follows(request: Request) -> Request:
    return request.with_query([*((k, v) for k, v in request.query if k != "follow"), ("follow", "false")])


def _empty_stream(request: Request, reply: Reply) -> Reply:
    if reply.status != 204:
        return reply
    return answer(request, 200).with_header("content-type", "text/event-stream")


def _future_is_nothing(request: Request, reply: Reply) -> Reply:
    return answer(request, 204).without_header("content-length") if reply.status == 400 else reply


async def _renumbered(_request: Request, events: Blocks) -> Blocks:
    number = 0
    async for event in events:
        number += event.number is not None
        yield event if event.number is None else event.numbered(number)


def _now(event: Block) -> Block:
    stamp = event.data.get("timestamp")
    return event.changed(timestamp=stamp + 1) if isinstance(stamp, int) else event


def _remembered(_token: str | None) -> Rewrite:
    """A start under an id that was used already is answered by the first one, whatever it asks."""
    bodies: dict[str, bytes] = {}

    def ask(request: Request) -> Request:
        told = request.mapping.get("execution_id")
        if not isinstance(told, str):
            return request
        return request.with_body(bodies.setdefault(told, request.body))

    return Rewrite(where=route("POST", "/command"), whole=ask)


def _byte_for_byte(_token: str | None) -> Rewrite:
    """A start is only the same if its bytes are."""
    bodies: dict[str, bytes] = {}

    def ask(request: Request) -> Request | Reply:
        told = request.mapping.get("execution_id")
        if not isinstance(told, str) or bodies.setdefault(told, request.body) == request.body:
            return request
        return refusal(request, 409, "EXECUTION_CONFLICT")

    return Rewrite(where=route("POST", "/command"), whole=ask)


def _no_second(_token: str | None) -> Rewrite:
    """A start that is repeated is refused."""
    seen: set[str] = set()

    def ask(request: Request) -> Request | Reply:
        told = request.mapping.get("execution_id")
        if told in seen:
            return refusal(request, 409, "EXECUTION_CONFLICT")
        if isinstance(told, str):
            seen.add(told)
        return request

    return Rewrite(where=route("POST", "/command"), whole=ask)


async def _without_end(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        if not event.is_terminal:
            yield event


def _replays(rewrite: Rewrite) -> Making:
    return steady(replace(rewrite, where=is_replay))


def _starts(rewrite: Rewrite) -> Making:
    return steady(replace(rewrite, where=route("POST", "/command")))


MUTANTS = (
    Mutant(
        "replay-one-early",
        "A replay repeats the event it is to come after.",
        (
            "a_replay_is_exactly_what_came_after/replay.suffix",
            "a_replay_is_exactly_what_came_after/replay.past-the-end",
        ),
        _asked(-1),
    ),
    Mutant(
        "replay-one-late",
        "A replay leaves out the first event.",
        (
            "a_replay_is_exactly_what_came_after/replay.suffix",
            "a_replay_is_exactly_what_came_after/replay.last-event-id",
        ),
        _asked(+1),
    ),
    Mutant(
        "replay-from-start",
        "A replay ignores where to begin.",
        ("a_replay_is_exactly_what_came_after/replay.suffix", "a_replay_is_exactly_what_came_after/replay.after-wins"),
        _asked(-(10**9)),
    ),
    Mutant(
        "replay-without-end",
        "A replay lacks the terminal event.",
        ("a_replay_is_exactly_what_came_after/replay.suffix", "a_replay_is_exactly_what_came_after/replay.mode-fixed"),
        _replays(Rewrite(events=_without_end)),
    ),
    Mutant(
        "replay-renumbered",
        "A replay is numbered from 1.",
        ("a_replay_is_exactly_what_came_after/replay.suffix",),
        _replays(Rewrite(events=_renumbered)),
    ),
    Mutant(
        "replay-of-other-times",
        "A replay's timestamps are new.",
        ("a_replay_is_exactly_what_came_after/replay.suffix", "a_replay_is_exactly_what_came_after/replay.mode-fixed"),
        _replays(Rewrite(events=each(_now))),
    ),
    Mutant(
        "replay-header-ignored",
        "Last-Event-ID is ignored.",
        ("a_replay_is_exactly_what_came_after/replay.last-event-id",),
        _replays(Rewrite(ask=_header_ignored)),
    ),
    Mutant(
        "replay-header-wins",
        "Last-Event-ID wins over after.",
        ("a_replay_is_exactly_what_came_after/replay.after-wins",),
        _replays(Rewrite(ask=_header_wins)),
    ),
    Mutant(
        "replay-always-follows",
        "follow=false is ignored.",
        (
            "a_live_run_is_replayed_and_followed/replay.no-follow",
            "a_live_run_is_replayed_and_followed/replay.nothing-newer",
        ),
        _replays(Rewrite(ask=_always_follows)),
    ),
    Mutant(
        "replay-never-follows",
        "A replay ends at the newest event.",
        ("a_live_run_is_replayed_and_followed/replay.many-readers",),
        _replays(Rewrite(ask=_never_follows)),
    ),
    Mutant(
        "replay-200-for-204",
        "Nothing left to replay is an empty stream.",
        (
            "a_replay_is_exactly_what_came_after/replay.past-the-end",
            "a_live_run_is_replayed_and_followed/replay.nothing-newer",
        ),
        _replays(Rewrite(reply=_empty_stream)),
    ),
    Mutant(
        "replay-of-the-future",
        "A place past the newest event is 204.",
        ("a_live_run_is_replayed_and_followed/replay.future",),
        _replays(Rewrite(reply=_future_is_nothing)),
    ),
    Mutant(
        "id-ignored",
        "execution_id is ignored: a second start runs again.",
        (
            "a_repeated_start_runs_once/execution-id.attaches",
            "a_repeated_start_runs_once/execution-id.chosen",
            "a_repeated_start_runs_once/execution-id.conflict",
            "an_id_has_a_form/execution-id.form",
        ),
        _starts(Rewrite(whole=lambda r: fields(r, execution_id=None))),
    ),
    Mutant(
        "id-never-conflicts",
        "Another body under a used id gets the first run.",
        ("a_repeated_start_runs_once/execution-id.conflict",),
        _remembered,
    ),
    Mutant(
        "id-by-bytes",
        "A repeated start conflicts if its bytes differ.",
        ("a_repeated_start_runs_once/execution-id.decoded",),
        _byte_for_byte,
    ),
    Mutant(
        "id-once",
        "A repeated start is refused.",
        ("a_repeated_start_runs_once/execution-id.attaches", "a_repeated_start_runs_once/execution-id.after-end"),
        _no_second,
    ),
)
