"""The system's events, read as far as there are some, and what of them is still ahead of what was told. Sans-IO."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from execd.files.changed import CREATE, DELETE, MOVED_FROM, MOVED_TO, Raw

_LEAVES: Final = MOVED_FROM | DELETE
_COMES: Final = MOVED_TO | CREATE


class Ahead:
    """Events in their order, and which names the ones to come bring and take away.

    Who looks into a directory while events are still to be told finds what has its name by then, which may be another
    one than they speak of.
    """

    def __init__(self, read: Callable[[float], Iterable[Raw]]) -> None:
        """Take events from `read`, which waits up to so many milliseconds when there are none."""
        self._read = read
        self._events: deque[Raw] = deque()
        self._names: dict[int, Counter[tuple[int, str]]] = {_LEAVES: Counter(), _COMES: Counter()}

    def __bool__(self) -> bool:
        """Whether there are some that were read and not told."""
        return bool(self._events)

    def read(self, *, within_ms: float = 0) -> None:
        """Read what has come."""
        for event in self._read(within_ms):
            self._events.append(event)
            for kind, names in self._names.items():
                if event.mask & kind:
                    names[event.wd, event.name] += 1

    def take(self, most: int, *, other_half_ms: float) -> Iterator[Raw]:
        """Yield up to so many, those that are read meanwhile among them; for the rest of a move it waits so long."""
        while self._events and most > 0:
            event = self._events.popleft()
            most -= 1
            for kind, names in self._names.items():
                if event.mask & kind:
                    names[event.wd, event.name] -= 1
                    if not names[event.wd, event.name]:
                        del names[event.wd, event.name]
            if event.mask & MOVED_FROM:
                most += 1
                if not self._events:
                    self.read(within_ms=other_half_ms)
            yield event

    def leaves(self, wd: int | None, name: str) -> bool:
        """Whether an event to come says that this name has left the directory."""
        return wd is not None and (wd, name) in self._names[_LEAVES]

    def comes(self, wd: int | None, name: str) -> bool:
        """Whether an event to come says that this name has come into the directory."""
        return wd is not None and (wd, name) in self._names[_COMES]
