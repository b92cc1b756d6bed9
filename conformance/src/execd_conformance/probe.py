"""Asks whether there is a daemon, and what it announces."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from execd_conformance.broken import Broken
from execd_conformance.checks import shown
from execd_conformance.raw import Raw
from execd_conformance.targets import Place, Unreachable

_PATIENCE_S: Final = 10.0
_LIBRARIES: Final = ["numpy", "pandas", "polars", "matplotlib", "plotly", "altair", "PIL", "sympy", "tqdm"]
_NAMES: Final = 200
"""More than any daemon has features, or languages."""


def ask(place: Place) -> dict[str, Any]:
    """Return what can be used of the daemon's `GET /version`; `Unreachable` where nothing speaks HTTP there.

    Its values are short strings and lists of them, whatever came: they go into reports and to other processes.
    """
    return asyncio.run(_ask(place))


async def _ask(place: Place) -> dict[str, Any]:
    raw = Raw(place.url, place.token)
    try:
        reply = await raw.request("GET", "/version", timeout_s=_PATIENCE_S)
        if reply.status == 401 and place.token is None:
            raise Unreachable(f"the daemon at {place.url} wants a token: --token, or EXECD_ACCESS_TOKEN")
        if reply.status == 401 and await _is_closed(raw):
            raise Unreachable(f"the daemon at {place.url} refuses this token")
        value = reply.json() if reply.status == 200 else None
    except Broken:
        # Whatever is wrong with that answer, something that speaks HTTP can be judged.
        await _require_http(raw)
        return {}
    finally:
        await raw.aclose()
    return kept(value) if isinstance(value, dict) else {}


async def _is_closed(raw: Raw) -> bool:
    # One refusal may be a fault of that route alone, which checks judge.
    return (await raw.request("GET", "/metrics", timeout_s=_PATIENCE_S)).status == 401


def kept(version: dict[str, Any]) -> dict[str, Any]:
    """Return what an answer to `GET /version` is to have, as far as it is what it should be.

    >>> kept({"version": "1", "api_version": float("nan"), "features": ["replay", {}], "more": []})
    {'version': '1', 'features': ['replay']}
    """
    words = {name: version.get(name) for name in ("version", "api_version")}
    lists = {name: version.get(name) for name in ("features", "languages")}
    return {name: shown(value) for name, value in words.items() if isinstance(value, str)} | {
        name: [shown(each) for each in value[:_NAMES] if isinstance(each, str)]
        for name, value in lists.items()
        if isinstance(value, list)
    }


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


def has_libraries(place: Place) -> bool:
    """Return whether the sandbox's Python has the libraries whose tables and charts are looked at."""
    return asyncio.run(_has_libraries(place))


async def _has_libraries(place: Place) -> bool:
    raw = Raw(place.url, place.token)
    ask = f"import importlib.util as u; print('libraries:', all(map(u.find_spec, {_LIBRARIES!r})))"
    try:
        reply = await raw.request("POST", "/command", json={"command": f'python3 -c "{ask}"'}, timeout_s=_PATIENCE_S)
    except Broken:
        return False
    finally:
        await raw.aclose()
    return reply.status == 200 and b"libraries: True" in reply.body


def features(version: dict[str, Any]) -> frozenset[str]:
    """Return the features that an answer announces; none where it does not say them as it should."""
    announced = version.get("features")
    if not isinstance(announced, list):
        return frozenset()
    return frozenset(each for each in announced if isinstance(each, str))
