"""A daemon that is there already, of whatever make: it is asked over HTTP and not otherwise touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
        if not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", url):
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
