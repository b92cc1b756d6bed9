"""What endpoints work with: handed in once by `app.py`, never reached for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from execd._wire import CreateSessionRequest, RunCommandRequest, RunInSessionRequest
from execd.files.service import Files
from execd.http.auth import Access
from execd.http.body import Arrivals
from execd.http.signing import Signer
from execd.kernel.room import Code
from execd.metrics.sampler import Sampler
from execd.runs.registry import Registry
from execd.runs.run import Run


class Commands(Protocol):
    """What starts and interrupts commands (`process.Commands` is one)."""

    def start(self, request: RunCommandRequest) -> Run:
        """Return the run of a command; raises an `ExecdError` before there is any event."""

    async def interrupt(self, execution_id: str) -> None:
        """Stop a command and return when it is gone; raises `CommandNotFound`, `AlreadyFinished`."""


class Sessions(Protocol):
    """What keeps live shells (`process.Sessions` is one)."""

    async def create(self, request: CreateSessionRequest) -> str:
        """Return the id of a new session; raises an `ExecdError`."""

    def run(self, session_id: str, request: RunInSessionRequest) -> Run:
        """Return the run of a command in a session; raises `SessionNotFound`."""

    async def delete(self, session_id: str) -> None:
        """End a session and return when nothing of it is left; raises `SessionNotFound`."""


class Activity:
    """How long nobody has asked for anything: what a lease is measured by."""

    def __init__(self, mono_s: Callable[[], float]) -> None:
        self._mono_s = mono_s
        self._open = 0
        self._since = mono_s()

    @property
    def idle_s(self) -> float:
        """Seconds since the last request or stream was open, 0 while one is."""
        return 0.0 if self._open else self._mono_s() - self._since

    @contextmanager
    def underway(self) -> Iterator[None]:
        """Count a request from here to there."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._since = self._mono_s()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The rooms behind the routes, and the rules at the door."""

    registry: Registry
    commands: Commands
    sessions: Sessions
    code: Code
    files: Files
    metrics: Sampler
    access: Access
    signer: Signer
    arrivals: Arrivals
    activity: Activity
    heartbeat_s: float
    now_ms: Callable[[], int]
    waiting_for: set[str] = field(default_factory=set)
    """What keeps the daemon from being ready; empty when it is."""
