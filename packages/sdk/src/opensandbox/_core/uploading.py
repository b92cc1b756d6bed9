"""One file on its way up across broken connections: where to go on, what to send, when to give up."""

from __future__ import annotations

import msgspec

from opensandbox import _wire
from opensandbox._core import decode
from opensandbox._core.files import NEW_FILE_MODE, STORED_WITHIN_S, SandboxPath, mode_to_wire, writable
from opensandbox._core.request import Request, segment
from opensandbox._core.resume import RESUME_FOR_S
from opensandbox._core.retry import backoff, is_transient
from opensandbox.exceptions import (
    OffsetMismatchException,
    SandboxApiException,
    SandboxConnectionException,
    SandboxException,
    StreamInterruptedException,
)


def create(
    path: SandboxPath, *, size: int, mode: int | None, owner: str | None, group: str | None, fsync: bool
) -> Request:
    """Begin an upload; one whose answer is lost expires by itself."""
    body = _wire.CreateUploadRequest(
        path=writable(path),
        size=size,
        owner=owner,
        group=group,
        mode=None if mode is None else mode_to_wire(mode),
        create_mode=mode_to_wire(NEW_FILE_MODE) if mode is None else None,
        fsync=True if fsync else None,
    )
    return Request(
        method="POST",
        path="/files/uploads",
        body=msgspec.json.encode(body),
        content_type="application/json",
        is_idempotent=True,
    )


class Uploading:
    """The state of one upload, from the answer to its creation on."""

    def __init__(self, created: bytes) -> None:
        state = decode.body(created, _wire.UploadState)
        self.offset = state.offset
        """How many bytes the daemon is known to have."""
        self._size = state.size
        self._path = f"/files/uploads/{segment(state.upload_id)}"
        self._tries = 0
        self._broken_since: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the daemon has everything."""
        return self.offset == self._size

    def append(self) -> Request:
        """Bring what is missing; sent once, for only the daemon knows how much of it has come."""
        headers = {
            "Upload-Offset": str(self.offset),
            "Content-Length": str(self._size - self.offset),
            "Content-Type": "application/octet-stream",
        }
        return Request(method="PATCH", path=self._path, headers=headers, tries=1, silence_s=STORED_WITHIN_S)

    def show(self) -> Request:
        """Ask where to go on."""
        return Request(method="GET", path=self._path, is_idempotent=True)

    def complete(self) -> Request:
        """Put the content in its place."""
        return Request(method="POST", path=f"{self._path}/complete", is_idempotent=True, silence_s=STORED_WITHIN_S)

    def delete(self) -> Request:
        """Give it up."""
        return Request(method="DELETE", path=self._path, tries=1)

    def told(self, answer: bytes) -> None:
        """Take note of how much the daemon has."""
        offset = decode.body(answer, _wire.UploadState).offset
        if not 0 <= offset <= self._size:
            raise SandboxConnectionException(f"the answer cannot be read: there are {offset} bytes of {self._size}")
        if offset > self.offset:
            self._tries, self._broken_since = 0, None
        self.offset = offset

    def lost(self, error: SandboxException, *, now: float, jitter: float, is_gone: bool = False) -> float:
        """Return the seconds until the daemon is asked where to go on, or raise what the caller is to see.

        `error` is what broke a request; `now` is monotonic, `jitter` in [0, 1).
        """
        is_refused = isinstance(error, SandboxApiException) and not is_transient(error)
        if is_refused and not isinstance(error, OffsetMismatchException):
            raise error
        self._tries += 1
        if self._broken_since is None:
            self._broken_since = now
        wait = 0.0 if self._tries == 1 else backoff(self._tries - 1, error, jitter=jitter)
        if is_gone or now + wait > self._broken_since + RESUME_FOR_S:
            raise StreamInterruptedException(
                f"it broke after {self.offset} of {self._size} bytes: {error}",
                details={"expected": self._size, "received": self.offset},
            ) from error
        return wait
