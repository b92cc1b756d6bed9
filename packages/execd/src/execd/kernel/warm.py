"""A kernel that is up and waits for a context, and what it takes to become that one's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from execd.kernel.anykernel import Listener
from execd.kernel.execution import Death
from execd.kernel.kernel import Kernel
from execd.kernel.launch import Launch
from execd.kernel.messages import Message
from execd.kernel.weight import FIRST, score, set_score

MARK: Final = "EXECD_EXECUTION_ID"
"""The variable by which everyone of a context is found again; `adopt_python` knows it, too."""
ADOPTION_S: Final = 2.0
"""How long a kernel that is up may take to adopt; one that was stopped never does."""


def changes(
    before: Mapping[str, str], after: Mapping[str, str], *, fixed: Sequence[str]
) -> dict[str, str | None] | None:
    """Return which variables have to be set (None: removed); None where one of them cannot be.

    >>> changes({"A": "1", "B": "2"}, {"A": "1", "C": "3"}, fixed=["LD_*"])
    {'B': None, 'C': '3'}
    >>> changes({}, {"LD_PRELOAD": "x.so"}, fixed=["LD_*"])
    """
    names = {name for name, _ in before.items() ^ after.items()}
    if any(fnmatchcase(name, pattern) for name in names for pattern in fixed):
        return None
    return {name: after.get(name) for name in sorted(names)}


class Warm:
    """One of these; `gone` is called when it dies before somebody has it."""

    kernel: Kernel

    def __init__(self, launch: Launch, gone: Callable[[Warm], None]) -> None:
        self.launch = launch
        self._gone = gone

    async def start(self) -> None:
        """Return when it is up; raises `KernelFailed`."""
        self.kernel = await Kernel.start(self.launch, self)
        self._score = score(self.kernel.spawned.pid)

    async def make_ready(self) -> str | None:
        """Return when it can wait, or why it cannot; while it waits it is the first to go when memory runs out."""
        refusal = await self.kernel.adopt(None, within_s=ADOPTION_S)
        set_score(self.kernel.spawned.pid, FIRST)
        return refusal

    async def hand_over(self, wanted: Launch, listener: Listener, *, fixed: Sequence[str]) -> str | None:
        """Become the kernel that is wanted, or return why it cannot."""
        variables = changes(self.launch.environment, wanted.environment, fixed=fixed)
        if variables is None:
            return "it has other variables"
        mark = wanted.environment[MARK]
        surroundings = {"directory": wanted.directory, "variables": variables, "mark": mark}
        refusal = await self.kernel.adopt(surroundings, within_s=ADOPTION_S)
        if refusal is None:
            set_score(self.kernel.spawned.pid, self._score)
            self.kernel.listen(listener)
        return refusal

    # ── the kernel speaks (kernel.Listener) ──────────────────────────────────────────────────────────────────────────

    def heard(self, message: Message) -> None:
        """Nothing that it says while it waits is for anybody."""

    async def room(self) -> None:
        """There is room for it."""

    def leaving(self) -> None:
        """It is missed when it has gone."""

    def died(self, death: Death) -> None:
        """Take note of that."""
        self._gone(self)
