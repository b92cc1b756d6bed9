"""Who reads a run, and who has left and may still come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from execd.runs.log import RawReader
from execd.runs.reader import Grace, Reader


class Audience:
    """The readers of one run, and the graces of those that left."""

    def __init__(self) -> None:
        self._readers: set[Reader | RawReader] = set()
        self._graces: list[Grace] = []

    @property
    def present(self) -> bool:
        """Whether anybody reads."""
        return bool(self._readers)

    @property
    def expects(self) -> bool:
        """Whether somebody who left may still come back."""
        return bool(self._graces)

    def places(self) -> list[int]:
        """Return the record that each reader who follows, and each that may still come back, will read next."""
        following = [reader.record for reader in self._readers if reader.follows]
        return following + [grace.record for grace in self._graces]

    def join(self, reader: Reader | RawReader) -> None:
        """Take in a reader, in place of the one of the same name and of one that left."""
        for before in [before for before in self._readers if reader.name and before.name == reader.name]:
            before.replace()
            self._readers.discard(before)
        self._readers.add(reader)
        if reader.follows:
            self._succeed(reader)

    def _succeed(self, reader: Reader | RawReader) -> None:
        # A resume takes over from the reader that left at or after its place; that one need not be waited for any more.
        left = [grace for grace in self._graces if grace.record >= reader.record]
        if left:
            grace = min(left, key=lambda grace: grace.record)
            grace.timer.cancel()
            self._graces.remove(grace)

    def part(self, reader: Reader | RawReader) -> bool:
        """Let a reader go; False where it had gone before, or been replaced."""
        was_there = reader in self._readers
        self._readers.discard(reader)
        return was_there

    def expect(self, reader: Reader | RawReader, *, for_s: float, then: Callable[[], None]) -> None:
        """Wait a while for a reader that left to come back; call `then` if it does not."""
        grace = Grace(reader.record)
        grace.timer = asyncio.get_running_loop().call_later(for_s, self._over, grace, then)
        self._graces.append(grace)

    def _over(self, grace: Grace, then: Callable[[], None]) -> None:
        self._graces.remove(grace)
        then()

    def expect_nobody(self) -> None:
        """Wait for nobody any more."""
        for grace in self._graces:
            grace.timer.cancel()
        self._graces.clear()
