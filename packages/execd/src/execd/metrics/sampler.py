"""The one sampler of the daemon: a thread that takes a sample again and again, for all who want to know.

It reads the system by its own clock, so an answer is there at once and costs nothing more however many ask. Who watches
may make it faster, within bounds.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from execd._wire import Metrics
from execd.metrics import figures
from execd.metrics.cgroup import Read, locate
from execd.metrics.figures import Host

PERIOD_S: Final = 1.0
SHORTEST_S: Final = 0.1
"""Also the first interval, so that there are figures early."""
_PIECE: Final = 64 * 1024

Listener = Callable[[], None]


class Sampler:
    """Takes samples from `start` to `close`; `latest` is the newest one, taken at `latest_s` of the monotonic clock."""

    def __init__(self, *, disk_path: str, root: str = "") -> None:
        self._read = reader(root)
        self._disk_path = disk_path
        self._groups = locate(self._read)
        self._watchers: dict[Listener, float] = {}
        self._changed = threading.Condition()
        self.closed = False
        self._before = figures.counters(self._groups, self._read, host=self._host(), at_ns=time.monotonic_ns())
        self._take()

    def start(self) -> None:
        """Begin to take samples in the background."""
        threading.Thread(target=self._work, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Take no more samples, and tell everyone who watches."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        self._tell()

    def watch(self, listener: Listener, *, interval_s: float) -> None:
        """Call `listener` after each sample, in a thread of the sampler's, and take one at least that often."""
        with self._changed:
            self._watchers[listener] = max(SHORTEST_S, interval_s)
            self._changed.notify_all()

    def leave(self, listener: Listener) -> None:
        """Call it no more; again is nothing."""
        with self._changed:
            self._watchers.pop(listener, None)

    def memory_kills(self) -> int:
        """Return how many processes have been killed for memory so far, at this moment."""
        return figures.kills(self._groups, self._read)

    @property
    def counts_below(self) -> bool:
        """Whether `memory_kills` counts what dies in groups below the daemon's too."""
        # Version 1 counts each group by itself; without a group of ours the whole system is counted.
        group = self._groups.get("memory")
        return group is None or group.version == 2

    @property
    def period_s(self) -> float:
        """Seconds between two samples, as those who watch want it now."""
        return min(PERIOD_S, *self._watchers.values(), PERIOD_S)

    def _work(self) -> None:
        self._rest(lambda: SHORTEST_S)
        while not self.closed:
            with suppress(OSError, ValueError):
                # A sample that fails is left out: the last one says when it was taken.
                self._take()
            self._tell()
            self._rest(lambda: self.period_s)

    def _rest(self, period_s: Callable[[], float]) -> None:
        began_s = time.monotonic()
        with self._changed:
            # A new watcher may shorten a rest that is under way.
            while not self.closed and (left := began_s + period_s() - time.monotonic()) > 0:
                self._changed.wait(left)

    def _tell(self) -> None:
        # Not under the lock, for which the event loop may be waiting too.
        with self._changed:
            listeners = list(self._watchers)
        for listener in listeners:
            listener()

    def _take(self) -> None:
        host = self._host()
        at_ns = time.monotonic_ns()
        now = figures.counters(self._groups, self._read, host=host, at_ns=at_ns)
        self.latest: Metrics = figures.metrics(
            self._groups,
            self._read,
            host=host,
            before=self._before,
            now=now,
            timestamp_ms=time.time_ns() // 1_000_000,
        )
        self.latest_s = at_ns / 1e9
        self._before = now

    def _host(self) -> Host:
        disk = os.statvfs(self._disk_path)
        return Host(
            processors=len(os.sched_getaffinity(0)),
            ticks_per_s=os.sysconf("SC_CLK_TCK"),
            disk_total=disk.f_blocks * disk.f_frsize,
            disk_used=(disk.f_blocks - disk.f_bfree) * disk.f_frsize,
        )


def reader(root: str) -> Read:
    """Return what reads the files of the system under `root` ("" for the true ones)."""

    def read(path: str) -> str | None:
        try:
            fd = os.open(root + path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            # To the end: many of these files give a page at a time.
            pieces = iter(lambda: os.read(fd, _PIECE), b"")
            return b"".join(pieces).decode("utf-8", "replace")
        except OSError:
            return None
        finally:
            os.close(fd)

    return read
