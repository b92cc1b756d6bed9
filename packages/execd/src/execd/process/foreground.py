"""Interrupts what a live shell runs now, and nobody that an earlier run has left in the same group.

Jobs in the background ignore SIGINT, but one that was started a moment ago may not yet, nor have left the group as it
is about to; and a program can take SIGINT back.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Final

from execd.process.child import Child
from execd.process.members import Moment, Process, ignores, split_group

_INTERRUPT: Final = signal.SIGINT


class Foreground:
    """The shell and what it has started since the last `begin`."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.begin()

    def begin(self) -> None:
        """Take everyone who is there by now, but the shell, for an earlier run's."""
        self._since = Moment.now(self._child.pid)
        self._spares_nobody = False

    def interrupt(self) -> None:
        """Send SIGINT to the shell, and to those of its group who came since."""
        if self._spares_nobody:
            self._child.signal_group(_INTERRUPT)
            return
        earlier, later = split_group(self._child.pid, since=self._since)
        if all(ignores(process.pid, _INTERRUPT) for process in earlier):
            # At once, so that nobody slips through; whoever ignores it goes on doing so.
            self._spares_nobody = True
            self._child.signal_group(_INTERRUPT)
            return
        # The shell first: a program that died of SIGINT alone would be a failed command to it, and no interrupt.
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._child.pidfd, _INTERRUPT)
        for process in later:
            self._send(process)

    def _send(self, process: Process) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == self._child.pid:
                os.kill(process.pid, _INTERRUPT)
