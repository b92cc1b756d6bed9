"""Runs one scenario's coroutines on a loop of its own, and ends them in time whatever they do.

Two limits: asyncio's own, which a scenario that waits obeys, and an alarm a little later for one that does not (it
blocks the loop, or waits again while it is being cancelled). Calls that block run in threads that nobody waits for.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

from execd_conformance.broken import Broken

T = TypeVar("T")

_ALARM_AFTER_S: Final = 5.0
_ALARM_AGAIN_S: Final = 2.0
"""What is interrupted once may wait for something else that does not come."""
_TIMES_IN_VAIN: Final = 5
_IMPATIENT_S: Final = 4.0


class Patience:
    """How long a daemon is waited for: less, once scenario after scenario has waited in vain.

    Against a daemon that hangs at everything the suite would else take the sum of all limits.
    """

    def __init__(self) -> None:
        self._in_vain = 0

    def limit(self, limit_s: float) -> float:
        """Return the limit that holds now, where this one is asked for."""
        return min(limit_s, _IMPATIENT_S) if self._in_vain >= _TIMES_IN_VAIN else limit_s

    def learn(self, *, waited_s: float, came: bool) -> None:
        """Take into account how long a scenario took, and whether anything came of it."""
        if came:
            self._in_vain = 0
        elif waited_s >= _IMPATIENT_S * 0.9:
            self._in_vain += 1


class Clock:
    """A loop for one scenario."""

    def __init__(self, patience: Patience) -> None:
        self._runner = asyncio.Runner()
        self._patience = patience

    def run(self, work: Coroutine[Any, Any, T], *, limit_s: float, what: str) -> T:
        """Run this to its end; `Broken` where it does not come in time."""
        limit_s = self._patience.limit(limit_s)
        with alarm(limit_s + _ALARM_AFTER_S, what=what):
            return self._runner.run(_within(work, limit_s, what))

    def close(self) -> None:
        """Cancel what is left, and close the loop."""
        with suppress(Broken), alarm(_ALARM_AFTER_S, what="the scenario's loop"):
            self._runner.close()


async def _within(work: Coroutine[Any, Any, T], limit_s: float, what: str) -> T:
    limit = asyncio.timeout(limit_s)
    try:
        async with limit:
            return await work
    except TimeoutError as fault:
        if not limit.expired():
            raise
        raise Broken(f"{what} was to end within {limit_s:g} s, and went on") from fault


@contextmanager
def alarm(after_s: float, *, what: str) -> Iterator[None]:
    """Raise `Broken` in the main thread after so long, and again, until the block is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: object) -> None:
        raise Broken(f"{what} was to end within {after_s:g} s, and could not be stopped")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, after_s, _ALARM_AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def in_thread(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a blocking call in a thread of its own; one that never returns holds up nothing but itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, fault: BaseException | None) -> None:
        if done.done():
            return
        if fault is not None:
            done.set_exception(fault)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result: T | None = None
        fault: BaseException | None = None
        try:
            result = call(*args, **kwargs)
        except StopIteration:
            fault = RuntimeError("a call raised StopIteration")
        except BaseException as raised:  # noqa: BLE001 - whoever waits is told
            fault = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, result, fault)

    threading.Thread(target=work, daemon=True).start()
    return await done
