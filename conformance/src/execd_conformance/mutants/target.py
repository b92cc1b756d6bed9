"""A target whose daemons stand behind proxies, further ones too: what scenarios start is broken in the same way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from execd_conformance.mutants.mutant import Making
from execd_conformance.mutants.proxy import Proxy
from execd_conformance.session import Session
from execd_conformance.targets import Place, Started, Target

OPEN_S = 10.0

T = TypeVar("T")


class Proxies:
    """Runs proxies on a loop of its own, in a thread: scenarios may block theirs."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True).start()

    def open(self, place: Place, rewrite: Making) -> tuple[Proxy, Place]:
        """Put a proxy in front of a daemon; return it and where it answers."""
        proxy = Proxy(place.url, rewrite(place.token))
        self._run(proxy.__aenter__())
        return proxy, replace(place, url=proxy.url)

    def close(self, proxy: Proxy) -> None:
        """Close one, with all its connections."""
        self._run(proxy.__aexit__(None, None, None))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(OPEN_S)


@dataclass(slots=True)
class Fronted:
    """A daemon that was started, and the proxy before it."""

    started: Started
    place: Place
    proxy: Proxy
    proxies: Proxies

    def terminate(self) -> None:
        """Ask it to end."""
        self.started.terminate()

    def kill(self) -> None:
        """End it without asking."""
        self.started.kill()

    def wait(self, limit_s: float) -> int:
        """Wait for its end and return its exit status."""
        return self.started.wait(limit_s)

    def log(self) -> str:
        """Return what it has logged so far."""
        return self.started.log()

    def close(self) -> None:
        """End both."""
        self.proxies.close(self.proxy)
        self.started.close()


@dataclass(slots=True)
class MutatedTarget:
    """Starts what the healthy target starts, each behind a proxy of its own."""

    healthy: Target
    rewrite: Making
    proxies: Proxies
    offers: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Offer what the healthy target offers."""
        self.offers = self.healthy.offers

    def start(self, settings: Mapping[str, str], *, token: str | None) -> Started:
        """Start one; what answers elsewhere than over TCP is left as it is."""
        started = self.healthy.start(settings, token=token)
        if not started.place.url.startswith("http"):
            return started
        try:
            proxy, place = self.proxies.open(started.place, self.rewrite)
        except BaseException:
            started.close()
            raise
        return Fronted(started, place, proxy, self.proxies)

    def refused(self, settings: Mapping[str, str], *, token: str | None) -> tuple[int, str]:
        """Start one that ends at once."""
        return self.healthy.refused(settings, token=token)


@dataclass(frozen=True, slots=True, kw_only=True)
class MutatedSession(Session):
    """The session of the healthy daemon as the scenarios of one mutant are to see it."""

    mutated: MutatedTarget

    def source(self) -> Target:
        """Return where further daemons come from."""
        return self.mutated


def behind(session: Session, place: Place, mutated: MutatedTarget) -> MutatedSession:
    """Return the session with the proxy's place in the daemon's."""
    known = {each.name: getattr(session, each.name) for each in fields(Session)}
    return MutatedSession(**{**known, "place": place, "mutated": mutated})
