"""Asks whether there is a daemon, and what it announces."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from execd_conformance.broken import Broken
from execd_conformance.raw import Raw
from execd_conformance.targets import Place, Unreachable

_PATIENCE_S: Final = 10.0


def ask(place: Place) -> dict[str, Any]:
    """Return the daemon's `GET /version`, empty where it has none; `Unreachable` where nothing speaks HTTP there."""
    return asyncio.run(_ask(place))


async def _ask(place: Place) -> dict[str, Any]:
    raw = Raw(place.url, place.token)
    try:
        reply = await raw.request("GET", "/version", timeout_s=_PATIENCE_S)
        if reply.status == 401 and place.token is None:
            raise Unreachable(f"the daemon at {place.url} wants a token: --token, or EXECD_ACCESS_TOKEN")
        value = reply.json() if reply.status == 200 else None
    except Broken:
        # Whatever is wrong with that answer, something that speaks HTTP can be judged.
        await _require_http(raw)
        return {}
    finally:
        await raw.aclose()
    return value if isinstance(value, dict) else {}


def require(place: Place) -> None:
    """Raise `Unreachable` where nothing speaks HTTP."""
    asyncio.run(_require(place))


async def _require(place: Place) -> None:
    raw = Raw(place.url, place.token)
    try:
        await _require_http(raw)
    finally:
        await raw.aclose()


async def _require_http(raw: Raw) -> None:
    try:
        async with raw.stream("GET", "/ping", timeout_s=_PATIENCE_S):
            pass
    except Broken as fault:
        raise Unreachable(f"no daemon answers at {raw.url}: {fault}") from fault


def features(version: dict[str, Any]) -> frozenset[str]:
    """Return the features that an answer announces; none where it does not say them as it should."""
    announced = version.get("features")
    if not isinstance(announced, list):
        return frozenset()
    return frozenset(each for each in announced if isinstance(each, str))
