"""Writes to a run's standard input that have a name: sent in parts, or again, they are taken once.

A write whose connection breaks has been taken up to a place that its sender does not know. Sent again under its name it
goes on from there; what the first connection may still deliver takes turns with it.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from execd.errors import InvalidQuery, OffsetMismatch

KEPT: Final = 64
"""Writes of one run that are remembered: more than there are writers at once."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Write:
    """One write: how many of its bytes have been taken, and whose turn it is to bring more."""

    __slots__ = ("ended", "taken", "turn")

    def __init__(self) -> None:
        self.taken = 0
        self.ended = False
        """Whether standard input was ended with it."""
        self.turn = asyncio.Lock()

    def part(self, offset: int) -> Part:
        """Return the part that begins at an offset; raises `OffsetMismatch` where bytes before it are missing."""
        if offset > self.taken:
            raise OffsetMismatch(
                f"offset: {offset} is past what has been taken of this write, {self.taken}",
                details={"offset": self.taken},
            )
        return Part(self, offset)


class Part:
    """One request's share of a write, from its offset on; the write's turn is held from `fresh` to `take`."""

    __slots__ = ("_at", "write")

    def __init__(self, write: Write, at: int) -> None:
        self.write = write
        self._at = at

    @property
    def is_repeat(self) -> bool:
        """Whether something that follows this place has been taken already: bytes, or the end."""
        return self._at < self.write.taken or self.write.ended

    def fresh(self, piece: bytes) -> bytes:
        """Return what has not been taken of the next piece."""
        return piece[max(0, self.write.taken - self._at) :]

    def take(self, piece: bytes) -> None:
        """Take note that a piece has been taken."""
        self._at += len(piece)
        self.write.taken = max(self.write.taken, self._at)


class Writes:
    """The latest named writes of one run."""

    def __init__(self) -> None:
        self._named: dict[str, Write] = {}

    def named(self, name: str) -> Write:
        """Return the write of that name, a new one where it is not known; raises `InvalidQuery` for a bad name."""
        if not _NAME.fullmatch(name):
            raise InvalidQuery("write_id: 1 to 64 letters, digits, '_' and '-' are allowed")
        write = self._named.pop(name) if name in self._named else Write()
        self._named[name] = write
        if len(self._named) > KEPT:
            del self._named[next(iter(self._named))]
        return write
