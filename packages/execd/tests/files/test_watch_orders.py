"""Whatever is done between any two steps of a watch, it tells of everything that is there in the end.

The watch looks into directories while others make, move and remove them. Here one thread does both: before each step of
a look (a directory is opened, watched, listed) as many of the changes are made as the example says.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st
from inotify_simple import INotify  # type: ignore[import-untyped]

from execd.files.changed import Change
from execd.files.watch import Watch

Step = tuple[str, ...]
PATHS = ["a", "b", "a/a", "a/b", "b/a", "b/b", "a/a/a", "a/b/a", "b/a/b"]
ORIGINALS = os.open, os.scandir, INotify.add_watch

paths = st.sampled_from(PATHS)
steps = st.one_of(
    st.tuples(st.just("mkdir"), paths),
    st.tuples(st.just("touch"), paths),
    st.tuples(st.just("rename"), paths, paths),
    st.tuples(st.just("remove"), paths),
)


class World:
    """A directory, what is still to be done in it, and when."""

    def __init__(self, root: Path, todo: list[Step], turns: list[int]) -> None:
        self.root = root
        self.births: Counter[str] = Counter()
        """How often something has come to have a name."""
        self._had: dict[str, int] = {}
        self._todo = iter(todo)
        self._turns = iter(turns)
        self._busy = False

    def some(self) -> None:
        """Do as much as there is for this moment."""
        if not self._busy:
            self.do(next(self._turns, 0))

    def do(self, times: int) -> bool:
        """Do so many steps, and return whether there was one."""
        self._busy = True
        taken = list(islice(self._todo, times))
        for step in taken:
            with suppress(OSError):
                self._take(*step)
            has = {path: os.lstat(self.root / path).st_ino for path in self.there()}
            self.births.update(path for path, inode in has.items() if self._had.get(path) != inode)
            self._had = has
        self._busy = False
        return bool(taken)

    def _take(self, what: str, *names: str) -> None:
        at = [self.root / name for name in names]
        if what == "mkdir":
            at[0].mkdir(parents=True)
        elif what == "touch":
            at[0].parent.mkdir(parents=True, exist_ok=True)
            at[0].touch()
        elif what == "rename":
            at[0].rename(at[1])
        elif at[0].is_dir():
            shutil.rmtree(at[0])
        else:
            at[0].unlink()

    def there(self) -> set[str]:
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*")}


@contextmanager
def between(some: Callable[[], None]) -> Iterator[None]:
    """Call something before each step of a look."""
    opening, scanning, watching = ORIGINALS

    def open_(*given: object, **named: object) -> int:
        some()
        return opening(*given, **named)  # type: ignore[arg-type]

    def scandir(*given: object) -> object:
        some()
        return scanning(*given)  # type: ignore[call-overload]

    def add_watch(*given: object) -> object:
        some()
        return watching(*given)

    with (
        patch("os.open", open_),
        patch("os.scandir", scandir),
        patch.object(INotify, "add_watch", add_watch),
        # Both halves of a move are always there.
        patch("execd.files.watch._HALF_A_MOVE_MS", 0),
    ):
        yield


class Mirror:
    """What somebody knows who has only been told."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.again: Counter[str] = Counter()
        """How often something was told to be new of which nothing else was told since."""

    def take(self, changes: list[Change]) -> None:
        for change in changes:
            if change.type == "created":
                self.again[change.path] += change.path in self.known
                self.known.add(change.path)
            elif change.type == "removed":
                self.known -= self._below(change.path)
            elif change.type == "moved":
                moved = self._below(change.path)
                self.known -= moved
                self.known |= {change.dest + path[len(change.path) :] for path in moved} | {change.dest}
            else:
                assert change.type == "modified"

    def _below(self, path: str) -> set[str]:
        return {known for known in self.known if known == path or known.startswith(f"{path}/")}


def told(watch: Watch) -> list[Change]:
    """Return everything that is told until there is rest."""
    found: list[Change] = []
    while changes := watch.changes():
        found += changes
    return found


def hold_to_the_law(todo: list[Step], turns: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        world, mirror = World(Path(name), todo, turns), Mirror()
        watch = Watch(name, recursive=True)
        try:
            with between(world.some):
                while world.do(1):
                    mirror.take(watch.changes())
                mirror.take(told(watch))
            there = world.there()
            assert there <= mirror.known, f"not told: {there - mirror.known}"
            often = {path: again for path, again in mirror.again.items() if again >= max(world.births[path], 1)}
            assert not often, f"told more often than it came to be: {often}"
            # And every directory is watched, by the name that it has.
            probes = {f"{path}/probe" for path in there if os.path.isdir(f"{name}/{path}")} | {"probe"}
            for probe in probes:
                Path(name, probe).touch()
            assert probes == {change.path for change in told(watch) if change.type == "created"}
        finally:
            watch.close()


@example([("mkdir", "a"), ("touch", "a/a/a"), ("rename", "a", "b")], [0, 0, 0, 1])
@example([("mkdir", "a"), ("rename", "a", "b"), ("mkdir", "a"), ("touch", "b/a")], [2])
@example([("mkdir", "a/a"), ("mkdir", "b/a/b"), ("rename", "b/a", "a/a")], [0, 0, 0, 0, 1])
@given(st.lists(steps, max_size=12), st.lists(st.integers(0, 3), max_size=30))
def test_everything_that_is_there_in_the_end_was_told(todo: list[Step], turns: list[int]) -> None:
    hold_to_the_law(todo, turns)
