"""One watch of a directory: the system's events in, changes out, new directories looked into. Blocking calls."""

from __future__ import annotations

import errno
import os
import re
import select
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from execd.errors import ExecdError, LimitReached
from execd.files.changed import MOVED_FROM, WANTED, Change, Directories, Raw, without_repeats
from execd.files.hidden import is_hidden
from execd.files.refusals import refused
from execd.files.walk import open_root, walk

_ONLY_DIRECTORIES: Final = 0x01000000
_NO_LINKS: Final = 0x02000000
_NAMELESS: Final = re.compile(r"(?:.*/)?#[0-9]+", re.DOTALL)
_HALF_A_MOVE_MS: Final = 20
"""How long the other half of a move may take: the two are made together, and read apart now and then."""
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
        with refused(root, also=_NO_MORE):
            descriptor = open_root(root)
            try:
                self._inotify = INotify(nonblocking=True)
                self._add(descriptor, ".", "")
            except BaseException:
                os.close(descriptor)
                raise
            try:
                # From now on what is new is told by the system, wherever this looks already.
                for _ in self._scan(descriptor, "", strict=True):
                    pass
            except BaseException:
                self._inotify.close()
                raise
        self.fd = int(self._inotify.fileno())

    @property
    def over(self) -> bool:
        """Whether the directory itself is gone."""
        return self._directories.root_is_gone

    def changes(self) -> list[Change]:
        """Return what has happened since."""
        events = self._read(0)
        if events and events[-1].mask & MOVED_FROM:
            events += self._read(_HALF_A_MOVE_MS)
        found = list(without_repeats(self._with_new_directories(events)))
        self._directories.settle()
        return found

    def _read(self, timeout_ms: int) -> list[Raw]:
        poll = select.poll()
        poll.register(self._inotify.fileno(), select.POLLIN)
        if not poll.poll(timeout_ms):
            return []
        return [Raw(*event) for event in self._inotify.read(timeout=0)]

    def _with_new_directories(self, events: list[Raw]) -> Iterator[Change]:
        for change in self._directories.changes(events):
            if self._is_nameless(change):
                continue
            yield change
            if change.type == "removed" and change.path:
                self._forget(change.path)
            elif change.type == "overflow":
                yield from self._look_again()
            elif change.entered and self._recursive:
                yield from self._look_into(change.dest or change.path, announce=True)

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
            yield from self._look_into("", announce=False)

    def _look_into(self, path: str, *, announce: bool) -> Iterator[Change]:
        """Watch a directory that is new, and tell what is in it already."""
        try:
            descriptor = open_root(f"{self.root}/{path}" if path else self.root or "/", follow_link=not path)
        except OSError:
            return
        try:
            self._add(descriptor, ".", path)
        except OSError:
            os.close(descriptor)
            yield Change("overflow")
            return
        for found in self._scan(descriptor, path):
            if found.type == "overflow":
                yield found
            elif announce:
                yield self._directories.announce(found.path)

    def _scan(self, descriptor: int, path: str, *, strict: bool = False) -> Iterator[Change]:
        """Watch every directory below an open one, which this closes, and yield what is there.

        One that the system watches no more for us is told as an overflow, or with `strict` raises.
        """
        if not self._recursive:
            os.close(descriptor)
            return
        for found in walk(descriptor):
            at = f"{path}/{found.path}" if path else found.path
            if found.is_directory:
                try:
                    self._add(found.directory, found.name, at)
                except OSError as error:
                    if error.errno in _NO_MORE:
                        if strict:
                            raise
                        yield Change("overflow")
            if not is_hidden(found.name):
                yield Change("created", at)

    def _add(self, directory: int, name: str, path: str) -> None:
        # By its descriptor: a tree may be deeper than a path may be long.
        mask = WANTED | _ONLY_DIRECTORIES | _NO_LINKS
        self._directories.add(self._inotify.add_watch(f"/proc/self/fd/{directory}/{name}", mask), path)

    def _forget(self, path: str) -> None:
        for wd in self._directories.below(path):
            with suppress(OSError):
                self._inotify.rm_watch(wd)

    def close(self) -> None:
        """End it; again is nothing."""
        self._inotify.close()
