"""Ask again until it is so, within a limit: for states that no event tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from execd_conformance.raw import Raw

T = TypeVar("T")
_EVERY_S: Final = 0.05


async def eventually(ask: Callable[[], Awaitable[T]], *, limit_s: float = 10.0) -> T:
    """Return the first answer that is true, or the last one when the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    while not (answer := await ask()) and loop.time() < deadline:  # noqa: ASYNC110 - what is asked for tells nobody
        await asyncio.sleep(_EVERY_S)
    return answer


async def ended(raw: Raw, execution_id: str, *, limit_s: float = 10.0) -> dict[str, Any]:
    """Return a command's status once it has ended, or `{}` if it does not within the limit."""

    async def ask() -> dict[str, Any]:
        status = await raw.request("GET", f"/command/status/{execution_id}")
        told = status.json()
        return dict(told) if told.get("running") is False else {}

    return await eventually(ask, limit_s=limit_s)


async def steady(measure: Callable[[], Awaitable[int]], *, times: int = 8, limit_s: float = 20.0) -> int:
    """Return a number that has been the same so many times in a row (as it is when nothing moves any more)."""
    seen: list[int] = []

    async def ask() -> bool:
        seen.append(await measure())
        return len(seen) >= times and len(set(seen[-times:])) == 1

    await eventually(ask, limit_s=limit_s)
    return seen[-1]
