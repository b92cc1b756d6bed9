"""Both colours of the SDK behind one asynchronous interface: a scenario is written once and runs as both.

The synchronous classes are the twins of the asynchronous ones, so the latter's annotations tell which call waits, what
iterates, and what to enter. What waits runs in a thread. Cancelling has no synchronous counterpart: scenarios about it
ask for the fixture `sandbox_async`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from typing import Any, Final, get_origin, get_type_hints

from execd_conformance.clock import in_thread

_END: Final = object()


class Adapted:
    """A synchronous object that is used as its asynchronous twin would be."""

    def __init__(self, inner: Any, twin: Any) -> None:
        self._inner = inner
        self._twin = twin

    def __getattr__(self, name: str) -> Any:
        """Return the attribute as the twin has it: a coroutine function, a plain one, or a value."""
        value = getattr(self._inner, name)
        like = inspect.getattr_static(self._twin, name, None)
        if isinstance(like, classmethod | staticmethod):
            like = like.__func__
        if inspect.iscoroutinefunction(like):
            return _waiting(value, _returned(like))
        if inspect.isfunction(like):
            return _plain(value, _returned(like))
        return adapted(value, _hints(self._twin).get(name))

    async def __aenter__(self) -> Any:
        """Enter the twin's block."""
        entered = await in_thread(self._inner.__enter__)
        return self if entered is self._inner else adapted(entered, None)

    async def __aexit__(self, *raised: object) -> Any:
        """Leave it."""
        return await in_thread(self._inner.__exit__, *raised)

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Iterate, each step in a thread."""
        steps = iter(self._inner)
        while (item := await in_thread(next, steps, _END)) is not _END:
            yield item

    async def __anext__(self) -> Any:
        """Take one step."""
        if (item := await in_thread(next, self._inner, _END)) is _END:
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        """Close; the synchronous twin calls it `close`."""
        await in_thread(self._inner.close)

    def __repr__(self) -> str:
        """Say what it stands for."""
        return repr(self._inner)


def adapted(value: Any, twin: Any) -> Any:
    """Return a value as its asynchronous twin would be used; plain data is what it is."""
    origin = get_origin(twin) or twin
    if inspect.isgenerator(value):
        return Adapted(value, object)
    if inspect.isclass(origin) and not isinstance(value, origin) and _is_ours(origin):
        return Adapted(value, origin)
    return value


def plain(value: Any) -> Any:
    """Return what stands behind an adapted value; an asynchronous iterable becomes one that blocks."""
    if isinstance(value, Adapted):
        return value._inner  # noqa: SLF001 - its own room
    if isinstance(value, AsyncIterable) and not hasattr(value, "__iter__"):
        return _blocking(value, asyncio.get_running_loop())
    return value


def _blocking(source: AsyncIterable[Any], loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    steps = aiter(source)

    async def step() -> Any:
        return await anext(steps, _END)

    while (item := asyncio.run_coroutine_threadsafe(step(), loop).result()) is not _END:
        yield item


def _waiting(call: Callable[..., Any], twin: Any) -> Callable[..., Any]:
    async def waiting(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = _plain_arguments(args, kwargs)
        return adapted(await in_thread(call, *args, **kwargs), twin)

    return waiting


def _plain(call: Callable[..., Any], twin: Any) -> Callable[..., Any]:
    def calling(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = _plain_arguments(args, kwargs)
        return adapted(call(*args, **kwargs), twin)

    return calling


def _plain_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return tuple(map(plain, args)), {name: plain(value) for name, value in kwargs.items()}


def _returned(function: Any) -> Any:
    return _hints(function).get("return")


def _hints(where: Any) -> dict[str, Any]:
    try:
        return get_type_hints(where)
    except (NameError, TypeError, AttributeError):
        return {}


def _is_ours(kind: type) -> bool:
    # Data (str, tuples, frozen results) is the same in both colours; what waits has an asynchronous method.
    return any(
        inspect.iscoroutinefunction(member) or name in {"__aiter__", "__anext__", "__aenter__"}
        for name, member in inspect.getmembers(kind)
    )
