"""The first question to a daemon: is there one, and what does it announce?"""

from __future__ import annotations

from typing import Any, Final

import httpx

from execd_conformance.raw import TOKEN_HEADER
from execd_conformance.targets import Place, Unreachable

_PATIENCE_S: Final = 10.0


def ask(place: Place) -> dict[str, Any]:
    """Return the daemon's `GET /version`, empty where it has none; `Unreachable` where nothing speaks HTTP there."""
    headers = {} if place.token is None else {TOKEN_HEADER: place.token}
    with httpx.Client(trust_env=False, timeout=_PATIENCE_S, headers=headers) as client:
        try:
            with client.stream("GET", f"{place.url}/version") as answer:
                body = next(answer.iter_bytes(1024 * 1024), b"") if answer.status_code == 200 else b""
        except httpx.TransportError as fault:
            why = "nothing came" if isinstance(fault, httpx.ReadTimeout) else str(fault) or type(fault).__name__
            raise Unreachable(f"no daemon answers at {place.url}: {why}") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as fault:
            raise Unreachable(f"cannot ask {place.url}: {fault}") from None
    return _version(body)


def _version(body: bytes) -> dict[str, Any]:
    try:
        value = httpx.Response(200, content=body).json()
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def features(version: dict[str, Any]) -> frozenset[str]:
    """Return the features that an answer announces; none where it does not say them as it should."""
    announced = version.get("features")
    if not isinstance(announced, list):
        return frozenset()
    return frozenset(each for each in announced if isinstance(each, str))
