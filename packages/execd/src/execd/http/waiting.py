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
    task = asyncio.get_running_loop().create_task(event)
    cut = asyncio.timeout(None)
    try:
        async with cut:
            now = asyncio.get_running_loop().time()

            def end_block(_: asyncio.Task[None]) -> None:
                cut.reschedule(now)

            task.add_done_callback(end_block)
            try:
                yield
            finally:
                task.remove_done_callback(end_block)
    except TimeoutError:
        if cut.expired():
            raise CutShort from None
        raise
    finally:
        task.cancel()
