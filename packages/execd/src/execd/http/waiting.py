"""Doing one thing until another happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class CutShort(Exception):
    """What the block was not to outlast has happened."""


@asynccontextmanager
async def cut_short_by(event: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the block until `event` returns; then the block is cancelled where it waits and `CutShort` is raised."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(event)
    cut = asyncio.timeout(None)
    inside = True

    def end_block(_: asyncio.Task[None]) -> None:
        # The two may happen in the same turn of the loop: then the block has ended by itself.
        if inside:
            cut.reschedule(loop.time())

    task.add_done_callback(end_block)
    try:
        async with cut:
            try:
                yield
            finally:
                inside = False
    except TimeoutError:
        if cut.expired():
            raise CutShort from None
        raise
    finally:
        task.cancel()
