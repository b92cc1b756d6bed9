"""A daemon that is there already, of whatever make: it is asked over HTTP and not otherwise touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from execd_conformance.targets import Misused, Place, Unreachable


@dataclass(frozen=True, slots=True)
class _There:
    place: Place

    def terminate(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        raise NotImplementedError

    def wait(self, limit_s: float) -> int:
        raise NotImplementedError

    def log(self) -> str:
        return ""

    def close(self) -> None:
        """Leave it as it is."""


class UrlTarget:
    """The daemon at a URL."""

    offers: frozenset[str] = frozenset()

    def __init__(self, url: str) -> None:
        if not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", url) or not _may_be_asked(url):
            raise Misused(f"--target is local, docker:IMAGE or http://HOST:PORT, not {url!r}")
        self._url = url.rstrip("/")

    def start(self, settings: Mapping[str, str], *, token: str | None) -> _There:
        """Return the one that is there."""
        if settings:
            raise Unreachable("a URL gives no further daemons")
        return _There(Place(url=self._url, token=token))

    def refused(self, settings: Mapping[str, str], *, token: str | None) -> tuple[int, str]:
        """Refuse: a URL gives no further daemons."""
        raise Unreachable("a URL gives no further daemons")


def _may_be_asked(url: str) -> bool:
    # All that takes it apart later: the client, bare connections, and the name's look-up.
    try:
        parts = urlsplit(url)
        httpx.URL(url)
        (parts.hostname or "").encode("idna")
        return bool(parts.hostname) and parts.port != 0
    except (ValueError, httpx.InvalidURL):
        return False
