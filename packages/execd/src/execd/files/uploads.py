"""Resumable uploads: content that comes in pieces of several requests, and appears when all of it is there.

What a request brought before it was cut counts. The last request that appends to an upload is the one that does: one
that is still open, its client long gone perhaps, ends first.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, TypeVar

from execd._wire import CreateUploadRequest, UploadState
from execd.errors import InvalidFileContent, LimitReached, OffsetMismatch, PayloadTooLarge, UploadNotFound
from execd.files import landing
from execd.files.landing import Landing
from execd.files.refusals import WRITING, refused, shown
from execd.files.staging import Staged

T = TypeVar("T")


class Run(Protocol):
    """Runs a blocking call in a thread; a cancellation is passed on when the call has ended."""

    async def __call__(self, function: Callable[[], T], /) -> T:
        """Return what the call returns."""
        ...


DEFAULT_MODE: Final = 0o755
EXPIRES_S: Final = 3600.0
SETTLES_S: Final = 1.0
MOST: Final = 1000
"""Uploads at once; each holds a descriptor."""


class Pending:
    """The content of one upload on its way. Blocking calls."""

    def __init__(self, request: CreateUploadRequest, *, resolve: Callable[[str], str]) -> None:
        """Open the file beside its target; raises the refusals of the wire."""
        wish = landing.wished(request, default=DEFAULT_MODE)
        self.size = request.size
        self._landing = Landing(resolve)
        with refused(resolve(request.path), also=WRITING):
            try:
                self._staged = Staged(self._landing.target(request.path), wish=wish)
            except BaseException:
                self._landing.clear()
                raise

    @property
    def offset(self) -> int:
        """How much there is."""
        return self._staged.size

    def append(self, *pieces: bytes) -> None:
        """Take more bytes; raises the refusals of the wire."""
        if self.offset + sum(map(len, pieces)) > self.size:
            raise PayloadTooLarge(f"the upload was announced with {self.size} bytes", details={"size": self.size})
        with refused(self._staged.target, also=WRITING):
            for piece in pieces:
                self._staged.write(piece)
            self._staged.flush()

    def complete(self, sha256: str | None) -> None:
        """Make the content visible; raises the refusals of the wire, and then it can be tried again."""
        if self.offset < self.size:
            raise OffsetMismatch(
                f"{self.offset} of {self.size} bytes have come", details={"offset": self.offset, "size": self.size}
            )
        if sha256 is not None:
            digest = hashlib.sha256()
            for block in self._staged.read_back():
                digest.update(block)
            if digest.hexdigest() != sha256.lower():
                raise InvalidFileContent(
                    f"{shown(self._staged.target)}: what has come has another SHA-256",
                    details={"sha256": digest.hexdigest()},
                )
        with refused(self._staged.target, also=WRITING):
            self._staged.publish()

    def abandon(self) -> None:
        """Leave nothing of what is not visible; again, and after `complete`, is nothing."""
        self._staged.abandon()
        self._landing.clear()


class Upload:
    """One upload as requests see it: what it is, and who is at it."""

    def __init__(self, upload_id: str, pending: Pending) -> None:
        self.id = upload_id
        self.pending = pending
        self.size = pending.size
        self.offset = 0
        self.lock = asyncio.Lock()
        self.appending: asyncio.Timeout | None = None
        """The request that appends, to be cut short by the next."""
        self.expiry: asyncio.TimerHandle | None = None

    def state(self) -> UploadState:
        """Return what the wire tells of it."""
        return UploadState(upload_id=self.id, offset=self.offset, size=self.size)


class Uploads:
    """All uploads that wait for more; `run` runs a blocking call in a thread."""

    def __init__(self, resolve: Callable[[str], str], run: Run) -> None:
        self._resolve = resolve
        self._run = run
        self._uploads: dict[str, Upload] = {}
        self._completed: deque[str] = deque(maxlen=MOST)
        """A client whose answer was cut asks again."""
        self._ends: set[asyncio.Task[None]] = set()

    async def create(self, request: CreateUploadRequest) -> UploadState:
        """Return a new upload; raises the refusals of the wire."""
        if len(self._uploads) >= MOST:
            raise LimitReached(f"{MOST} uploads are open, the most that may be at once", details={"limit": MOST})
        pending = await self._run(lambda: Pending(request, resolve=self._resolve))
        upload = Upload(uuid.uuid4().hex, pending)
        self._uploads[upload.id] = upload
        self._renew(upload)
        return upload.state()

    async def show(self, upload_id: str) -> UploadState:
        """Return how far an upload is; raises `UploadNotFound`.

        A request that appends has a moment to come to its end: what a cut one brought is then all counted.
        """
        upload = self._find(upload_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLES_S), upload.lock:
                pass
        return upload.state()

    async def append(
        self, upload_id: str, offset: int, next_pieces: Callable[[], Awaitable[list[bytes]]]
    ) -> UploadState:
        """Take what a request brings, from `offset` on; raises the refusals of the wire."""
        upload = self._find(upload_id)
        if upload.appending is not None:
            upload.appending.reschedule(asyncio.get_running_loop().time())
        async with upload.lock:
            if self._find(upload_id).offset != offset:
                raise _not_there(upload)
            try:
                async with asyncio.timeout(None) as upload.appending:
                    await self._take(upload, next_pieces)
            except TimeoutError:
                raise _not_there(self._find(upload_id)) from None
            finally:
                upload.appending = None
                self._renew(upload)
            return upload.state()

    async def _take(self, upload: Upload, next_pieces: Callable[[], Awaitable[list[bytes]]]) -> None:
        while pieces := await next_pieces():
            try:
                await self._run(partial(upload.pending.append, *pieces))
            finally:
                upload.offset = upload.pending.offset

    async def complete(self, upload_id: str, sha256: str | None) -> None:
        """Make the content visible; again is nothing. Raises the refusals of the wire."""
        if upload_id in self._completed:
            return
        upload = self._find(upload_id)
        async with upload.lock:
            self._find(upload_id)
            await self._run(lambda: upload.pending.complete(sha256))
            self._completed.append(upload_id)
            self._forget(upload)

    async def delete(self, upload_id: str) -> None:
        """Give an upload up; raises `UploadNotFound`."""
        await self._end(self._find(upload_id))

    async def close(self) -> None:
        """Give everything up."""
        await asyncio.gather(*(self._end(upload) for upload in list(self._uploads.values())), *self._ends)

    def _find(self, upload_id: str) -> Upload:
        upload = self._uploads.get(upload_id)
        if upload is None:
            raise UploadNotFound(f"no upload {upload_id[:64]!r}: finished, given up, or expired")
        return upload

    def _renew(self, upload: Upload) -> None:
        if upload.expiry is not None:
            upload.expiry.cancel()
        if upload.id in self._uploads:
            upload.expiry = asyncio.get_running_loop().call_later(EXPIRES_S, self._expire, upload)

    def _expire(self, upload: Upload) -> None:
        if upload.appending is not None:
            return  # whoever is at it renews it
        task = asyncio.get_running_loop().create_task(self._end(upload))
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)

    async def _end(self, upload: Upload) -> None:
        self._forget(upload)
        if upload.appending is not None:
            upload.appending.reschedule(asyncio.get_running_loop().time())
        async with upload.lock:
            await self._run(upload.pending.abandon)

    def _forget(self, upload: Upload) -> None:
        self._uploads.pop(upload.id, None)
        if upload.expiry is not None:
            upload.expiry.cancel()


def _not_there(upload: Upload) -> OffsetMismatch:
    return OffsetMismatch(
        f"the next byte of this upload is number {upload.offset}",
        details={"offset": upload.offset, "size": upload.size},
    )
