"""What the scenarios of all languages do with a context of one of them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from execd_conformance.languages import Language
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import Cell, cell, context, interrupt, rest, says, started


@asynccontextmanager
async def of(raw: Raw, language: Language, **body: Any) -> AsyncIterator[str]:
    """Make a context of a language, give its id, and delete it in the end."""
    async with context(raw, language=language.name, **body) as made:
        yield made


async def in_default(raw: Raw, language: Language, code: str, **fields: Any) -> Cell:
    """Run code in the default context of a language."""
    return await cell(raw, code, context={"language": language.name}, **fields)


async def told(raw: Raw, code: str, context_id: str) -> str:
    """Return what code prints, without the end of its line."""
    return (await cell(raw, code, context_id)).stdout.removesuffix("\n")


async def ended_by_interrupt(raw: Raw, code: str, context_id: str) -> tuple[Cell, float]:
    """Interrupt code that has said `begun`; return what came of it, and how long that took in seconds."""
    async with started(raw, code, context_id) as stream:
        await stream.until(says("begun"))
        begun = time.monotonic()
        await interrupt(raw, context_id)
        return await rest(stream), time.monotonic() - begun


async def died(raw: Raw, language: Language, code: str, context_id: str) -> tuple[Cell, float]:
    """Run code that ends its kernel after it has said so; return what came, and how long the end took in seconds."""
    async with started(raw, f"{language.says('begun')}\n{code}", context_id) as stream:
        await stream.until(says("begun"))
        begun = time.monotonic()
        return await rest(stream), time.monotonic() - begun
