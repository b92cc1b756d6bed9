"""Where new content goes: the true place behind a path, in directories that are made for it, and whose it is to be.

A link is written through: it stays, and what it leads to is replaced. Blocking calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from execd.errors import InvalidFileMetadata, IsADirectory
from execd.files.modes import from_wire
from execd.files.owners import gid_of, uid_of
from execd.files.refusals import shown
from execd.files.staging import Wish, make_parents, remove_parents


class Landing:
    """The places of one request's files; each directory is looked at once."""

    def __init__(self, resolve: Callable[[str], str]) -> None:
        self._resolve = resolve
        self._made: list[str] = []
        self._directories: dict[str, str] = {}
        self.at = ""
        """The path that was asked for last, for refusals."""

    def target(self, path: str) -> str:
        """Return where a file really goes, in a directory that is there; raises `OSError`, `IsADirectory`."""
        if path.endswith("/"):
            raise IsADirectory(f"{shown(path)} names a directory", details={"path": shown(path)})
        self.at = self._resolve(path)
        directory, _, name = self.at.rpartition("/")
        target = f"{self._directory(directory)}/{name}"
        if not os.path.islink(target):
            return target
        # As when a program writes to it.
        target = os.path.realpath(target)
        self._directory(os.path.dirname(target))
        return target

    def _directory(self, path: str) -> str:
        known = self._directories.get(path)
        if known is None:
            self._made += make_parents(path or "/")
            # Without the slash at its end that only the root has.
            known = self._directories[path] = os.path.realpath(path or "/").rstrip("/")
        return known

    def clear(self) -> None:
        """Remove the directories that were made and that nobody uses; again is nothing."""
        remove_parents(self._made)
        self._made.clear()


class Asked(Protocol):
    """What a request says of a file that it writes."""

    @property
    def owner(self) -> str | None:
        """A user's name, or number as text."""

    @property
    def group(self) -> str | None:
        """A group's name, or number as text."""

    @property
    def mode(self) -> int | str | None:
        """The mode, as the wire has modes."""

    @property
    def create_mode(self) -> int | str | None:
        """The mode of a file that is new."""

    @property
    def fsync(self) -> bool | None:
        """Whether it is to be on the disk."""


def wished(asked: Asked, *, default: int) -> Wish:
    """Return whose a file is to be and its modes as bits; raises `InvalidFileMetadata`."""
    return Wish(
        uid=_owner("owner", asked.owner, uid_of),
        gid=_owner("group", asked.group, gid_of),
        mode=_bits("mode", asked.mode),
        create_mode=_bits("create_mode", asked.create_mode) or default,
        fsync=bool(asked.fsync),
    )


def _bits(field: str, value: int | str | None) -> int | None:
    try:
        return from_wire(value)
    except ValueError as error:
        raise InvalidFileMetadata(f"metadata: {field}: {error}") from None


def _owner(field: str, name: str | None, number_of: Callable[[str], int]) -> int | None:
    if not name:
        return None
    try:
        return number_of(name)
    except LookupError:
        raise InvalidFileMetadata(f"metadata: {field}: there is no {name[:64]!r}") from None
