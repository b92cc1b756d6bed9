"""Mutants of what a cell shows: results, displays, counts."""

from __future__ import annotations

import json
from collections.abc import Callable

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Request
from execd_conformance.mutants.mutant import (
    Making,
    Mutant,
    cells,
    each_of,
    left_out,
)
from execd_conformance.mutants.rewrite import Blocks


def _results(change: Callable[[dict[str, object]], dict[str, object]]) -> Making:
    """Change the map of a result."""
    return cells(each_of("result", lambda event: event.changed(results=change(event.data.get("results", {})))))


def _as_json(results: dict[str, object]) -> dict[str, object]:
    return {mime: json.loads(str(text)) if mime.endswith("json") else text for mime, text in results.items()}


def _as_lists(results: dict[str, object]) -> dict[str, object]:
    return {mime: [text] for mime, text in results.items()}


def _only_text(results: dict[str, object]) -> dict[str, object]:
    return {mime: text for mime, text in results.items() if mime in {"text", "text/plain"}}


def _no_alias(results: dict[str, object]) -> dict[str, object]:
    return {mime: text for mime, text in results.items() if mime != "text"}


def _without(*mimes: str) -> Making:
    """Drop one form of results, as text and as value."""

    def change(event: Block) -> Block:
        kept = {name: value for name, value in event.data.get("results", {}).items() if name not in mimes}
        values = {name: value for name, value in event.data.get("data", {}).items() if name not in mimes}
        return event.changed(results=kept, data=values or None)

    return cells(each_of("result", change))


def _coloured(event: Block) -> Block:
    error = event.data.get("error", {})
    lines = [f"\x1b[31m{line}\x1b[0m" for line in error.get("traceback", [])]
    return event.changed(error={**error, "traceback": lines}) if error else event


def _flag(*, turned: bool) -> Callable[[Block], Block]:
    def change(event: Block) -> Block:
        return event.changed(is_main_result=not event.data.get("is_main_result") if turned else None)

    return change


def _counter_ignored(event: Block) -> Block:
    return event.changed(execution_count=1)


async def _late(_request: Request, events: Blocks) -> Blocks:
    """Send what a cell prints only with its end."""
    held: list[Block] = []
    async for event in events:
        if event.is_output or event.type == "result":
            held.append(event)
            continue
        if event.is_terminal:
            for each_held in held:
                yield each_held
        yield event


MUTANTS = (
    Mutant(
        "result-of-json",
        "JSON in a result is not text.",
        ("what_is_displayed_is_passed_on/cell.json",),
        _results(_as_json),
    ),
    Mutant(
        "result-of-lists",
        "The values of a result are lists.",
        ("every_value_of_a_result_is_a_string/cell.value-strings",),
        _results(_as_lists),
    ),
    Mutant(
        "result-only-text",
        "Other MIME types than text are dropped.",
        ("what_is_displayed_is_passed_on/cell.mime-types",),
        _results(_only_text),
    ),
    Mutant(
        "result-without-text",
        "A result has no `text` beside text/plain.",
        ("cells_tell_what_they_do/cell.value-text",),
        _results(_no_alias),
    ),
    Mutant(
        "result-without-data",
        "A result has no structured data.",
        ("what_is_displayed_is_passed_on/event.result-data",),
        cells(left_out("result", "data")),
    ),
    Mutant(
        "result-without-table",
        "Tables are not told as data.",
        ("data_of_a_result_is_read/sdk-code.table",),
        _without("application/vnd.execd.table+json"),
    ),
    Mutant(
        "result-without-chart",
        "Charts are not told as data.",
        ("data_of_a_result_is_read/sdk-code.chart",),
        _without("application/vnd.execd.chart+json"),
    ),
    Mutant(
        "result-without-plain-text",
        "The plain form of a result is dropped.",
        ("data_of_a_result_is_read/sdk-code.save",),
        _without("text/plain", "text"),
    ),
    Mutant(
        "result-without-html",
        "The HTML of a result is dropped.",
        ("what_is_shown_richly_changes_nothing/cell.rich-unseen",),
        _without("text/html"),
    ),
    Mutant(
        "error-coloured",
        "The traceback of an error is coloured.",
        ("what_is_shown_richly_changes_nothing/cell.error-plain",),
        cells(each_of("error", _coloured)),
    ),
    Mutant(
        "result-main-turned",
        "is_main_result says the opposite.",
        ("what_is_displayed_is_passed_on/event.result-main",),
        cells(each_of("result", _flag(turned=True))),
    ),
    Mutant(
        "result-without-metadata",
        "Metadata of results is dropped.",
        ("what_is_displayed_is_passed_on/event.result-display",),
        cells(left_out("result", "metadata")),
    ),
    Mutant(
        "display-without-id",
        "display_id is dropped.",
        ("what_was_displayed_is_updated_and_cleared/cell.display-update",),
        cells(left_out("result", "display_id")),
    ),
    Mutant(
        "display-not-updated",
        "Updates of a display are dropped.",
        ("what_was_displayed_is_updated_and_cleared/cell.display-update",),
        cells(left_out("result", "update")),
    ),
    Mutant(
        "result-lost",
        "The value of the last expression is lost.",
        ("cells_tell_what_they_do/cell.value",),
        cells(left_out("result")),
    ),
    Mutant(
        "clear-output-lost",
        "clear_output is dropped.",
        ("what_was_displayed_is_updated_and_cleared/cell.clear-output",),
        cells(left_out("clear_output")),
    ),
    Mutant(
        "count-constant",
        "Every cell is number 1.",
        (
            "cells_tell_what_they_do/cell.count",
            "a_cell_in_every_language/cell.count",
        ),
        cells(each_of("execution_count", _counter_ignored)),
    ),
    Mutant(
        "count-lost",
        "A cell's number is not told.",
        ("cells_tell_what_they_do/event.execution-count",),
        cells(left_out("execution_count")),
    ),
    Mutant(
        "cell-output-late",
        "What a cell prints comes with its end.",
        ("output_comes_while_the_cell_runs/cell.live",),
        cells(_late),
    ),
)
