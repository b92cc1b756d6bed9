"""Who was started below a child since a moment: found and ended, and nobody else that carries its mark."""

from __future__ import annotations

from typing import Final

from execd.process.child import Child
from execd.process.members import Moment, children
from execd.process.sweep import Survey, end_processes

GRACE_S: Final = 0.5
"""How long they may take to go when asked."""


class Newcomers:
    """Those who come after this is made."""

    def __init__(self, child: Child, mark: str, survey: Survey) -> None:
        self._child = child
        self._mark = mark
        self._survey = survey
        self._since = Moment.now(child.pid)

    def are_waited_for(self) -> bool:
        """Return whether the child has children that it had not: what it waits for, most probably."""
        return not children(self._child.pid) <= self._since.children

    async def end(self, *, grace_s: float = GRACE_S) -> None:
        """Ask them to go, kill who stays, and return when they are gone, or will not go."""
        census = await self._survey.census()
        found = census.newcomers(self._child.pid, self._mark, since=self._since)
        await end_processes(found, grace_s=grace_s)
