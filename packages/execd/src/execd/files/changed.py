"""What inotify says of watched directories, as changes of paths. Sans-IO.

Only pairs are moves: half of one has come from, or gone to, where nobody looks. What a scan has announced is not
announced again by the event that was on its way. Names that the daemon itself writes under are not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from execd.files.hidden import is_hidden, is_replacing

MODIFY: Final = 0x2
ATTRIB: Final = 0x4
MOVED_FROM: Final = 0x40
MOVED_TO: Final = 0x80
CREATE: Final = 0x100
DELETE: Final = 0x200
DELETE_SELF: Final = 0x400
MOVE_SELF: Final = 0x800
OVERFLOW: Final = 0x4000
IGNORED: Final = 0x8000
IS_DIRECTORY: Final = 0x40000000
WANTED: Final = MODIFY | ATTRIB | MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF | MOVE_SELF


class Raw(NamedTuple):
    """One event of the system."""

    wd: int
    mask: int
    cookie: int
    name: str


class Change(NamedTuple):
    """What happened at a path below the root; a move has where it went. `entered` are directories to look into now."""

    type: Literal["created", "modified", "removed", "moved", "overflow"]
    path: str = ""
    dest: str = ""
    entered: tuple[str, ...] = ()


class Directories:
    """The watched directories: their descriptors and their paths, the root's being empty."""

    def __init__(self) -> None:
        self._paths: dict[int, str] = {}
        self._descriptors: dict[str, int] = {}
        self._inside: dict[str, set[str]] = {}
        """The watched directories that are directly in one: of many, few are below any of them."""
        self.root_is_gone = False
        self._announced: set[str] = set()
        self._announced_before: set[str] = set()
        self._told: set[int] = set()
        """Those of which has been told what was in them when they were first looked into."""
        self._missed: set[str] = set()
        """Directories into which nobody could look: what has become of their names is yet to be heard."""

    def at(self, path: str) -> int | None:
        """Return the descriptor of a watched directory, None where none is."""
        return self._descriptors.get(path)

    def look(self, wd: int, path: str, *, tells: bool) -> bool:
        """Remember a watched directory, and return whether it is to be listed: not if that is told already."""
        if tells and wd in self._told and self._paths.get(wd) == path:
            self._missed.discard(path)
            return False
        self.add(wd, path)
        if tells:
            self._told.add(wd)
        return True

    def miss(self, path: str) -> None:
        """Remember a directory that could not be opened: it is looked into when it is heard where it has gone."""
        self._missed.add(path)

    def add(self, wd: int, path: str) -> None:
        """Remember a watched directory."""
        self._missed.discard(path)
        if wd in self._paths:
            self._forget(wd)
        self._paths[wd] = path
        self._descriptors[path] = wd
        if path:
            self._inside.setdefault(_above(path), set()).add(path)

    def _forget(self, wd: int) -> None:
        path = self._paths.pop(wd, None)
        self._told.discard(wd)
        # Another one may be there by now.
        if path is not None and self._descriptors.get(path) == wd:
            del self._descriptors[path]
            beside = self._inside.get(_above(path), set())
            beside.discard(path)
            if not beside:
                self._inside.pop(_above(path), None)

    def _at_and_below(self, path: str) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        waiting = [path]
        while waiting:
            at = waiting.pop()
            if at in self._descriptors:
                found.append((self._descriptors[at], at))
            waiting += self._inside.get(at, ())
        return found

    def announce(self, path: str) -> Change:
        """Return that a scan has found something new, of which an event is on its way as well."""
        self._announced.add(path)
        return Change("created", path)

    def settle(self) -> None:
        """Take note that every event of this moment has been seen: what was announced before it comes no more."""
        self._announced, self._announced_before = set(), self._announced

    def below(self, path: str) -> list[int]:
        """Return the descriptors of a directory that has gone, and of those in it, and forget them."""
        gone = [wd for wd, _ in self._at_and_below(path)]
        for wd in gone:
            self._forget(wd)
        return gone

    def _leave(self, path: str, dest: str | None = None) -> list[str]:
        """Forget what is remembered by name at and below a path, or remember it by its new name.

        Returns the new names of directories that nobody could look into.
        """
        left: list[str] = []
        for names in (self._announced, self._announced_before, self._missed):
            found = [name for name in names if name == path or name.startswith(f"{path}/")]
            names.difference_update(found)
            left = [dest + name[len(path) :] for name in found] if dest is not None else []
            names.update(left)
        return left

    def lose_root(self) -> Iterator[Change]:
        """Yield that the root is gone; once."""
        if not self.root_is_gone:
            self.root_is_gone = True
            yield Change("removed", "")

    def changes(self, events: Iterable[Raw]) -> Iterator[Change]:
        """Yield what events mean, a move as one."""
        leaving: tuple[Raw, str] | None = None
        for event in events:
            if leaving is not None:
                origin, path = leaving
                leaving = None
                if event.mask & MOVED_TO and event.cookie == origin.cookie and event.wd in self._paths:
                    if is_hidden(origin.name):
                        # Content of our own has taken its place.
                        yield from self._put(event, replaces=is_replacing(origin.name))
                        continue
                    yield self._moved(path, self._path(event), is_directory=bool(event.mask & IS_DIRECTORY))
                    continue
                yield from self._gone(origin, path)
            if event.mask & MOVED_FROM and event.wd in self._paths:
                leaving = event, self._path(event)
            elif not is_hidden(event.name):
                yield from self._change(event)
        if leaving is not None:
            yield from self._gone(*leaving)

    def _gone(self, event: Raw, path: str) -> Iterator[Change]:
        if event.mask & IS_DIRECTORY:
            self._leave(path)
        self._was_announced(path)
        if not is_hidden(event.name):
            yield Change("removed", path)

    def _put(self, event: Raw, *, replaces: bool) -> Iterator[Change]:
        if replaces:
            yield Change("modified", self._path(event))
        else:
            yield from self._change(event)

    def _moved(self, path: str, dest: str, *, is_directory: bool) -> Change:
        # What had these names is not what has them now.
        self._was_announced(path)
        self._was_announced(dest)
        if not is_directory:
            return Change("moved", path, dest)
        moved = self._at_and_below(path)
        told = [wd in self._told for wd, _ in moved]
        for wd, _ in moved:
            self._forget(wd)
        for (wd, at), tells in zip(moved, told, strict=True):
            self.look(wd, dest + at[len(path) :], tells=tells)
        # One that has moved before anybody could look into it is still to be looked into, and what is so below it.
        missed = self._leave(path, dest)
        return Change("moved", path, dest, entered=tuple(sorted({*missed, *(() if moved else (dest,))})))

    def _change(self, event: Raw) -> Iterator[Change]:
        mask = event.mask
        if mask & OVERFLOW:
            yield Change("overflow")
        elif mask & IGNORED:
            self._forget(event.wd)
        elif event.wd not in self._paths:
            return
        elif mask & (DELETE_SELF | MOVE_SELF):
            # Of every other directory the one above tells.
            if not self._paths[event.wd]:
                yield from self.lose_root()
        else:
            yield from self._of_entry(mask, self._path(event))

    def _of_entry(self, mask: int, path: str) -> Iterator[Change]:
        is_directory = bool(mask & IS_DIRECTORY)
        if mask & (CREATE | MOVED_TO):
            if not self._was_announced(path):
                yield Change("created", path, entered=(path,) if is_directory else ())
        elif mask & DELETE:
            self._was_announced(path)
            self._missed.discard(path)
            yield Change("removed", path)
        elif mask & (MODIFY | ATTRIB):
            # Perhaps it may be opened now.
            yield Change("modified", path, entered=(path,) if path in self._missed else ())

    def _was_announced(self, path: str) -> bool:
        announced = path in self._announced or path in self._announced_before
        self._announced.discard(path)
        self._announced_before.discard(path)
        return announced

    def _path(self, event: Raw) -> str:
        above = self._paths[event.wd]
        return f"{above}/{event.name}" if above and event.name else above or event.name


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def without_repeats(changes: Iterable[Change]) -> Iterator[Change]:
    """Leave out what says the same of a path as the last change of it: a program writes a file in many steps."""
    last: dict[str, Change] = {}
    for change in changes:
        if change.type == "modified" and (before := last.get(change.path)) and before.type in ("modified", "created"):
            continue
        last[change.path] = change
        if change.dest:
            last.pop(change.dest, None)
        yield change
