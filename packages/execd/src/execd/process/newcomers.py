"""Who was started below a child since a moment: found and ended, and nobody else that carries its mark."""

from __future__ import annotations

import os
import time
from typing import Final

from execd.process.child import Child
from execd.process.members import children
from execd.process.sweep import Survey, end_processes

GRACE_S: Final = 0.5
"""How long they may take to go when asked."""


class Newcomers:
    """Those who come after this is made."""

    def __init__(self, child: Child, mark: str, survey: Survey) -> None:
        self._child = child
        self._mark = mark
        self._survey = survey
        # The table tells starts in hundredths of a second: of those close before only the children are known.
        self._since, self._before = _now_ticks(), children(child.pid)

    async def end(self) -> None:
        """Ask them to go, kill who stays, and return when they are gone, or will not go."""
        census = await self._survey.census()
        found = census.newcomers(self._child.pid, self._mark, since=self._since, before=self._before)
        await end_processes(found, grace_s=GRACE_S)


def _now_ticks() -> int:
    """Return this moment as the process table tells it."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))
