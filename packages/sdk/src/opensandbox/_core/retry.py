"""Whether a failed call is worth another try, and when: facts in, seconds out."""

from __future__ import annotations

from typing import Final

from opensandbox._core.request import Request
from opensandbox.exceptions import (
    ExecdNotReadyException,
    RequestTimeoutException,
    SandboxConnectionException,
    SandboxException,
)

_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 5.0
_LONGEST_RETRY_AFTER_S: Final = 20.0
_TRIES_AFTER_SILENCE: Final = 2
_TRIES_AFTER_BREAKS: Final = 12
_LONGEST_WAIT_AFTER_BREAKS_S: Final = 1.0
"""A connection that was there and broke says that there is a daemon: worth more tries, and sooner ones."""
_TRANSIENT_STATUS: Final = frozenset({429, 502, 503})


def was_sent(error: SandboxException | None) -> bool:
    """Whether the request may have been carried out."""
    return not isinstance(error, ExecdNotReadyException)


def is_transient(error: SandboxException | None) -> bool:
    """Whether the same request may do better a little later."""
    return isinstance(error, SandboxConnectionException) or getattr(error, "status_code", None) in _TRANSIENT_STATUS


def is_settled(request: Request, error: SandboxException, *, tries: int) -> bool:
    """Whether a repeated request was refused because an earlier try of it did the work."""
    return tries > 0 and error.error.code in request.settled_by


def wait_before_retry(request: Request, error: SandboxException, *, tries: int, jitter: float) -> float | None:
    """Return the seconds to wait after `tries` tries failed, or None to give up; `jitter` lies in [0, 1)."""
    repeatable = request.is_idempotent or not was_sent(error)
    if not repeatable or not is_transient(error):
        return None
    if isinstance(error, RequestTimeoutException):
        # Once: whoever slept for as long as that finds the daemon where it was, and who waits for it has waited enough.
        return backoff(tries, error, jitter=jitter) if tries < min(request.tries, _TRIES_AFTER_SILENCE) else None
    if has_broken(error) and request.tries > 1:
        wait = backoff_of_break(tries, error, jitter=jitter)
        return wait if tries < _TRIES_AFTER_BREAKS else None
    return backoff(tries, error, jitter=jitter) if tries < request.tries else None


def has_broken(error: SandboxException | None) -> bool:
    """Whether there was a connection, and it broke; None is one that just ended."""
    return error is None or (isinstance(error, SandboxConnectionException) and was_sent(error))


def backoff_of_break(tries: int, error: SandboxException | None, *, jitter: float) -> float:
    """Return a wait as `backoff` does, and no long one where there is somebody to connect to."""
    wait = backoff(tries, error, jitter=jitter)
    return min(wait, _LONGEST_WAIT_AFTER_BREAKS_S) if has_broken(error) else wait


def backoff(tries: int, error: SandboxException | None, *, jitter: float) -> float:
    """Return a wait that doubles from try to try, at random between a half and the whole of it.

    A `Retry-After` of the answer goes before, within reason.
    """
    asked = None if error is None else error.retry_after_s
    if asked is not None:
        return min(asked, _LONGEST_RETRY_AFTER_S) + jitter * _FIRST_WAIT_S
    whole: float = min(_FIRST_WAIT_S * 2 ** (tries - 1), _LONGEST_WAIT_S)
    return whole * (0.5 + jitter / 2)
