"""Limits of single runs: what a request asks for becomes a control group, which goes when nobody is left in it."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from execd.errors import InternalFault, NotSupported
from execd.process.groups import Controller, Files, Kernel, Place, RunGroup
from execd.process.homes import Home
from execd.process.members import family

FIELDS: Final[dict[Controller, str]] = {"memory": "memory_limit_bytes", "pids": "pids_limit"}
TIDY_S: Final = 2.0
TIDY_AT_MOST_S: Final = 60.0
"""After how long groups in which survivors live are tried again: twice as long each time, up to this."""
CLOSE_S: Final = 0.5
_RETRY_S: Final = 0.01
_CANNOT: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EBUSY, errno.EOPNOTSUPP})
"""Refusals that say what the system does not allow, and not what it lacks at this moment."""


class Limits:
    """Makes groups for runs.

    `places` tells the daemon's own groups when they are wanted first. `note` is told of every directory that somebody
    has to remove when the daemon cannot. `root` is the process below which all that is started remains.
    """

    def __init__(
        self,
        places: Callable[[], Mapping[Controller, Place]],
        *,
        note: Callable[[str], None] = lambda _: None,
        root: int | None = None,
        files: Files | None = None,
    ) -> None:
        # Only once: what makes way for groups below its own is in another one afterwards.
        self._places = cache(places)
        self._note = note
        self._files: Files = files or Kernel()
        self._family = lambda: family(root)
        self._name = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._homes: dict[str, Home] = {}
        self._numbers = itertools.count(1)
        self._live: set[RunGroup] = set()
        self._left: set[RunGroup] = set()
        """Groups whose runs have ended, with somebody still in them."""
        self._past_kills = 0
        self._timer: asyncio.TimerHandle | None = None

    def group(self, *, memory_bytes: int | None, pids: int | None) -> RunGroup | None:
        """Return a new group with these limits, None without any.

        Raises `NotSupported`, which names what is missing, where the system does not let the daemon make one.
        """
        asked: dict[Controller, int | None] = {"memory": memory_bytes, "pids": pids}
        limits = {controller: limit for controller, limit in asked.items() if limit is not None}
        if not limits:
            return None
        number = next(self._numbers)
        places = {controller: self._place(controller, number) for controller in limits}
        group = RunGroup(self._files, places, released=self._release)
        try:
            group.set_up(limits)
        except OSError as refusal:
            raise _refused(" and ".join(FIELDS[controller] for controller in limits), refusal) from refusal
        self._live.add(group)
        return group

    def left_by(self, run_id: str) -> RunGroup | None:
        """Return the group of a run that has ended, if somebody may still be in it."""
        return next((group for group in self._left if group.run_id == run_id), None)

    def kills(self) -> int:
        """Return how many processes have been killed for want of memory in groups of runs so far."""
        return self._past_kills + sum(group.kills() for group in (*self._live, *self._left))

    def elsewhere(self, total: Callable[[], int]) -> Callable[[], int]:
        """Return what counts the kills of `total` without those in groups of runs, which it counts too."""
        return lambda: total() - self.kills()

    async def close(self) -> None:
        """Remove every group, as soon as those who were killed in them have gone; whose group will not go is left."""
        self._left |= self._live
        self._live.clear()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CLOSE_S
        while self._remove_empty() and loop.time() < deadline:  # noqa: ASYNC110 - no event tells of the last exit
            await asyncio.sleep(_RETRY_S)
        if self._timer is not None:
            self._timer.cancel()
        for home in self._homes.values():
            home.close()

    def _place(self, controller: Controller, number: int) -> Place:
        field = FIELDS[controller]
        try:
            home = self._home(controller)
            home.serve(controller)
        except NotSupported as missing:
            raise NotSupported(f"{field}: {missing.message}", details={"field": field}) from missing
        except OSError as refusal:
            raise _refused(field, refusal) from refusal
        return Place(home.place.version, f"{home.place.directory}/{number}")

    def _home(self, controller: Controller) -> Home:
        place = self._places().get(controller)
        if place is None:
            raise NotSupported(f"there is no control group for {controller} here")
        home = self._homes.get(place.directory)
        if home is None or not home.is_there:  # Somebody may have cleared away what is ours.
            home = Home(self._files, place, name=self._name, family=self._family)
            home.open()
            self._note(home.place.directory)
            self._homes[place.directory] = home
        return home

    # ── after the run ────────────────────────────────────────────────────────────────────────────────────────────────

    def _release(self, group: RunGroup) -> None:
        self._live.discard(group)
        if self._remove(group):
            self._left.discard(group)
            return
        self._left.add(group)
        if self._timer is not None:
            self._timer.cancel()
        self._tidy_in(TIDY_S)

    def _tidy_in(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._tidy, min(2 * delay_s, TIDY_AT_MOST_S))

    def _tidy(self, next_delay_s: float) -> None:
        self._timer = None
        if self._remove_empty():
            self._tidy_in(next_delay_s)

    def _remove_empty(self) -> bool:
        """Remove those that nobody is in; return whether some are left."""
        self._left -= {group for group in self._left if self._remove(group)}
        return bool(self._left)

    def _remove(self, group: RunGroup) -> bool:
        kills = group.kills()
        if not group.remove():
            return False
        self._past_kills += kills
        return True


def _refused(field: str, refusal: OSError) -> NotSupported | InternalFault:
    where = f": {os.fsdecode(refusal.filename)}" if refusal.filename else ""
    words = f"{field}: the daemon cannot make a control group: {refusal.strerror}{where}"
    if refusal.errno in _CANNOT:
        return NotSupported(words, details={"field": field})
    return InternalFault(words)
