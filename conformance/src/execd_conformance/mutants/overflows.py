"""Mutants of output that is more than is kept, than goes into an event, or than anybody waits for."""

from __future__ import annotations

import base64

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Mutant, each, each_of, fields, left_out, refusal, runs, steady
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route

_COMMAND = route("POST", "/command")


def _wished(**wishes: object) -> Rewrite:
    return Rewrite(where=_COMMAND, whole=lambda request: fields(request, **wishes))


def _shifted(event: Block) -> Block:
    """Name one event too few."""
    return event.changed(to=event.data["to"] - 1) if isinstance(event.data.get("to"), int) else event


def _as_the_last(event: Block) -> Block:
    return event.numbered(event.data["to"]) if isinstance(event.data.get("to"), int) else event


async def _renumbered(_request: Request, events: Blocks) -> Blocks:
    """Number what is left as if nothing were missing."""
    missing = 0
    async for event in events:
        if event.type == "truncated":
            missing += event.data["to"] - event.data["from"] + 1
        yield event if event.number is None else event.numbered(event.number - missing)


async def _gathered(_request: Request, events: Blocks) -> Blocks:
    """Put neighbouring chunks of a stream into one; numbers stay those of the last."""
    held: Block | None = None
    async for event in events:
        joins = held is not None and event.type == held.type and event.is_output and "text" in event.data
        if joins and held is not None:
            held = event.changed(text=held.data["text"] + event.data["text"])
            continue
        if held is not None:
            yield held
        held = event if event.is_output and "text" in event.data else None
        if held is None:
            yield event
    if held is not None:
        yield held


def _both(event: Block) -> Block:
    """Send bytes in base64 and, as well as can be, as text."""
    data = event.data.get("data")
    if not event.is_output or not isinstance(data, str):
        return event
    return event.changed(text=base64.b64decode(data).decode("utf-8", "replace"))


def _all_base64(event: Block) -> Block:
    text = event.data.get("text")
    if not event.is_output or not isinstance(text, str):
        return event
    return event.changed(text=None, data=base64.b64encode(text.encode("utf-8", "surrogatepass")).decode())


def _as_interrupt(event: Block) -> Block:
    is_it = event.data.get("cause") == "cancelled"
    return event.changed(cause="interrupted", code="INTERRUPTED") if is_it else event


def _as_exit(event: Block) -> Block:
    """Tell an exit after a request to stop as one by itself."""
    is_it = event.is_terminal and "exit_code" in event.data and event.data.get("cause") in {"interrupted", "timed_out"}
    return event.changed(cause="exited", code="COMMAND_FAILED") if is_it else event


def _as_fault(request: Request, reply: Reply) -> Reply:
    return refusal(request, 503, "SHUTTING_DOWN") if reply.status == 429 else reply


MUTANTS = (
    Mutant(
        "gap-untold",
        "What is no longer kept is passed over in silence.",
        (
            "what_nobody_reads_gives_way_and_is_told/overflow.drop-told",
            "what_nobody_reads_gives_way_and_is_told/overflow.detached-default",
            "what_nobody_reads_gives_way_and_is_told/stream.numbers",
            "a_reader_that_is_left_behind_is_told_what_is_missing/overflow.drop-told",
        ),
        runs(left_out("truncated")),
    ),
    Mutant(
        "gap-misnamed",
        "A gap is said to be smaller than it is.",
        (
            "what_nobody_reads_gives_way_and_is_told/stream.gap-named",
            "a_reader_that_is_left_behind_is_told_what_is_missing/stream.gap-named",
        ),
        runs(each_of("truncated", _shifted)),
    ),
    Mutant(
        "gap-numbered",
        "What tells of a gap has a number.",
        (
            "what_nobody_reads_gives_way_and_is_told/event.truncated-no-number",
            "head_and_tail_of_much_output_are_kept/event.truncated",
        ),
        runs(each_of("truncated", _as_the_last)),
    ),
    Mutant(
        "gap-closed",
        "Events after a gap are numbered as if there were none.",
        (
            "what_nobody_reads_gives_way_and_is_told/stream.dropped-numbered",
            "what_nobody_reads_gives_way_and_is_told/stream.numbers",
        ),
        runs(_renumbered),
    ),
    Mutant(
        "overflow-always-drops",
        "Nobody holds a program.",
        (
            "a_reader_that_stops_holds_the_program_and_loses_nothing/overflow.block-holds",
            "a_reader_that_stops_holds_the_program_and_loses_nothing/overflow.block-default",
        ),
        steady(_wished(on_overflow="drop_oldest")),
    ),
    Mutant(
        "chunks-gathered",
        "Chunks are as large as they come.",
        ("large_output_comes_in_chunks_of_bounded_size/chunks.size",),
        runs(_gathered),
    ),
    Mutant(
        "chunks-twice",
        "Bytes that are no text come as text as well.",
        ("every_byte_comes_as_it_was_written/chunks.data",),
        runs(each(_both)),
    ),
    Mutant(
        "chunks-all-base64",
        "All output comes in base64.",
        ("large_output_comes_in_chunks_of_bounded_size/chunks.whole-characters",),
        runs(each(_all_base64)),
    ),
    Mutant(
        "cancel-as-interrupt",
        "A run whose readers left is said to be interrupted.",
        ("a_run_whose_last_reader_has_left_is_stopped/end.cancelled",),
        runs(each(_as_interrupt)),
    ),
    Mutant(
        "stop-as-exit",
        "Who exits when asked to is said to have exited by himself.",
        (
            "an_interrupt_is_the_cause_whatever_the_exit/end.interrupted",
            "a_timeout_asks_the_whole_group_to_end/end.timed-out",
            "who_reads_a_deleted_run_gets_its_rest/end.interrupted",
        ),
        runs(each(_as_exit)),
    ),
    Mutant(
        "limit-as-fault",
        "Who is one too many is told that the daemon goes down.",
        ("runs_and_contexts_are_limited/limits.executions",),
        steady(Rewrite(where=_COMMAND, reply=_as_fault)),
    ),
)
