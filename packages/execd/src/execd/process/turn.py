"""One run of a session while it waits, runs and ends: what others can do to it, and what its end is."""

from __future__ import annotations

import signal
from collections.abc import Callable

from execd.errors import InvalidRequestBody, StdinClosed
from execd.process.ends import ending
from execd.process.shell import Shell
from execd.process.states import Exit
from execd.runs.run import Run


class Turn:
    """One run of a session: its `Control`."""

    def __init__(self, run: Run, text: str, *, timeout_s: float, news: Callable[[], None]) -> None:
        self.run = run
        self.text = text
        self.timeout_s = timeout_s
        self.cause = ""
        """Why we end it, if we do."""
        self.asked: set[str] = set()
        self.shell: Shell | None = None
        """Where it runs; None while it waits for its turn."""
        self._news = news

    def stop(self, cause: str) -> None:
        """End the run; one that waits for its turn ends at once."""
        if self.cause or self.run.end is not None or self.is_over:
            return
        self.cause = cause
        if self.shell is None:
            self.finish(None)
        else:
            self._news()

    @property
    def is_stopping(self) -> bool:
        """Whether somebody has asked for its end."""
        return bool(self.cause or self.asked)

    @property
    def is_over(self) -> bool:
        """Whether its shell has told its end, or is gone."""
        return self.shell is not None and (self.run.id in self.shell.ended or self.shell.exit is not None)

    def send_signal(self, name: str) -> None:
        """Send a signal by name to the shell and what it runs."""
        if name not in signal.Signals.__members__:
            raise InvalidRequestBody(f"signal: there is no signal {name[:32]!r}", details={"field": "signal"})
        if self.shell is not None and self.shell.exit is None:
            self.asked.add(name)
            self.shell.send_signal(signal.Signals[name])

    async def write_stdin(self, data: bytes) -> None:
        """Refuse: commands of a session have no input."""
        raise StdinClosed("runs of a session have no standard input")

    def close_stdin(self) -> None:
        """Refuse: commands of a session have no input."""
        raise StdinClosed("runs of a session have no standard input")

    def finish(self, exit_: Exit | None) -> None:
        """Write the end."""
        self.run.control = None
        self.run.finish(ending(self._verdict(exit_), exit_))

    def _verdict(self, exit_: Exit | None) -> str:
        if self.cause or exit_ is None:
            return self.cause or "internal_error"
        if exit_.signal is None:
            # A shell that is asked to interrupt its command does not die of it.
            asked = {128 + signal.Signals[name] for name in self.asked}
            return "interrupted" if exit_.code in asked else "exited"
        if exit_.signal in self.asked:
            return "interrupted"
        return "out_of_memory" if exit_.memory_kill else "signaled"
