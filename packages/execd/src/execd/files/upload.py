"""An upload: multipart bytes in, in pieces of any size; files out, all at once at the end.

`metadata` and `file` parts are paired in order, and a file's metadata comes first, so that its bytes can go straight
beside their target. Until `finish` nothing is visible, and `abandon` leaves nothing. Blocking calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from execd._wire import UploadMetadata
from execd.errors import InvalidFile, InvalidFileContent, InvalidFileMetadata, PayloadTooLarge
from execd.files import landing
from execd.files.landing import Landing
from execd.files.refusals import WRITING, refusal, shown
from execd.files.staging import Staged, Wish

DEFAULT_MODE: Final = 0o755
HEADER_BYTES: Final = 64 * 1024
"""Of one line of a part's header: deployed clients repeat the whole path in it."""
METADATA_BYTES: Final = 64 * 1024
WAITING_BYTES: Final = 16 * 1024 * 1024
"""Of metadata whose files have not come yet."""
_PLACE: Final = " - at `$"


class Upload:
    """One request's files; after an error only `abandon` may follow."""

    def __init__(self, boundary: str, *, resolve: Callable[[str], str]) -> None:
        # Imported on first use: it costs 20 ms, for things that nobody here needs.
        import multipart  # type: ignore[import-untyped]  # noqa: PLC0415

        self._malformed = multipart.MultipartError
        self._parser = multipart.PushMultipartParser(boundary, max_header_size=HEADER_BYTES, header_charset="latin1")
        self._landing = Landing(resolve)
        self._metadata: bytearray | None = None
        self._file: Staged | None = None
        self._waiting: deque[UploadMetadata] = deque()
        self._waiting_bytes = 0
        self._staged: list[Staged] = []

    def feed(self, *pieces: bytes) -> None:
        """Take the next bytes of the body; raises the refusals of the wire."""
        with self._refused():
            for piece in pieces:
                self._parse(piece)
            if self._file is not None:
                self._file.flush()

    @contextmanager
    def _refused(self) -> Iterator[None]:
        try:
            yield
        except self._malformed as error:
            raise InvalidFile(f"the body is not well-formed multipart: {error}") from None
        except OSError as error:
            raise refusal(error, self._landing.at, also=WRITING) from error

    def _parse(self, piece: bytes) -> None:
        for event in self._parser.parse(piece):
            if event is None:
                self._end_part()
            elif isinstance(event, bytes):
                self._take(event)
            else:
                self._begin_part(event.name)

    def _begin_part(self, name: str) -> None:
        if name == "metadata":
            self._metadata = bytearray()
        elif name == "file":
            self._file = self._next_file()
        else:
            raise InvalidFile(f"a part is called {name[:100]!r}; there are only 'metadata' and 'file'")

    def _take(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)
        elif self._metadata is not None:
            self._metadata += data
            if len(self._metadata) > METADATA_BYTES:
                raise PayloadTooLarge(f"metadata is larger than {METADATA_BYTES} bytes")

    def _end_part(self) -> None:
        if self._metadata is not None:
            self._waiting_bytes += len(self._metadata)
            if self._waiting_bytes > WAITING_BYTES:
                raise PayloadTooLarge(f"metadata without a file so far is larger than {WAITING_BYTES} bytes")
            self._waiting.append(decoded(bytes(self._metadata)))
        self._metadata = None
        self._file = None

    def _next_file(self) -> Staged:
        if not self._waiting:
            raise InvalidFileMetadata(f"file {len(self._staged) + 1} has no metadata part before it")
        if self._staged:
            # One descriptor for the whole request, however many files; the last file keeps it and needs no name yet.
            self._staged[-1].seal()
        metadata = self._waiting.popleft()
        if not self._waiting:
            self._waiting_bytes = 0
        wish = wished(metadata)
        self._staged.append(Staged(self._landing.target(metadata.path), wish=wish))
        return self._staged[-1]

    def finish(self) -> None:
        """Make every file visible under its path; raises if the body ended early, and then none is."""
        with self._refused():
            self._parser.close()
            if self._waiting:
                raise InvalidFileContent(f"{shown(self._waiting[0].path)}: there is metadata, but no file part")
            if not self._staged:
                raise InvalidFileMetadata("the upload holds no file")
            self._staged[-1].seal()
        self._publish()

    def _publish(self) -> None:
        written: list[str] = []
        for staged in self._staged:
            try:
                staged.publish()
            except OSError as error:
                no = refusal(error, staged.target, also=WRITING)
                no.details = {**(no.details or {}), "written": written}
                raise no from error
            written.append(shown(staged.target))

    def abandon(self) -> None:
        """Leave nothing of what is not visible yet; again, and after `finish`, is nothing."""
        for staged in self._staged:
            staged.abandon()
        self._landing.clear()


def decoded(body: bytes) -> UploadMetadata:
    """Return a metadata part as a struct; raises `InvalidFileMetadata` with the field that is wrong."""
    try:
        return msgspec.json.decode(body, type=UploadMetadata)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(_PLACE)
        field = where.rstrip("`").removeprefix(".")
        raise InvalidFileMetadata(f"metadata: {field}: {what}" if field else f"metadata: {what}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidFileMetadata(f"metadata is not one JSON object: {error}") from None


def wished(metadata: UploadMetadata) -> Wish:
    """Return whose the file is to be and its modes as bits; raises `InvalidFileMetadata`."""
    return landing.wished(metadata, default=DEFAULT_MODE)
