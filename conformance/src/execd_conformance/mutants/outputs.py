"""Mutants of what a program wrote: streams, lines, chunks, characters."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Request
from execd_conformance.mutants.mutant import Mutant, each, fields, runs, steady
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route


def _said(change: Callable[[str], str | None]) -> Callable[[Block], Block | None]:
    """Change the text of output; None drops the event."""

    def changed(event: Block) -> Block | None:
        text = event.data.get("text")
        if not event.is_output or not isinstance(text, str):
            return event
        other = change(text)
        return None if other is None else event if other == text else event.changed(text=other)

    return changed


def _swapped(event: Block) -> Block:
    other = {"stdout": "stderr", "stderr": "stdout"}.get(event.type)
    return event if other is None else event.changed(type=other)


def _torn(text: str) -> str:
    return "".join(c if c.isascii() or c == "\ufffd" else "\ufffd" * len(c.encode("utf-8", "replace")) for c in text)


def _guessed(event: Block) -> Block:
    """Send bytes that are no UTF-8 as text all the same."""
    data = event.data.get("data")
    if not event.is_output or not isinstance(data, str):
        return event
    return event.changed(data=None, text=base64.b64decode(data).decode("utf-8", "replace"))


def _whole(event: Block) -> Block:
    return event.changed(partial=None) if event.is_output else event


async def _merged(_request: Request, events: Blocks) -> Blocks:
    """Put neighbouring lines of a stream into one event; numbers stay those of the last."""
    held: Block | None = None
    async for event in events:
        joins = held is not None and event.is_output and held.type == event.type
        if held is not None and not joins:
            yield held
            held = None
        if not event.is_output:
            yield event
        elif held is None:
            held = event
        else:
            held = event.changed(text=f"{held.data.get('text', '')}\n{event.data.get('text', '')}")


def _unescaped(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _narrow(text: str) -> str:
    """Lose what does not fit into sixteen bits."""
    return "".join(character if ord(character) < 0x10000 else "\ufffd" for character in text)


MUTANTS = (
    Mutant(
        "text-composed",
        "Text is normalised.",
        ("a_chunk_is_not_made_prettier/chunks.exact", "a_line_is_not_made_prettier/lines.one-event-each"),
        runs(each(_said(_composed))),
    ),
    Mutant(
        "text-uncoloured",
        "Escape sequences are stripped.",
        ("a_chunk_is_not_made_prettier/chunks.exact", "a_line_is_not_made_prettier/lines.one-event-each"),
        runs(each(_said(_unescaped))),
    ),
    Mutant(
        "text-narrow",
        "Characters beyond U+FFFF are lost.",
        ("each_line_is_one_event/lines.invalid-bytes",),
        runs(each(_said(_narrow))),
    ),
    Mutant(
        "text-dollars-dropped",
        "Dollars are taken for variables.",
        ("a_file_of_variables_is_read_for_each_command/command.envs-file-quotes",),
        runs(each(_said(lambda text: text.replace("$", "")))),
    ),
    Mutant(
        "text-without-nul",
        "NUL is dropped.",
        ("every_byte_comes_as_it_was_written/chunks.exact",),
        runs(each(_said(lambda t: t.replace("\0", "")))),
    ),
    Mutant(
        "text-without-mark",
        "A byte order mark is dropped.",
        ("every_byte_comes_as_it_was_written/chunks.exact",),
        runs(each(_said(lambda t: t.replace("\ufeff", "")))),
    ),
    Mutant(
        "text-without-return",
        "Carriage returns are dropped.",
        ("every_byte_comes_as_it_was_written/chunks.exact",),
        runs(each(_said(lambda t: t.replace("\r", "")))),
    ),
    Mutant(
        "tab-expanded",
        "Tabs become spaces.",
        ("each_line_is_one_event/lines.one-event-each",),
        runs(each(_said(lambda t: t.expandtabs()))),
    ),
    Mutant(
        "streams-swapped",
        "stdout and stderr are swapped.",
        (
            "a_deployed_client_reads_a_stream/event.output-stream",
            "every_byte_comes_as_it_was_written/event.output-stream",
        ),
        runs(each(_swapped)),
    ),
    Mutant(
        "streams-merged",
        "stderr comes as stdout.",
        ("a_deployed_client_reads_a_stream/event.output-stream",),
        runs(each(lambda e: e.changed(type="stdout") if e.type == "stderr" else e)),
    ),
    Mutant(
        "utf8-torn",
        "Characters beyond ASCII are torn into U+FFFD.",
        (
            "a_character_written_byte_by_byte_is_not_torn/chunks.whole-characters",
            "each_line_is_one_event/lines.invalid-bytes",
        ),
        runs(each(_said(_torn))),
    ),
    Mutant(
        "bytes-guessed",
        "Bytes that are no UTF-8 come as text.",
        ("every_byte_comes_as_it_was_written/chunks.exact",),
        runs(each(_guessed)),
    ),
    Mutant(
        "newline-kept",
        "Lines keep their terminator.",
        ("a_deployed_client_reads_a_stream/stream.order", "each_line_is_one_event/lines.one-event-each"),
        runs(each(_said(lambda t: t if t.endswith("\n") else t + "\n"))),
    ),
    Mutant(
        "newline-dropped",
        "Chunks lose the terminators at their ends.",
        ("every_byte_comes_as_it_was_written/chunks.exact",),
        runs(each(_said(lambda t: t.rstrip("\n") or t))),
    ),
    Mutant(
        "empty-line-lost",
        "Empty lines are dropped.",
        ("each_line_is_one_event/lines.empty",),
        runs(each(_said(lambda t: None if t == "\n" else t))),
    ),
    Mutant(
        "space-stripped",
        "Lines are stripped.",
        ("each_line_is_one_event/lines.one-event-each", "every_byte_comes_as_it_was_written/chunks.exact"),
        runs(each(_said(lambda t: t if t == "\n" else t.strip()))),
    ),
    Mutant(
        "lines-merged",
        "Neighbouring lines come in one event.",
        ("a_deployed_client_reads_a_stream/stream.order", "each_line_is_one_event/lines.one-event-each"),
        runs(_merged),
    ),
    Mutant(
        "partial-untold",
        "Parts of a long line are not marked.",
        ("a_very_long_line_comes_in_parts/lines.long",),
        runs(each(_whole)),
    ),
    Mutant(
        "output-ignored",
        "The wish for chunks is not heeded.",
        ("a_chunk_is_sent_as_soon_as_it_is_there/chunks.at-once", "every_byte_comes_as_it_was_written/chunks.exact"),
        steady(Rewrite(where=route("POST", "/command"), whole=lambda r: fields(r, output=None))),
    ),
    Mutant(
        "chunks-always",
        "Everybody gets chunks.",
        ("a_deployed_client_reads_a_stream/stream.order", "each_line_is_one_event/lines.one-event-each"),
        steady(Rewrite(where=route("POST", "/command"), whole=lambda r: fields(r, output="chunks"))),
    ),
)
