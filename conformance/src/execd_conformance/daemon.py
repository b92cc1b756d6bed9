"""`Daemon`: a further daemon of a scenario's own, and `Daemons`, which starts them."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
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
        started = await _begun(partial(self._session.source().start, variables(settings), token=token))
        try:
            # Of several tokens each opens it by itself, and all of them together do not.
            place = replace(started.place, token=token and token.partition(",")[0])
            version = await in_thread(probe.ask, place)
            raw = Raw(place.url, place.token, features=probe.features(version))
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


async def _begun(start: Callable[[], Started]) -> Started:
    """Start a daemon; where nobody waits for that any more, it is closed as soon as it is there."""
    coming: Future[Started] = Future()

    def work() -> Started:
        try:
            coming.set_result(start())
        except BaseException as fault:  # noqa: BLE001 - whoever waits is told
            coming.set_exception(fault)
        return coming.result()

    try:
        return await in_thread(work)
    except BaseException:
        coming.add_done_callback(_end)
        raise


def _end(coming: Future[Started]) -> None:
    if coming.exception() is None:
        # It may be done already, and then this is the scenario's own thread.
        threading.Thread(target=coming.result().close, daemon=True).start()
