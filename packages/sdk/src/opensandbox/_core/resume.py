"""One stream across broken connections: which request comes next, which events are new, and when to give up.

Each event goes out once, in order. A gap that no `truncated` names is a fault and never healed in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, Generic

from opensandbox._core import calls
from opensandbox._core.request import E, Received, Request, StreamRequest
from opensandbox._core.retry import backoff_of_break, is_transient, wait_before_retry, was_sent
from opensandbox._core.sse import Frame
from opensandbox.exceptions import (
    SandboxApiException,
    SandboxException,
    ShuttingDownException,
    StreamInterruptedException,
)

RESUME_FOR_S: Final = 50.0
"""How long to try to come back; the daemon is asked to keep the run for 60 s."""
READER: Final = "X-EXECD-READER"
_TERMINAL: Final = frozenset({"execution_complete", "error"})


class Resume(Generic[E]):
    """The state of one stream; `can_resume` says whether the daemon replays this run.

    `reader` names the stream to the daemon: a connection that names it takes the place of the one before, which may be
    dead without the daemon's knowing.
    """

    def __init__(self, request: StreamRequest[E], *, can_resume: bool, reader: str | None = None) -> None:
        self._request = request
        self._can_resume = can_resume
        self._reader = reader
        self._last = request.after
        self._heard = False
        self._sent = False
        self._tries = 0
        self._broken_since: float | None = None
        self._is_over = False

    def is_over(self) -> bool:
        """Whether the terminal event has come, or there is none to wait for."""
        return self._is_over

    def next_request(self) -> Request:
        """Return what to send now: the start until an event has come, then what came after the last one."""
        request = self._request.start
        if self._last > self._request.after and self._request.execution_id is not None:
            request = calls.events_after(self._request.execution_id, self._last)
        if self._reader is None:
            return request
        return replace(request, headers={**request.headers, READER: self._reader})

    def opened(self, *, status: int) -> None:
        """Take note that an answer has begun; 204 says that there is nothing after the last event."""
        self._sent = True
        self._is_over = status == 204

    def accept(self, frames: Iterable[Frame]) -> list[Received[E]]:
        """Return the events that are new."""
        return [event for frame in frames if not self._is_over for event in self._accept(frame)]

    def _accept(self, frame: Frame) -> list[Received[E]]:
        if frame.number is not None and frame.number <= self._last:
            return []
        self._heard, self._tries, self._broken_since = True, 0, None
        try:
            event = self._request.decode(frame.data)
        except ValueError as fault:
            raise StreamInterruptedException(f"event {frame.number} cannot be read: {fault}") from fault
        if frame.number is not None:
            self._count(frame.number)
        kind = None if event is None else event.__struct_config__.tag
        if event is None or kind == "ping":
            return []
        if kind == "truncated":
            self._last = max(self._last, getattr(event, "to", 0))
        self._is_over = kind in _TERMINAL
        return [Received(frame.number, event)]

    def _count(self, number: int) -> None:
        if number != self._last + 1:
            details = {"expected": self._last + 1, "received": number}
            raise StreamInterruptedException(f"event {number} came where {self._last + 1} was due", details=details)
        self._last = number

    def lost(self, error: SandboxException | None, *, now: float, jitter: float, is_gone: bool = False) -> float:
        """Return the seconds until the next try, or raise what the caller is to see.

        `error` is what broke the stream, None when it just ended; `now` is monotonic, `jitter` in [0, 1); `is_gone`
        says that the daemon cannot come back.
        """
        self._tries += 1
        self._sent = self._sent or was_sent(error)
        if error is not None and self._is_refusal(error):
            wait = None if is_gone else wait_before_retry(self._request.start, error, tries=self._tries, jitter=jitter)
            if wait is None:
                raise error
            return wait
        if self._broken_since is None:
            self._broken_since = now
        # The first try goes out at once: most breaks are of one connection, not of the way.
        wait = 0.0 if self._tries == 1 else backoff_of_break(self._tries - 1, error, jitter=jitter)
        is_refused = isinstance(error, SandboxApiException) and not is_transient(error)
        hopeless = is_gone or not self._can_resume or is_refused
        if hopeless or now + wait > self._broken_since + RESUME_FOR_S:
            raise self._interrupted(error, broken_for=now - self._broken_since) from error
        return wait

    def _is_refusal(self, error: SandboxException) -> bool:
        """Whether this is an answer to the start itself, or the start has not even left."""
        return not self._heard and (isinstance(error, (SandboxApiException, ShuttingDownException)) or not self._sent)

    def _interrupted(self, error: SandboxException | None, *, broken_for: float) -> StreamInterruptedException:
        why = "it ended without a terminal event" if error is None else str(error)
        tried = f", and could not be resumed in {broken_for:.1f} s" if self._can_resume else ""
        details: dict[str, Any] = {"last_event": self._last, "resumable": self._can_resume}
        return StreamInterruptedException(f"the stream broke after event {self._last}{tried}: {why}", details=details)
