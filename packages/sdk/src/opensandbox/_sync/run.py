# Generated from packages/sdk/src/opensandbox/_async/run.py by tools/unasync.py; do not edit.
"""One run as it is read, and what must happen when somebody stops reading it.

Whoever started the run and leaves before its end interrupts it in the sandbox: nothing keeps running unseen.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Generator, Callable
from contextlib import closing
from functools import partial
from typing import Any, Final, Generic

from opensandbox._acompat import Work, finish, sleep, spawn, together
from opensandbox._core.request import E
from opensandbox.exceptions import NotFoundException, SandboxException
from opensandbox.transport import SyncTransport, Received, Request, StreamRequest

_INIT_WITHIN_S: Final = 2.0
"""How long a cancelled start may take to become a run that can be interrupted."""
_POLL_S: Final = 0.05
_TERMINAL: Final = frozenset({"execution_complete", "error"})


class SyncRuns:
    """What is read of one sandbox's runs at this moment; `sandbox.runs` is the instance."""

    def __init__(self, transport: SyncTransport) -> None:
        self._transport = transport
        self._live: set[SyncRun[Any]] = set()

    def open(self, request: StreamRequest[E], *, interrupt: Callable[[str], Request] | None = None) -> SyncRun[E]:
        """Return a run to be read.

        `interrupt` makes the request that stops it by its id; without that the run is left alone.
        """
        return SyncRun(self._transport, request, live=self._live, interrupt=interrupt)

    def close(self) -> None:
        """Interrupt what was started here and still goes on, all at once."""
        together([run.close for run in list(self._live)])


class SyncRun(Generic[E]):
    """The events of one run, read once."""

    def __init__(
        self,
        transport: SyncTransport,
        request: StreamRequest[E],
        *,
        live: set[SyncRun[Any]],
        interrupt: Callable[[str], Request] | None,
    ) -> None:
        self.execution_id: str = request.execution_id or ""
        """Empty until the daemon has told it, where only the daemon can."""
        self.is_over: bool = False
        """Nobody reads it any more."""
        self._transport = transport
        self._request = request
        self._live = live
        self._interrupt_request = interrupt
        self._reading: weakref.ref[Generator[list[E], None]] | None = None
        self._is_read = False
        self._has_begun = False
        self._has_ended = False
        self._is_stopped = False

    def batches(self, *, beside: Work | None = None) -> Generator[list[E], None]:
        """Start the run and yield its events as they come, until the terminal one.

        `beside` is work that goes on meanwhile, from the first event to the last. Whatever ends the reading early (an
        exception, a cancellation, a loop that is left) interrupts the run first.
        """
        reading = self._read(beside)
        # Weak: a bare loop that is left drops its iterator, and only then can the iterator tell.
        self._reading = weakref.ref(reading)
        return reading

    def begin(self, *, then: Work | None = None) -> None:
        """Start the run, do what else belongs to the start, and let it go on unread.

        Whoever leaves in the middle never learns of it, so it is interrupted.
        """
        try:
            finish(self._begin, grace=_INIT_WITHIN_S)
            if then is not None:
                then()
        except SandboxException:
            raise
        except BaseException:
            finish(self.interrupt, grace=_INIT_WITHIN_S)
            raise

    def _begin(self) -> None:
        with closing(self._transport.stream(self._request)) as batches:
            for batch in batches:
                self._take(batch)
                # It is there. What is left to come is the end of the start, and not worth a resumed connection: that
                # would follow the run itself.
                if self._has_begun and not self._has_ended:
                    break

    def close(self) -> None:
        """Interrupt the run if it is ours and still goes on, and wait briefly for that."""
        reading = None if self._reading is None else self._reading()
        try:
            if reading is not None:
                reading.close()
        except (RuntimeError, ValueError):
            pass  # it is being read, or closed, by somebody else at this moment
        if self._is_read:
            self._stop()

    def _read(self, beside: Work | None) -> Generator[list[E], None]:
        if self._is_read:
            raise RuntimeError("a run can be read once")
        self._is_read = True
        self._live.add(self)
        spawned = None
        events = self._transport.stream(self._request)
        try:
            yield finish(partial(self._first, events), grace=_INIT_WITHIN_S)
            if beside is not None:
                spawned = spawn(beside)
            for batch in events:
                yield self._take(batch)
        except BaseException as fault:
            try:
                events.close()
            finally:
                # A refused start has nothing to stop; any other exception may leave a run behind.
                if self._has_begun or not isinstance(fault, SandboxException):
                    self._stop()
            raise
        finally:
            self.is_over = True
            if spawned is not None:
                spawned.close()
            self._live.discard(self)

    def _first(self, batches: Generator[list[Received[E]], None]) -> list[E]:
        """Read on until the run is known to exist: an interrupt that overtakes the start finds nothing."""
        events: list[E] = []
        for batch in batches:
            events += self._take(batch)
            if self._has_begun:
                break
        return events

    def _take(self, batch: list[Received[E]]) -> list[E]:
        for _, event in batch:
            self._has_begun = True
            kind = event.__struct_config__.tag
            if kind == "init":
                self.execution_id = getattr(event, "text", "")
            self._has_ended = kind in _TERMINAL
        return [event for _, event in batch]

    def _stop(self) -> None:
        if self._interrupt_request is not None and not self._is_stopped and not self._has_ended:
            finish(self.interrupt, grace=_INIT_WITHIN_S)

    def interrupt(self) -> None:
        """Interrupt the run; one that is not there yet may be on its way."""
        give_up = time.monotonic() + _INIT_WITHIN_S
        while self._interrupt_request is not None and self.execution_id:
            try:
                self._transport.send(self._interrupt_request(self.execution_id))
            except NotFoundException:
                if not self._has_begun and time.monotonic() < give_up:
                    sleep(_POLL_S)
                    continue
            except (SandboxException, ValueError):
                return  # it cannot be reached, or the sandbox is closed; the daemon ends it when its grace is over
            self._is_stopped = True
            return
