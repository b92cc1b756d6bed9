"""Ends everyone that a child has started, its group and whoever carries its mark, when the child itself has gone."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from execd.process.child import Child
from execd.process.groups import RunGroup
from execd.process.members import look
from execd.process.sweep import Survey, Sweep, end_processes

_log: Final = logging.getLogger("execd.process")
_ROUNDS: Final = 20


async def clear(child: Child, mark: str, survey: Survey, *, grace_s: float) -> None:
    """Ask everyone to go, kill who stays longer than the grace, and return when nobody is left, or will not go.

    The child is not reaped yet: until then its number names nobody else's group.
    """
    gone = asyncio.Event()
    sweep = Sweep(child, mark, survey, gone=gone.set, failed=_failed(gone))
    sweep.watch()
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            sweep.send(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await gone.wait()
                    return
    finally:
        sweep.close()


async def clear_group(group: RunGroup, *, grace_s: float) -> bool:
    """Do the same with who is in a control group whose run has ended by itself; return whether anybody was."""
    found = False
    for _ in range(_ROUNDS):
        members = [process for pid in group.members() if (process := look(pid)) and process.lives]
        if not members:
            break
        found = True
        group.seal()
        await end_processes(members, grace_s=grace_s)
    return found


def _failed(gone: asyncio.Event) -> Callable[[Exception], None]:
    def failed(error: Exception) -> None:
        _log.error("fault while what a child left was ended", exc_info=error)
        gone.set()

    return failed
