"""When the daemon ends, and how long it may take: asked by a signal, by a descriptor, or by a lease that ran out."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

LAST_WORDS_S: Final = 3.0
"""Beside `kill_grace_ms`: how long clients may take to receive the end of their streams."""
LAST_CALL_S: Final = 5.0
"""How long a lease that has run out may still be renewed, at most."""
STUCK_RUNS_S: Final = 10.0
"""How long after that a run that does not end is waited for; the guard ends what is left of it."""
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_log: Final = logging.getLogger("execd")


class Ending:
    """The one request to end, from whatever side it comes first."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def ask(self, reason: str) -> None:
        """Ask the daemon to end; later requests change nothing."""
        if not self._asked.is_set():
            _log.info("ending", extra={"reason": reason})
            self._asked.set()

    async def asked(self) -> None:
        """Return when somebody has asked."""
        await self._asked.wait()

    def watch_signals(self) -> None:
        """Take SIGTERM, SIGINT and (unless it is ignored, as under nohup) SIGHUP as requests, pending ones too."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP:
                loop.add_signal_handler(number, self.ask, number.name)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def watch_descriptor(self, descriptor: int, reason: str) -> None:
        """Take a descriptor's becoming readable (a closed pipe, the pidfd of a process that has ended) as a request."""
        loop = asyncio.get_running_loop()

        def readable() -> None:
            loop.remove_reader(descriptor)
            self.ask(reason)

        loop.add_reader(descriptor, readable)

    def watch_lease(self, idle_s: Callable[[], float], lease_s: float) -> None:
        """Ask when nothing has been asked of the daemon for `lease_s` seconds, and nothing comes at the last call.

        A container that was paused wakes up with its lease run out, and with the requests that kept it still unread.
        """
        self._look_at_lease(idle_s, lease_s, is_last_call=False)

    def _look_at_lease(self, idle_s: Callable[[], float], lease_s: float, *, is_last_call: bool) -> None:
        left = lease_s - idle_s()
        if left <= 0 and is_last_call:
            self.ask("lease")
            return
        wait = left if left > 0 else min(lease_s / 4, LAST_CALL_S)
        again = partial(self._look_at_lease, idle_s, lease_s, is_last_call=left <= 0)
        asyncio.get_running_loop().call_later(wait, again)


async def end(close: Callable[[], Awaitable[object]], *, kill_grace_s: float, leave: Callable[[], None]) -> None:
    """End every run by `close`, and see to it that `leave` is called in time whatever clients do.

    The time runs from now: `kill_grace_s` for the programs and `LAST_WORDS_S` for the clients; a client that does not
    read, or sends half a request, would keep the server waiting for ever.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + kill_grace_s + LAST_WORDS_S
    with suppress(TimeoutError):
        async with asyncio.timeout_at(deadline + STUCK_RUNS_S):
            await close()
    loop.call_at(deadline, leave)
