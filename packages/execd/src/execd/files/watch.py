"""One watch of a directory: the system's events in, changes out, new directories looked into. Blocking calls."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from execd.errors import ExecdError, LimitReached
from execd.files.ahead import Ahead
from execd.files.changed import WANTED, Change, Directories, Raw, without_repeats
from execd.files.hidden import is_hidden
from execd.files.refusals import refused
from execd.files.walk import open_root, walk

_ONLY_DIRECTORIES: Final = 0x01000000
_NAMELESS: Final = re.compile(r"(?:.*/)?#[0-9]+", re.DOTALL)
_HALF_A_MOVE_MS: Final = 20
"""How long the other half of a move may take: the two are made together, and read apart now and then."""
_AT_ONCE: Final = 4096
"""Events after which the changes are told that they make: while there is no rest, they never end."""
_NO_MORE: Final[dict[int, type[ExecdError]]] = {errno.ENOSPC: LimitReached, errno.EMFILE: LimitReached}
"""The system's own limits of watches."""


class Watch:
    """Watches one directory, and those below it; readable by `fd` when there is something."""

    def __init__(self, root: str, *, recursive: bool) -> None:
        """Begin; raises the refusals of the wire. What happens from now on is told."""
        from inotify_simple import INotify  # type: ignore[import-untyped]  # noqa: PLC0415 - only who watches needs it

        self.root = root.rstrip("/")
        self._recursive = recursive
        self._directories = Directories()
        self._ahead = Ahead(self._read)
        with refused(root, also=_NO_MORE):
            descriptor = open_root(root)
            try:
                self._inotify = INotify(nonblocking=True)
            except BaseException:
                os.close(descriptor)
                raise
            try:
                # From now on what is new is told by the system, wherever this looks already.
                for _ in self._scan(descriptor, "", tells=False, strict=True):
                    pass
            except BaseException:
                self._inotify.close()
                raise
        self.fd = int(self._inotify.fileno())

    @property
    def over(self) -> bool:
        """Whether the directory itself is gone."""
        return self._directories.root_is_gone

    @property
    def behind(self) -> bool:
        """Whether there are changes that nothing at `fd` tells of: they were read already."""
        return bool(self._ahead)

    def changes(self) -> list[Change]:
        """Return what has happened since, or the first of it."""
        self._ahead.read()
        events = self._ahead.take(_AT_ONCE, other_half_ms=_HALF_A_MOVE_MS)
        found = list(without_repeats(self._with_new_directories(events)))
        if not self._ahead:
            self._directories.settle()
        return found

    def _read(self, within_ms: float) -> list[Raw]:
        return [Raw(*event) for event in self._inotify.read(timeout=within_ms)]

    def _with_new_directories(self, events: Iterable[Raw]) -> Iterator[Change]:
        for change in self._directories.changes(events):
            if self._is_nameless(change):
                continue
            yield change
            if change.type == "removed" and change.path:
                self._forget(change.path)
            elif change.type == "overflow":
                yield from self._look_again()
            elif self._recursive:
                for path in change.entered:
                    yield from self._look_into(path, tells=True)

    def _is_nameless(self, change: Change) -> bool:
        """Whether it is of a file that has no name (yet): the system tells of those in a directory as `#NUMBER`."""
        if change.type != "modified" or _NAMELESS.fullmatch(change.path) is None:
            return False
        return not os.path.lexists(f"{self.root}/{change.path}")

    def _look_again(self) -> Iterator[Change]:
        """Make up for what was not told: new directories, and the end of the root."""
        if not os.path.isdir(self.root or "/"):
            yield from self._directories.lose_root()
        elif self._recursive:
            yield from self._look_into("", tells=False)

    def _look_into(self, path: str, *, tells: bool) -> Iterator[Change]:
        """Watch a directory that is new, and those in it, and tell what is there already."""
        try:
            descriptor = open_root(f"{self.root}/{path}" if path else self.root or "/", follow_link=not path)
        except OSError:
            self._directories.miss(path)
            return
        if self._is_anothers(path):
            self._directories.miss(path)
            os.close(descriptor)
            return
        yield from self._scan(descriptor, path, tells=tells)

    def _scan(self, descriptor: int, path: str, *, tells: bool, strict: bool = False) -> Iterator[Change]:
        """Watch an open directory, which this closes, and every one below it, and tell what is in them.

        Each is watched before it is listed, by the same descriptor: whatever comes into it is in the list or an event.
        One that the system watches no more for us is told as an overflow, or with `strict` raises.
        """
        lost: list[str] = []

        def entering(below: str, directory: int | None) -> bool:
            at = f"{path}/{below}" if path and below else path or below
            if directory is None or (below and self._has_left(at)):
                self._directories.miss(at)
                return False
            try:
                listed = self._add(directory, at, tells=tells)
            except OSError as error:
                if strict and (not at or error.errno in _NO_MORE):
                    raise
                if error.errno not in _NO_MORE:
                    self._directories.miss(at)
                    return False
                lost.append(at)
                return True
            return listed and self._recursive

        for found in walk(descriptor, entering=entering, left_out=lambda _, name: is_hidden(name)):
            if lost:
                lost.clear()
                yield Change("overflow")
            if tells:
                yield self._announce(f"{path}/{found.path}" if path else found.path)
        if lost:
            yield Change("overflow")

    def _announce(self, path: str) -> Change:
        self._ahead.read()
        above, _, name = path.rpartition("/")
        if self._ahead.comes(self._directories.at(above), name):
            return self._directories.announce(path)
        return Change("created", path)

    def _is_anothers(self, path: str) -> bool:
        """Whether what is there now may be another directory than was told of: then its own event is to come."""
        self._ahead.read()
        names = path.split("/") if path else []
        return any(self._leaves("/".join(names[: depth + 1])) for depth in range(len(names)))

    def _has_left(self, path: str) -> bool:
        self._ahead.read()
        return self._leaves(path)

    def _leaves(self, path: str) -> bool:
        above, _, name = path.rpartition("/")
        return self._ahead.leaves(self._directories.at(above), name)

    def _add(self, directory: int, path: str, *, tells: bool) -> bool:
        # By its descriptor: a tree may be deeper than a path may be long.
        wd = self._inotify.add_watch(f"/proc/self/fd/{directory}/.", WANTED | _ONLY_DIRECTORIES)
        return self._directories.look(wd, path, tells=tells)

    def _forget(self, path: str) -> None:
        for wd in self._directories.below(path):
            with suppress(OSError):
                self._inotify.rm_watch(wd)

    def close(self) -> None:
        """End it; again is nothing."""
        self._inotify.close()
