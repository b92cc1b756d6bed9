"""One watcher's stream of samples: stateless, without numbers, until the watcher leaves or the daemon goes down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from execd._wire import MetricsEvent
from execd.metrics.sampler import Sampler
from execd.runs.ends import End, Totals, terminal_event
from execd.runs.feed import Feed
from execd.runs.sse import control_frame, encode

_GOING_DOWN: Final = "the daemon is going down"
_END: Final = End(
    cause="shutting_down", code="SHUTTING_DOWN", ename="ShuttingDown", evalue=_GOING_DOWN, traceback=(_GOING_DOWN,)
)


class Watch:
    """Samples at an interval, as frames; to be made, used and closed in the event loop."""

    def __init__(self, sampler: Sampler, *, interval_s: float, now_ms: Callable[[], int]) -> None:
        self._sampler = sampler
        self._interval_s = interval_s
        self._now_ms = now_ms
        self._began_ms = now_ms()
        self._sent_s: float | None = None
        self._feed = Feed()
        self._loop = asyncio.get_running_loop()
        self.done = False
        sampler.watch(self._on_sample, interval_s=interval_s)

    def _on_sample(self) -> None:
        # In the sampler's thread. A loop that is closed has no more readers.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._feed.wake)

    @property
    def _ready(self) -> bool:
        # Half a period of patience: samples do not come by this watcher's clock.
        due_s = 0.0 if self._sent_s is None else self._sent_s + self._interval_s - self._sampler.period_s / 2
        return self._sampler.closed or self._sampler.latest_s >= due_s

    def take(self, max_bytes: int = 0) -> bytes:
        """Return the frame of the newest sample when it is time for one, else b""; one frame is one sample."""
        if self._sampler.closed and not self.done:
            self.done = True
            return control_frame(None, encode(self._end()))
        if self.done or not self._ready:
            return b""
        self._sent_s = self._sampler.latest_s if self._sent_s is not None else time.monotonic()
        return control_frame(None, msgspec.json.encode(MetricsEvent(**msgspec.structs.asdict(self._sampler.latest))))

    def _end(self) -> dict[str, object]:
        now_ms = self._now_ms()
        totals = Totals(
            execution_time_ms=now_ms - self._began_ms,
            stdout_bytes=0,
            stderr_bytes=0,
            truncated=False,
            timestamp_ms=now_ms,
        )
        return terminal_event(_END, totals)

    async def wait(self, timeout_s: float) -> bool:
        """Return True when `take` has something, False when the time is over first."""
        deadline_s = time.monotonic() + timeout_s
        while not self._ready:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            await self._feed.wait(left_s)
        return True

    def close(self) -> None:
        """Stop watching."""
        self._sampler.leave(self._on_sample)
