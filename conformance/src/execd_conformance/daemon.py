"""`Daemon`: a further daemon of a scenario's own, and `Daemons`, which starts them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from execd_conformance import probe
from execd_conformance.clock import in_thread
from execd_conformance.raw import UNSET, Raw
from execd_conformance.session import Session
from execd_conformance.targets import Place, Started, variables
from execd_conformance.targets.local import new_token


class Daemon:
    """One daemon that a scenario has started; it ends with the block that it was started in."""

    def __init__(self, started: Started, raw: Raw) -> None:
        self.place: Place = started.place
        self.url = started.place.url
        self.token = started.place.token
        self.facts = dict(started.place.facts)
        """What the target tells of it: see `targets.Place`."""
        self.raw = raw
        self._started = started

    async def terminate(self) -> None:
        """Ask it to end, as an operator would: SIGTERM."""
        await in_thread(self._started.terminate)

    async def kill(self) -> None:
        """End it without asking: SIGKILL."""
        await in_thread(self._started.kill)

    async def wait(self, limit_s: float = 15.0) -> int:
        """Wait for its end and return its exit status; `TimeoutError` after the limit."""
        return await in_thread(self._started.wait, limit_s)

    async def log(self) -> str:
        """Return what it has logged so far."""
        return await in_thread(self._started.log)


class Daemons:
    """Starts daemons with settings; the fixture `daemons`, for scenarios that need `start`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @asynccontextmanager
    async def __call__(self, *, token: str | None = UNSET, **settings: Any) -> AsyncIterator[Daemon]:
        """Start a daemon with a fresh token, or this one, or None; settings are EXECD_* names in lower case."""
        token = new_token() if token is UNSET else token
        source = self._session.source()
        started: Started = await in_thread(source.start, variables(settings), token=token)
        try:
            version = await in_thread(probe.ask, started.place)
            raw = Raw(started.place.url, started.place.token, features=probe.features(version))
            try:
                yield Daemon(started, raw)
            finally:
                await raw.aclose()
        finally:
            await in_thread(started.close)

    async def refused(self, *, token: str | None = UNSET, **settings: Any) -> tuple[int, str]:
        """Start a daemon that is to refuse its settings; return its exit status and what it logged."""
        token = new_token() if token is UNSET else token
        return await in_thread(self._session.source().refused, variables(settings), token=token)
