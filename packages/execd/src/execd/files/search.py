"""What is wanted of a tree, found piece by piece: no piece holds anybody up for long, however much there is."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from execd._wire import FileInfo
from execd.errors import ExecdError, InvalidFile, NotADirectory
from execd.files.glob import Pattern
from execd.files.owners import Names
from execd.files.refusals import refused
from execd.files.tree import entry_in
from execd.files.walk import Found, open_root, walk

PIECE_S: Final = 0.02
"""How long one piece takes; whoever leaves waits for no more than that."""
_LOOKS: Final = 64
"""Entries between two looks at the clock."""


class Search:
    """One walk for what is wanted: `piece` until it is `over`, and `close` in every case."""

    def __init__(
        self,
        root: str,
        descriptor: int,
        *,
        wanted: Callable[[Found], bool],
        wanted_name: Callable[[str], bool] | None = None,
        max_depth: int | None = None,
        limit: int | None = None,
    ) -> None:
        self._root = root.rstrip("/")
        self._wanted = wanted
        self._left = -1 if limit is None else limit
        self._names = Names()
        self._walk = walk(descriptor, wanted=wanted_name, max_depth=max_depth)

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._left == 0

    def piece(self) -> list[FileInfo]:
        """Return what is found next, perhaps nothing."""
        deadline_s = time.monotonic() + PIECE_S
        pieces: list[FileInfo] = []
        looks = 0
        while not self.over:
            found = next(self._walk, None)
            if found is None:
                self._left = 0
                break
            if self._wanted(found):
                # It may be gone by now.
                with suppress(OSError):
                    pieces.append(self._told(found))
                    self._left -= 1
            looks += 1
            if looks % _LOOKS == 0 and time.monotonic() > deadline_s:
                break
        return pieces

    def _told(self, found: Found) -> FileInfo:
        return entry_in(found.directory, found.name, path=f"{self._root}/{found.path}", names=self._names)

    def close(self) -> None:
        """Let go of every directory; again is nothing."""
        self._left = 0
        self._walk.close()


_NO_ROOT: Final[dict[int, type[ExecdError]]] = {errno.ENOTDIR: NotADirectory}
_NO_LISTING: Final[dict[int, type[ExecdError]]] = {errno.ENOTDIR: InvalidFile}


def searching(root: str, pattern: Pattern, *, include_directories: bool, limit: int | None) -> Search:
    """Return a search below a directory, which may be reached by a link; raises the refusals of the wire."""

    def wanted(found: Found) -> bool:
        if found.is_directory:
            return include_directories and pattern.matches(found.path)
        return pattern.by_name or pattern.matches(found.path)

    with refused(root, also=_NO_ROOT):
        descriptor = open_root(root)
    return Search(
        root,
        descriptor,
        wanted=wanted,
        wanted_name=pattern.matches_name if pattern.by_name else None,
        max_depth=pattern.max_depth,
        limit=limit,
    )


def listing(root: str, *, depth: int) -> Search:
    """Return everything below a directory, down to a depth; a link to one is no directory here."""
    with refused(root, also=_NO_LISTING):
        descriptor = open_root(root, follow_link=False)
    return Search(root, descriptor, wanted=lambda _: True, max_depth=depth, limit=0 if depth == 0 else None)
