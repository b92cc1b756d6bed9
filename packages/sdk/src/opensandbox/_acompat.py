"""The handful of things that differ between the colours: `_async` uses the names with an `a`, the twin those without.

Everything else in `_async` becomes synchronous by taking words away (tools/unasync.py).
"""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from inspect import isawaitable
from typing import Any, Final, TypeVar

from opensandbox.results import OutputLine

T = TypeVar("T")

AsyncLineHandler = Callable[[OutputLine], Awaitable[object] | object]
"""Takes a line; may be a coroutine function."""
LineHandler = Callable[[OutputLine], object]
"""Takes a line."""
AsyncWork = Callable[[], Awaitable[None]]
"""Something to be done beside its caller: a coroutine function."""
Work = Callable[[], None]
"""Something to be done beside its caller."""

_THREADS: Final = 32

_going_on: Final[set[asyncio.Task[Any]]] = set()
"""Tasks that outlived their caller: the loop itself keeps only weak references."""


async def asleep(seconds: float) -> None:
    """Wait."""
    await asyncio.sleep(seconds)


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


async def acall(handler: AsyncLineHandler, line: OutputLine) -> None:
    """Call a handler, and wait for it if it is asynchronous."""
    answer = handler(line)
    if isawaitable(answer):
        await answer


def call(handler: LineHandler, line: OutputLine) -> None:
    """Call a handler."""
    handler(line)


async def afinish(work: Callable[[], Awaitable[T]], *, grace: float) -> T:
    """Do work; if cancelled meanwhile let it go on for up to `grace` seconds, and only then be cancelled."""
    task = asyncio.ensure_future(_run(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        _going_on.add(task)
        task.add_done_callback(_forget)
        try:
            await asyncio.wait({task}, timeout=grace)
        finally:
            task.cancel()
            await _wait_out(task, grace=grace)
        raise


async def _wait_out(task: asyncio.Task[Any], *, grace: float) -> None:
    """Wait for a cancelled task however often the caller is cancelled: what it used is then free to be closed."""
    give_up = time.monotonic() + grace
    while not task.done() and (left := give_up - time.monotonic()) > 0:
        with suppress(asyncio.CancelledError):  # the caller is cancelled already, and says so
            await asyncio.wait({task}, timeout=left)


def finish(work: Callable[[], T], *, grace: float) -> T:  # noqa: ARG001 - an interrupted thread cannot go on
    """Do work."""
    return work()


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def _forget(task: asyncio.Task[Any]) -> None:
    _going_on.discard(task)
    if not task.cancelled():
        task.exception()


async def atogether(works: Sequence[AsyncWork]) -> None:
    """Do several things at once, wait for all of them, and only then raise what the first of them raised."""
    for fault in await asyncio.gather(*map(_run, works), return_exceptions=True):
        if fault is not None:
            raise fault


def together(works: Sequence[Work]) -> None:
    """Do several things at once, wait for all of them, and only then raise what the first of them raised."""
    if not works:
        return
    doing: list[Future[None]] = []
    with ThreadPoolExecutor(min(len(works), _THREADS), thread_name_prefix="opensandbox-together") as threads:
        for work in works:
            try:
                doing.append(threads.submit(work))
            except RuntimeError:  # the interpreter is ending, and starts no more threads
                break
    for done in doing:
        done.result()
    for work in works[len(doing) :]:
        work()


class AsyncSpawned:
    """Work that goes on beside its caller."""

    def __init__(self, work: AsyncWork) -> None:
        self._task = asyncio.ensure_future(_run(work))

    async def aclose(self) -> None:
        """End it, whatever it is waiting for."""
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()


class Spawned:
    """Work that goes on beside its caller."""

    def __init__(self, work: Work) -> None:
        self._thread = threading.Thread(target=work, name="opensandbox-stdin", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait a moment for its end; a thread that waits for the caller's own iterator cannot be ended."""
        self._thread.join(timeout=0.5)


def aspawn(work: AsyncWork) -> AsyncSpawned:
    """Start work beside the caller: a task."""
    return AsyncSpawned(work)


def spawn(work: Work) -> Spawned:
    """Start work beside the caller: a thread."""
    return Spawned(work)


async def areadable(descriptor: int, *, timeout: float) -> bool:
    """Wait until a descriptor can be read or has been closed at the other end; False when time is over."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        async with asyncio.timeout(timeout):
            await ready.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True


def readable(descriptor: int, *, timeout: float) -> bool:
    """Wait until a descriptor can be read or has been closed at the other end; False when time is over."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout * 1000))


async def asever(connection: socket.socket | None, close: Callable[[], Awaitable[None]]) -> None:  # noqa: ARG001
    """Close a connection, also under somebody who waits for it."""
    await close()


def sever(connection: socket.socket | None, close: Callable[[], None]) -> None:  # noqa: ARG001 - see below
    """End a connection under another thread that may wait for it, and closes it then; None has no answer yet.

    Closing it here would wake nobody, and the thread would wait on for whatever takes the descriptor's number next.
    """
    if connection is not None:
        with suppress(OSError):  # it has been closed from the other end
            connection.shutdown(socket.SHUT_RDWR)


async def ain_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Do blocking work without holding up the loop."""
    return await asyncio.get_running_loop().run_in_executor(None, partial(work, *arguments))


def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Do blocking work."""
    return work(*arguments)


async def aeach(items: AsyncIterable[T] | Iterable[T]) -> AsyncGenerator[T, None]:
    """Yield what an iterable of either colour has; one that is not asynchronous may block, and does so in a thread."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
        return
    iterator = iter(items)
    while taken := await ain_thread(partial(_taken, iterator)):
        yield taken[0]


def _taken(iterator: Iterator[T]) -> tuple[T, ...]:
    """Return the next item, nothing at the end."""
    for item in iterator:
        return (item,)
    return ()


def each(items: AsyncIterable[T] | Iterable[T]) -> Generator[T, None]:
    """Yield what an iterable has; raises `TypeError` for one that only the asynchronous client could read."""
    if isinstance(items, AsyncIterable):
        raise TypeError(f"the synchronous client cannot read an asynchronous {type(items).__name__}")
    yield from items
