"""Blocking calls in worker threads, waited for.

A call in a thread cannot be taken back. Whoever is cancelled while one runs waits for its end first, so that nothing is
closed or removed under its hands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
Submit = Callable[[Callable[[], T]], asyncio.Future[T]]
"""Starts a call in a thread."""


async def settled(job: asyncio.Future[T]) -> T:
    """Return the result of a call in a thread; a cancellation is passed on only when the call has ended."""
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        while not job.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({job})
        raise
