"""Mutants of how events are framed: numbers, lines, times, headers."""

from __future__ import annotations

import json
from dataclasses import replace

from execd_conformance.mutants.blocks import Block, block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Mutant, each, runs, steady
from execd_conformance.mutants.rewrite import Blocks, Rewrite


async def _heartbeat_numbered(_request: Request, events: Blocks) -> Blocks:
    last = 0
    async for event in events:
        yield event.numbered(last + 1) if event.type == "ping" else event
        last = event.number or last


def _is_start(request: Request) -> bool:
    return request.method == "POST" and request.path in {"/command", "/code"}


def _as_stream(_request: Request, reply: Reply) -> Reply:
    if reply.status == 200:
        return reply
    body = {"type": "error", "error": {"ename": "CommandExecError", "evalue": "", "traceback": []}, "timestamp": 0}
    told = reply.with_body(block(body, number=1).raw).with_header("content-type", "text/event-stream")
    return told.with_status(200)


def _two_data_lines(event: Block) -> Block:
    return replace(event, raw=event.raw.replace(b',"', b',\ndata: "', 1))


def _unescaped(event: Block) -> Block:
    raw = event.raw
    for character in "\u0085\u2028\u2029":
        for escape in (f"\\u{ord(character):04x}", f"\\u{ord(character):04X}"):
            raw = raw.replace(escape.encode(), character.encode())
    return Block(raw)


def _unended(event: Block) -> Block:
    return Block(event.raw.rstrip(b"\n") + b"\n") if event.is_terminal else event


def _bare(event: Block) -> Block:
    return Block(json.dumps(event.data).encode() + b"\n\n")


def _shifted(event: Block) -> Block:
    return event if event.number is None or event.number < 3 else event.numbered(event.number + 1)


def _zero_based(event: Block) -> Block:
    return event if event.number is None else event.numbered(event.number - 1)


def _headed(name: str, value: str | None) -> Rewrite:
    """Give streams another header, or take it away."""

    def head(_request: Request, reply: Reply) -> Reply:
        if not reply.is_stream:
            return reply
        return reply.without_header(name) if value is None else reply.with_header(name, value)

    return Rewrite(head=head)


def _timed(event: Block, moment: object) -> Block:
    return event.changed(timestamp=moment) if "timestamp" in event.data else event


def _untimed_ping(event: Block) -> Block:
    return event.changed(timestamp=None) if event.type == "ping" else event


def _other_ping(event: Block) -> Block:
    return event.changed(text="ping") if event.type == "ping" else event


MUTANTS = (
    Mutant(
        "heartbeat-untimed",
        "Heartbeats have no timestamp.",
        ("silence_is_broken_before_deployed_clients_give_up/stream.timestamp",),
        runs(each(_untimed_ping)),
    ),
    Mutant(
        "heartbeat-other",
        "Heartbeats say something else.",
        ("heartbeats_are_a_setting_and_belong_to_no_run/heartbeat.form",),
        runs(each(_other_ping)),
    ),
    Mutant(
        "heartbeat-numbered",
        "A heartbeat has an id.",
        ("heartbeats_are_a_setting_and_belong_to_no_run/heartbeat.no-number",),
        runs(_heartbeat_numbered),
    ),
    Mutant(
        "number-skipped",
        "A number is left out.",
        (
            "events_are_numbered_from_one_and_keep_their_numbers/stream.numbers",
            "a_replay_is_exactly_what_came_after/stream.numbers",
        ),
        runs(each(_shifted)),
    ),
    Mutant(
        "numbered-from-zero",
        "Numbers begin at 0.",
        (
            "events_are_numbered_from_one_and_keep_their_numbers/stream.numbers",
            "a_replay_is_exactly_what_came_after/stream.numbers",
        ),
        runs(each(_zero_based)),
    ),
    Mutant(
        "numbers-missing",
        "Events have no id.",
        (
            "events_are_numbered_from_one_and_keep_their_numbers/stream.numbers",
            "a_replay_is_exactly_what_came_after/stream.numbers",
        ),
        runs(each(lambda e: e.numbered(None))),
    ),
    Mutant(
        "two-data-lines",
        "The JSON of an event is spread over two data lines.",
        ("a_stream_is_server_sent_events/stream.one-data-line",),
        runs(each(_two_data_lines)),
    ),
    Mutant(
        "separators-raw",
        "U+0085, U+2028 and U+2029 are not escaped.",
        ("a_stream_is_server_sent_events/stream.separators-escaped",),
        runs(each(_unescaped)),
    ),
    Mutant(
        "last-blank-line-missing",
        "No empty line follows the terminal event.",
        ("an_empty_line_follows_every_event/stream.blank-line",),
        runs(each(_unended)),
    ),
    Mutant(
        "bare-json",
        "Events are bare JSON lines, not server-sent events.",
        (
            "a_stream_is_server_sent_events/stream.one-data-line",
            "events_are_numbered_from_one_and_keep_their_numbers/stream.numbers",
        ),
        runs(each(_bare)),
    ),
    Mutant(
        "timestamp-missing",
        "Events have no timestamp.",
        ("a_deployed_client_reads_a_stream/stream.timestamp", "an_empty_line_follows_every_event/stream.timestamp"),
        runs(each(lambda e: e.changed(timestamp=None))),
    ),
    Mutant(
        "timestamp-text",
        "Timestamps are text.",
        ("a_deployed_client_reads_a_stream/stream.timestamp", "an_empty_line_follows_every_event/stream.timestamp"),
        runs(each(lambda e: _timed(e, str(e.data.get("timestamp"))))),
    ),
    Mutant(
        "timestamp-seconds",
        "Timestamps are seconds.",
        ("a_deployed_client_reads_a_stream/stream.timestamp",),
        runs(each(lambda e: _timed(e, e.data.get("timestamp", 0) // 1000))),
    ),
    Mutant(
        "stream-buffered",
        "Streams lack X-Accel-Buffering.",
        ("a_stream_is_server_sent_events/stream.not-buffered",),
        steady(_headed("x-accel-buffering", None)),
    ),
    Mutant(
        "stream-cached",
        "Streams lack Cache-Control.",
        ("a_stream_is_server_sent_events/stream.not-cached",),
        steady(_headed("cache-control", None)),
    ),
    Mutant(
        "stream-of-text",
        "Streams say text/plain.",
        ("a_stream_is_server_sent_events/stream.content-type",),
        steady(_headed("content-type", "text/plain")),
    ),
    Mutant(
        "refusal-as-stream",
        "A refused start is a stream of one error.",
        ("a_refused_start_is_no_stream/stream.refusal-plain",),
        steady(Rewrite(where=_is_start, reply=_as_stream)),
    ),
)
