"""One body across broken connections: which range comes next, whether it is still the same thing, when to give up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from opensandbox._core.request import Request
from opensandbox._core.resume import RESUME_FOR_S
from opensandbox._core.retry import backoff_of_break, is_transient, wait_before_retry
from opensandbox.exceptions import SandboxApiException, SandboxException, StreamInterruptedException

_PARTIAL: Final = 206


class Download:
    """The state of one body; it can go on where it stopped if its answer had an `ETag` and takes ranges."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._received = 0
        self._etag: str | None = None
        self._tries = 0
        self._broken_since: float | None = None

    def next_request(self) -> Request:
        """Return what to send now: the request itself, then what comes after the bytes that have come."""
        if not self._received:
            return self._request
        rest = {"Range": f"bytes={self._received}-", "If-Range": self._etag or ""}
        return replace(self._request, headers={**self._request.headers, **rest})

    def opened(self, *, status: int, headers: Mapping[str, str]) -> None:
        """Take note that an answer has begun; names of headers are in lower case.

        Raises where it does not continue what has come.
        """
        if self._received:
            begins = headers.get("content-range", "").startswith(f"bytes {self._received}-")
            if status != _PARTIAL or not begins or headers.get("etag") != self._etag:
                raise StreamInterruptedException(
                    f"it changed while it was read: after {self._received} bytes there is something else",
                    details={"received": self._received},
                )
        etag = headers.get("etag", "")
        takes_ranges = headers.get("accept-ranges") == "bytes" and not etag.startswith("W/")
        self._etag = etag if takes_ranges and etag else None

    def accept(self, chunk: bytes) -> bytes:
        """Take the next bytes, and return them."""
        self._received += len(chunk)
        self._tries, self._broken_since = 0, None
        return chunk

    def lost(self, error: SandboxException, *, now: float, jitter: float, is_gone: bool = False) -> float:
        """Return the seconds until the next try, or raise what the caller is to see.

        `error` is what broke the body; `now` is monotonic, `jitter` in [0, 1); `is_gone` says that the daemon cannot
        come back.
        """
        self._tries += 1
        if not self._received:
            wait = None if is_gone else wait_before_retry(self._request, error, tries=self._tries, jitter=jitter)
            if wait is None:
                raise error
            return wait
        if self._broken_since is None:
            self._broken_since = now
        # The first try goes out at once: most breaks are of one connection, not of the way.
        wait = 0.0 if self._tries == 1 else backoff_of_break(self._tries - 1, error, jitter=jitter)
        is_refused = isinstance(error, SandboxApiException) and not is_transient(error)
        hopeless = is_gone or self._etag is None or is_refused
        if hopeless or now + wait > self._broken_since + RESUME_FOR_S:
            raise StreamInterruptedException(
                f"it broke after {self._received} bytes: {error}", details={"received": self._received}
            ) from error
        return wait
