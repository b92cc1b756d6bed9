"""Directories opened one in the other, from a root down, of which only some are open at a time.

Each is opened by its name in the one above it, so a tree may be deeper than a path may be long, and than a process has
descriptors, and nobody can put a link in the way. One that was closed is reached again by `..`, if that is still the
same directory. Blocking calls.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from execd.errors import InternalFault

OPEN: Final = 64
"""Directories that are open at once, the root among them."""
OPENING: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW


class Ladder:
    """A way down and up again; `close` in every case."""

    def __init__(self, root: int) -> None:
        """Begin in an open directory, which is closed with this."""
        self._open: list[int | None] = [root]
        self._identities: list[tuple[int, int]] = [(0, 0)]

    @property
    def directory(self) -> int:
        """The descriptor of the lowest directory."""
        descriptor = self._open[-1]
        if descriptor is None:
            raise InternalFault("the lowest directory is closed")
        return descriptor

    def down(self, name: str) -> None:
        """Go into a directory, never through a link; raises `OSError`, and is then where it was."""
        below = os.open(name, OPENING, dir_fd=self.directory)
        self._open.append(below)
        self._identities.append((0, 0))
        far = len(self._open) - OPEN
        # The root stays open: it is where one gets back to in any case.
        if far > 0 and (descriptor := self._open[far]) is not None:
            found = os.fstat(descriptor)
            self._identities[far] = found.st_dev, found.st_ino
            self._open[far] = None
            os.close(descriptor)

    def up(self) -> int:
        """Go back, and return by how many steps: more than one where those between have been moved elsewhere."""
        left = self.directory
        del self._open[-1], self._identities[-1]
        try:
            if self._open and self._open[-1] is None:
                with suppress(OSError):
                    self._open[-1] = _above(left, self._identities[-1])
        finally:
            os.close(left)
        steps = 1
        while self._open and self._open[-1] is None:
            del self._open[-1], self._identities[-1]
            steps += 1
        return steps

    def close(self) -> None:
        """Let go of every directory; again is nothing."""
        for descriptor in self._open:
            if descriptor is not None:
                os.close(descriptor)
        self._open.clear()
        self._identities.clear()


def _above(directory: int, identity: tuple[int, int]) -> int | None:
    """Return the directory above an open one, None where it is another one than it was."""
    above = os.open("..", OPENING, dir_fd=directory)
    found = os.fstat(above)
    if (found.st_dev, found.st_ino) == identity:
        return above
    os.close(above)
    return None
