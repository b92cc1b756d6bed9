"""One file whose content is a body by itself. Blocking calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from execd.errors import PayloadTooLarge
from execd.files.landing import Landing
from execd.files.refusals import WRITING, refused
from execd.files.staging import Staged, Wish

NEW_FILE_MODE: Final = 0o644


class Whole:
    """New content for a path, visible when it is finished; after an error only `abandon` may follow."""

    def __init__(self, path: str, *, resolve: Callable[[str], str], max_bytes: int | None, fsync: bool) -> None:
        """Open the file beside its target; raises the refusals of the wire."""
        self._landing = Landing(resolve)
        self._max_bytes = max_bytes
        self._size = 0
        with refused(resolve(path), also=WRITING):
            try:
                self._staged = Staged(self._landing.target(path), wish=Wish(create_mode=NEW_FILE_MODE, fsync=fsync))
            except BaseException:
                self._landing.clear()
                raise

    def feed(self, *pieces: bytes) -> None:
        """Take the next bytes; raises the refusals of the wire."""
        self._size += sum(map(len, pieces))
        if self._max_bytes is not None and self._size > self._max_bytes:
            raise PayloadTooLarge(
                f"the content is larger than {self._max_bytes} bytes", details={"limit": self._max_bytes}
            )
        with refused(self._landing.at, also=WRITING):
            for piece in pieces:
                self._staged.write(piece)
            self._staged.flush()

    def finish(self) -> None:
        """Make the file visible."""
        with refused(self._landing.at, also=WRITING):
            self._staged.publish()

    def abandon(self) -> None:
        """Leave nothing of what is not visible yet; again, and after `finish`, is nothing."""
        self._staged.abandon()
        self._landing.clear()
