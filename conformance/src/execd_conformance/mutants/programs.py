"""Mutants of what programs in every language stand on: definitions that last, errors that say where, room, speed."""

from __future__ import annotations

import asyncio
import re
from itertools import count

from execd_conformance.mutants.blocks import Block, block
from execd_conformance.mutants.messages import Request
from execd_conformance.mutants.mutant import Making, Mutant, cells, each, fields, steady
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route

_RUN = route("POST", "/code")
_START_S = 6.0


def _without(*texts: str) -> Making:
    """Run nothing of a cell that has one of these texts in it."""

    def ask(request: Request) -> Request:
        code = request.mapping.get("code")
        return (
            fields(request, code="# gone") if isinstance(code, str) and any(text in code for text in texts) else request
        )

    return steady(Rewrite(where=_RUN, whole=ask))


def _error(**changed: object) -> Making:
    def change(event: Block) -> Block | None:
        error = event.data.get("error")
        if event.type == "stderr":
            return None
        return event.changed(error={**error, **changed}) if isinstance(error, dict) else event

    return cells(each(change))


def _spoilt(_token: str | None) -> Rewrite:
    """Run the rest of a cell that cannot be read, and fail in every cell after one that failed."""
    failed = False

    async def events(_request: Request, blocks: Blocks) -> Blocks:
        nonlocal failed
        async for event in blocks:
            if event.data.get("cause") == "raised":
                yield block({"type": "stdout", "text": "ran\n", "timestamp": event.data.get("timestamp")})
                failed = True
            yield event.changed(type="error", cause="raised") if event.is_terminal and failed else event

    return Rewrite(where=_RUN, events=events)


def _grows(_token: str | None) -> Rewrite:
    """Tell of more memory each time that it is looked at."""
    looks = count()

    def weighed(event: Block) -> Block:
        text = event.data.get("text")
        if event.type != "stdout" or not isinstance(text, str) or "VmRSS" not in text:
            return event
        more = 100_000 * next(looks)
        return event.changed(text=re.sub(r"(VmRSS:\s*)(\d+)", lambda at: f"{at[1]}{int(at[2]) + more}", text))

    return Rewrite(where=_RUN, events=each(weighed))


def _starts_slowly(_token: str | None) -> Rewrite:
    """Let the first cell of every context wait."""
    known: set[object] = set()

    async def events(request: Request, blocks: Blocks) -> Blocks:
        context = request.mapping.get("context")
        one = context.get("id") if isinstance(context, dict) else None
        if one not in known:
            known.add(one)
            await asyncio.sleep(_START_S)  # the fault itself
        async for event in blocks:
            yield event

    return Rewrite(where=_RUN, whole=lambda request: request, events=events)


MUTANTS = (
    Mutant(
        "library-gone",
        "Code does nothing that imports the library.",
        ("programs_in_every_language/cell.library",),
        _without("import json, math", "sed 's/"),
    ),
    Mutant(
        "definitions-gone",
        "Types are not there for the next cell.",
        ("programs_in_every_language/cell.definitions",),
        _without("class Pair", "declare -A pair"),
    ),
    Mutant(
        "definitions-fixed",
        "A function keeps its first definition.",
        ("programs_in_every_language/cell.redefinition",),
        _without("20 * "),
    ),
    Mutant(
        "errors-nameless",
        "Errors are all called Error.",
        ("errors_in_every_language/cell.error-name",),
        _error(ename="Error"),
    ),
    Mutant(
        "errors-mute",
        "Errors have a name and nothing to say.",
        ("errors_in_every_language/cell.error-message", "errors_in_every_language/cell.error-place"),
        _error(evalue="", traceback=[]),
    ),
    Mutant(
        "unreadable-runs",
        "A cell that cannot be read runs as far as it can, and spoils its context.",
        ("errors_in_every_language/cell.unreadable-runs-not",),
        _spoilt,
    ),
    Mutant(
        "kernels-grow",
        "Kernels grow with every look at them.",
        ("fifty_cells_in_every_language/cell.steady",),
        _grows,
    ),
    Mutant(
        "kernels-start-slowly",
        "The first cell of a context waits.",
        ("speed_in_every_language/cell.time",),
        _starts_slowly,
    ),
)
