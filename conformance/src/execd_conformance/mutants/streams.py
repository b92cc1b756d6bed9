"""Mutants of the course of a stream: how it begins, beats, goes on and ends."""

from __future__ import annotations

import asyncio

from execd_conformance.mutants.blocks import Block, block
from execd_conformance.mutants.messages import Request
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


MUTANTS = (
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
)
