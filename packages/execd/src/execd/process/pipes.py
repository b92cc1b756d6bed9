"""The pipes of one run: its output into the store, at the pace of its readers, and its standard input."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from execd.errors import StdinClosed
from execd.process.child import Child
from execd.process.pump import Pump, Stdin
from execd.runs.run import Run
from execd.runs.sse import Stream

_STREAMS: Final[tuple[Stream, Stream]] = ("stdout", "stderr")


class Pipes:
    """Reads both outputs of a child; `ended` is called when both have ended, `failed` with what goes wrong."""

    def __init__(
        self, child: Child, run: Run, *, ended: Callable[[], None], failed: Callable[[Exception], None]
    ) -> None:
        self._run = run
        self._ended = ended
        self._failed = failed
        self._open = 2
        self._holding: asyncio.Task[None] | None = None
        self._pumps = (self._pump(child.stdout, _STREAMS[0]), self._pump(child.stderr, _STREAMS[1]))
        self._stdin = None if child.stdin is None else Stdin(child.stdin)

    @property
    def stdin(self) -> Stdin:
        """The writing end of standard input; raises `StdinClosed` where there is none."""
        if self._stdin is None:
            raise StdinClosed("the execution was started without standard input")
        return self._stdin

    def flush(self) -> None:
        """Take what is in the pipes at this moment."""
        for pump in self._pumps:
            pump.flush()

    def discard(self) -> None:
        """Go on reading until nobody writes: for nobody, or for the log of a background run."""
        if not self._run.policy.background:
            for pump in self._pumps:
                pump.discard()
            return
        self._run.late_open = any(pump.open for pump in self._pumps)
        for pump, stream in zip(self._pumps, _STREAMS, strict=True):
            pump.divert(partial(self._keep, stream), ended=self._late_ended)

    def _keep(self, stream: Stream, data: bytes) -> bool:
        self._run.write_late(stream, data)
        return True

    def _late_ended(self) -> None:
        self._run.late_open = any(pump.open for pump in self._pumps)

    def close_stdin(self) -> None:
        """End standard input, if it is open."""
        if self._stdin is not None:
            self._stdin.close()

    def _pump(self, descriptor: int, stream: Stream) -> Pump:
        run = self._run

        def deliver(data: bytes) -> bool:
            run.write(stream, data)
            if run.held:
                self._hold()
            return not run.held

        return Pump(descriptor, deliver=deliver, ended=self._one_ended, failed=self._failed)

    def _one_ended(self) -> None:
        self._open -= 1
        if not self._open:
            self._ended()

    def _hold(self) -> None:
        if self._holding is None:
            self._holding = asyncio.get_running_loop().create_task(self._resume_in_time())

    async def _resume_in_time(self) -> None:
        try:
            await self._run.room()
            self._holding = None
            for pump in self._pumps:
                pump.resume()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this run and of no other
            self._failed(error)
