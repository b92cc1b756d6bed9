"""Kernels of one language that are up before anybody asks: handed out, and replaced in the background.

Whatever goes wrong here, a context gets a kernel that is started for it alone: it is never refused one for that, and
never waits for one that is still being made ready.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from execd.errors import ExecdError
from execd.kernel.anykernel import KernelFailed, Listener
from execd.kernel.kernel import Kernel
from execd.kernel.launch import Launch
from execd.kernel.source import Source
from execd.kernel.spec import Adoptable
from execd.kernel.warm import Warm
from execd.kernel.weight import proportional_bytes

REFILL_AFTER_S: Final = 0.03
"""After a context has got its kernel: what it was wanted for comes first, but the next one may come soon."""
LOOK_S: Final = 1.0
"""How often memory and what is installed are looked at."""
SHORT: Final = 0.1
"""The share of memory left at which the pool gives up its own."""
ENOUGH: Final = 0.2
"""The share at which it is filled again."""
LONGEST_PAUSE_S: Final = 60.0
_log: Final = logging.getLogger("execd.kernel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a pool is given: how a kernel is started for nobody, and what share of the memory is left.

    `launch` returns None where there is no interpreter; its files have a new name each time, as `files` has.
    """

    launch: Callable[[], Awaitable[Launch | None]]
    files: Callable[[], str]
    memory_left: Callable[[], float]


class Pool:
    """Keeps `size` kernels ready from `fill` on; `start` hands one out."""

    def __init__(self, adoptable: Adoptable, size: int, means: Means) -> None:
        self._adoptable = adoptable
        self._size = size
        self._means = means
        self._source: Source | None = None
        self._fit = False
        """Whether a kernel of this source has been seen to be able to wait."""
        self._unfit: str | None = None
        """An interpreter whose kernels cannot."""
        self._ready: list[Warm] = []
        self._burying: set[asyncio.Task[None]] = set()
        self._takers = 0
        self._taken_s = 0.0
        self._stirred = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def warm(self) -> int:
        """How many stand ready."""
        return len(self._ready)

    def bytes_each(self) -> int:
        """Return the memory that is held for each that stands ready, 0 where none does."""
        pids = [warm.kernel.spawned.pid for warm in self._ready]
        shared = self._source.pids if self._source else []
        return proportional_bytes([*pids, *shared]) // len(pids) if pids else 0

    def fill(self) -> None:
        """Begin to keep kernels ready."""
        if self._keeping is None and not self._closing:
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def start(self, wanted: Launch, listener: Listener) -> Kernel:
        """Return a kernel as wanted: one that stands ready, else one that is made now; raises `KernelFailed`."""
        self.fill()
        self._takers += 1
        try:
            warm = self._pick(wanted) or await self._make(wanted)
            taken = None if warm is None else await self._hand_over(warm, wanted, listener)
            return taken or await self._start_cold(wanted, listener)
        finally:
            self._takers -= 1
            self._taken_s = asyncio.get_running_loop().time()
            self._stirred.set()

    async def close(self) -> None:
        """End all that nobody has taken."""
        self._closing = True
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._discard()
        await asyncio.gather(*self._burying)

    # ── handing out ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _pick(self, wanted: Launch) -> Warm | None:
        source = self._source
        if source is None or not source.suits(wanted):
            return None
        found = next((warm for warm in self._ready if warm.kernel.usable), None)
        if found is not None:
            self._ready.remove(found)
        return found

    async def _make(self, wanted: Launch) -> Warm | None:
        source = self._source
        if source is None or not source.forks or not self._fit or not source.suits(wanted):
            return None
        warm = source.make(self._means.files(), self._gone)
        try:
            await warm.start()
        except KernelFailed as failed:
            _log.info("no kernel was forked: %s", failed)
            return None
        return warm

    async def _start_cold(self, wanted: Launch, listener: Listener) -> Kernel:
        try:
            return await Kernel.start(wanted, listener)
        except KernelFailed:
            if self._source is None or self._means.memory_left() > ENOUGH:
                raise
        # What is kept here may be what it lacked.
        await self._discard()
        return await Kernel.start(wanted, listener)

    async def _hand_over(self, warm: Warm, wanted: Launch, listener: Listener) -> Kernel | None:
        try:
            refusal = await warm.hand_over(wanted, listener, fixed=self._adoptable.fixed)
        except BaseException:
            await warm.kernel.bury()
            raise
        if refusal is None:
            return warm.kernel
        _log.info("a kernel that stood ready is not used: %s", refusal)
        await warm.kernel.bury()
        await self._discard()
        return None

    # ── keeping ready ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _keep(self) -> None:
        pause_s = 0.0
        while True:
            try:
                await asyncio.sleep(pause_s)
                await self._look()
                pause_s = 0.0
            except (KernelFailed, OSError, ExecdError) as error:
                _log.info("no kernel stands ready: %s", error)
                pause_s = min(LONGEST_PAUSE_S, 2 * pause_s + 1)
                await self._discard()
            except Exception:  # noqa: BLE001 - whatever it is, contexts go on without
                _log.exception("fault while kernels were made ready")
                pause_s = LONGEST_PAUSE_S

    async def _look(self) -> None:
        if self._means.memory_left() < (SHORT if self._source else ENOUGH):
            self._stirred.clear()
            await self._discard()
        elif self._source is not None and self._source.outdated():
            outdated = self._source
            await self._discard()
            await outdated.settled()
        elif self._stirred.is_set() or len(self._ready) < self._size:
            await self._quiet()
            self._stirred.clear()
            if await self._renewed() and len(self._ready) < self._size:
                await self._add()
                return
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._stirred.wait()

    async def _quiet(self) -> None:
        loop = asyncio.get_running_loop()
        while self._takers or self._taken_s + REFILL_AFTER_S > loop.time():  # noqa: ASYNC110 - the time itself is wanted
            await asyncio.sleep(REFILL_AFTER_S)

    async def _renewed(self) -> bool:
        """Return whether there is a source, which is that of the interpreter and the variables of this moment."""
        now = await self._means.launch()
        if now is None or now.interpreter == self._unfit:
            await self._discard()
            return False
        if self._source is not None and not self._source.suits(now):
            await self._discard()
        if self._source is None:
            self._source = await Source.open(now, self._adoptable)
        return True

    async def _add(self) -> None:
        source = self._source
        if source is None:
            return
        warm = source.make(self._means.files(), self._gone)
        await warm.start()
        try:
            refusal = await warm.make_ready()
        except BaseException:
            await warm.kernel.bury()
            raise
        if refusal is None and source is self._source:
            self._fit = True
            self._ready.append(warm)
            return
        await warm.kernel.bury()
        if refusal is not None:
            self._unfit = source.model.interpreter
            _log.warning("kernels of %s do not stand ready: %s", self._unfit, refusal)
            await self._discard()

    def _gone(self, warm: Warm) -> None:
        if warm in self._ready:
            self._ready.remove(warm)
            self._stirred.set()
            burying = asyncio.get_running_loop().create_task(warm.kernel.bury())
            self._burying.add(burying)
            burying.add_done_callback(self._burying.discard)

    async def _discard(self) -> None:
        """Give up all that is there."""
        source, self._source = self._source, None
        ready, self._ready = self._ready, []
        self._fit = False
        await asyncio.gather(*(warm.kernel.bury() for warm in ready))
        if source is not None:
            await source.close()
