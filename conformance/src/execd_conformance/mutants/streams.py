"""Mutants of streams: how events are framed, numbered and ordered, how a stream begins, beats and ends."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from execd_conformance.mutants.blocks import Block, block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Mutant, each, runs, steady
from execd_conformance.mutants.rewrite import Blocks, Cut, Rewrite

LONG_S = 60.0


async def _two_ends(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        yield event
        if event.is_terminal:
            yield event if event.number is None else event.numbered(event.number + 1)


async def _last_output(events: Blocks, *, lost: bool) -> Blocks:
    """Hold each output back until something follows it: at the end it is lost, or comes after the end."""
    held: Block | None = None
    async for event in events:
        if held is not None and not event.is_terminal:
            yield held
            held = None
        if event.is_output:
            held = event
        else:
            yield event
    if held is not None and not lost:
        yield held


async def _last_line_lost(_request: Request, events: Blocks) -> Blocks:
    async for event in _last_output(events, lost=True):
        yield event


async def _end_before_output(_request: Request, events: Blocks) -> Blocks:
    async for event in _last_output(events, lost=False):
        yield event


async def _output_repeated(_request: Request, events: Blocks) -> Blocks:
    repeated = False
    async for event in events:
        yield event
        if event.is_output and not repeated:
            repeated = True
            yield event


async def _output_swapped(_request: Request, events: Blocks) -> Blocks:
    """Swap the contents of neighbours; their numbers stay in order."""
    held: Block | None = None
    async for event in events:
        if held is None and event.is_output:
            held = event
            continue
        if held is not None:
            swaps = event.is_output
            yield event.numbered(held.number) if swaps else held
            yield held.numbered(event.number) if swaps else event
            held = None
        else:
            yield event


async def _gathered(_request: Request, events: Blocks) -> Blocks:
    for event in [event async for event in events]:
        yield event


async def _left_open(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        yield event
        if event.is_terminal:
            await asyncio.sleep(LONG_S)


async def _cut_before_end(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        if event.is_terminal:
            raise Cut
        yield event


async def _cut_after_end(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        yield event
        if event.is_terminal:
            raise Cut


async def _every_other_heartbeat(_request: Request, events: Blocks) -> Blocks:
    heard = 0
    async for event in events:
        heard += event.type == "ping"
        if event.type != "ping" or heard % 2 == 0:
            yield event


async def _heartbeat_after_end(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        yield event
        if event.is_terminal:
            yield block({"type": "ping", "text": "pong", "timestamp": event.data.get("timestamp")})


async def _heartbeat_numbered(_request: Request, events: Blocks) -> Blocks:
    last = 0
    async for event in events:
        yield event.numbered(last + 1) if event.type == "ping" else event
        last = event.number or last


async def _init_late(_request: Request, events: Blocks) -> Blocks:
    """Hold init back until the program says something, as if it were registered only then."""
    held: Block | None = None
    async for event in events:
        if event.type == "init":
            held = event
            continue
        if held is not None and event.type == "ping":
            continue
        if held is not None:
            yield held
            held = None
        yield event


async def _init_after_output(_request: Request, events: Blocks) -> Blocks:
    held: Block | None = None
    async for event in events:
        if event.type == "init":
            held = event
            continue
        yield event
        if held is not None:
            yield held
            held = None


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
        "no-terminal-event",
        "A stream ends without saying how.",
        (
            "a_deployed_client_reads_a_stream/stream.terminal-once",
            "a_deployed_client_reads_a_stream/stream.terminal-last",
            "the_body_ends_with_the_terminal_event/stream.terminal-last",
        ),
        runs(each(lambda e: None if e.is_terminal else e)),
    ),
    Mutant(
        "two-terminal-events",
        "The terminal event comes twice.",
        (
            "a_deployed_client_reads_a_stream/stream.terminal-once",
            "a_deployed_client_reads_a_stream/stream.terminal-last",
        ),
        runs(_two_ends),
    ),
    Mutant(
        "last-line-lost",
        "The last piece of output before the end is lost.",
        (
            "a_deployed_client_reads_a_stream/stream.order",
            "an_empty_line_follows_every_event/lines.one-event-each",
            "at_the_end_the_rest_of_stdout_comes_first/lines.rest",
            "events_are_numbered_from_one_and_keep_their_numbers/stream.numbers",
        ),
        runs(_last_line_lost),
    ),
    Mutant(
        "end-before-output",
        "The last piece of output comes after the end.",
        (
            "a_deployed_client_reads_a_stream/stream.output-before-end",
            "a_deployed_client_reads_a_stream/stream.terminal-last",
            "the_body_ends_with_the_terminal_event/stream.terminal-last",
        ),
        runs(_end_before_output),
    ),
    Mutant(
        "output-repeated",
        "The first piece of output comes twice under one number.",
        (
            "a_deployed_client_reads_a_stream/stream.order",
            "events_are_numbered_from_one_and_keep_their_numbers/stream.numbers",
        ),
        runs(_output_repeated),
    ),
    Mutant(
        "output-swapped",
        "Neighbouring pieces of output change places.",
        ("a_deployed_client_reads_a_stream/stream.order", "each_line_is_one_event/lines.one-event-each"),
        runs(_output_swapped),
    ),
    Mutant(
        "stream-gathered",
        "Events are held back until the end.",
        ("init_comes_before_the_program_has_said_anything/event.init-at-once",),
        runs(_gathered),
    ),
    Mutant(
        "body-left-open",
        "The body does not end after the terminal event.",
        (
            "the_body_ends_with_the_terminal_event/stream.end-at-once",
            "the_body_ends_with_the_terminal_event/stream.end-clean",
        ),
        runs(_left_open),
    ),
    Mutant(
        "body-cut-before-end",
        "The connection breaks off before the terminal event.",
        (
            "a_deployed_client_reads_a_stream/stream.end-clean",
            "a_deployed_client_reads_a_stream/stream.terminal-last",
            "the_body_ends_with_the_terminal_event/stream.end-clean",
        ),
        runs(_cut_before_end),
    ),
    Mutant(
        "body-cut-after-end",
        "The body breaks off after the terminal event.",
        ("a_deployed_client_reads_a_stream/stream.end-clean", "the_body_ends_with_the_terminal_event/stream.end-clean"),
        runs(_cut_after_end),
    ),
    Mutant(
        "heartbeat-late",
        "Every other heartbeat is missing.",
        (
            "silence_is_broken_before_deployed_clients_give_up/heartbeat.interval",
            "heartbeats_are_a_setting_and_belong_to_no_run/heartbeat.setting",
        ),
        steady(Rewrite(events=_every_other_heartbeat)),
    ),
    Mutant(
        "heartbeat-after-end",
        "A heartbeat follows the terminal event.",
        (
            "heartbeats_are_a_setting_and_belong_to_no_run/heartbeat.none-after-end",
            "the_body_ends_with_the_terminal_event/stream.terminal-last",
        ),
        runs(_heartbeat_after_end),
    ),
    Mutant(
        "heartbeat-numbered",
        "A heartbeat has an id.",
        ("heartbeats_are_a_setting_and_belong_to_no_run/heartbeat.no-number",),
        runs(_heartbeat_numbered),
    ),
    Mutant(
        "init-late",
        "init waits for the program's first word.",
        ("init_comes_before_the_program_has_said_anything/event.init-at-once",),
        runs(_init_late),
    ),
    Mutant(
        "init-after-output",
        "init is not the first event.",
        ("a_deployed_client_reads_a_stream/event.init-first",),
        runs(_init_after_output),
    ),
    Mutant(
        "init-missing",
        "There is no init.",
        ("a_deployed_client_reads_a_stream/event.init-first", "a_stream_is_server_sent_events/event.init-first"),
        runs(each(lambda e: None if e.type == "init" else e)),
    ),
    Mutant(
        "init-of-another",
        "init names another id.",
        (
            "init_comes_before_the_program_has_said_anything/event.init-id",
            "init_comes_before_the_program_has_said_anything/status.from-init",
        ),
        runs(each(lambda e: e.changed(text="nobody") if e.type == "init" else e)),
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
