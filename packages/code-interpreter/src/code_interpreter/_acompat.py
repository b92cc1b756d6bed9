"""What differs between the colours: `_async` uses the names with an `a`, the twin those without."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar

A = TypeVar("A")
R = TypeVar("R")

AsyncHandler = Callable[[A], Awaitable[R] | R]
"""Takes a value and may return one; may be a coroutine function."""
Handler = Callable[[A], R]
"""Takes a value and may return one."""


async def acall(handler: AsyncHandler[A, R], value: A) -> R:
    """Call a handler, and wait for it if it is asynchronous."""
    answer: Any = handler(value)
    if isawaitable(answer):
        answer = await answer
    result: R = answer
    return result


def call(handler: Handler[A, R], value: A) -> R:
    """Call a handler."""
    return handler(value)
