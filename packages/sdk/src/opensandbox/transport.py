"""What this package asks of a transport, and what other packages may ask of `sandbox.transport`.

Retry, resume and the decoding of events sit behind `stream`: whoever uses it gets every event once, in order. What goes
into a request is checked by the same functions everywhere: `environment`, `milliseconds`, `require`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from collections.abc import Set as AbstractSet
from typing import Protocol

from opensandbox._core.arguments import environment, milliseconds
from opensandbox._core.calls import BRIEF_SILENCE_S, DISCONNECT_GRACE_MS, STOP_SILENCE_S, require
from opensandbox._core.decode import body as decode_body
from opensandbox._core.decode import event_decoder
from opensandbox._core.request import E, Received, Reply, Request, StreamRequest, segment

__all__ = [
    "BRIEF_SILENCE_S",
    "DISCONNECT_GRACE_MS",
    "STOP_SILENCE_S",
    "AsyncTransport",
    "Received",
    "Reply",
    "Request",
    "StreamRequest",
    "SyncTransport",
    "decode_body",
    "environment",
    "event_decoder",
    "milliseconds",
    "require",
    "segment",
]


class AsyncTransport(Protocol):
    """Carries requests to one daemon."""

    @property
    def features(self) -> AbstractSet[str]:
        """The extensions that the daemon has."""
        ...

    async def send(
        self, request: Request, /, *, content: Callable[[], AsyncGenerator[bytes, None]] | None = None
    ) -> Reply:
        """Send a request and return its answer; a refusal raises, a passing fault is tried again where that is safe.

        `content` makes the body, once for each try, where it is no value in memory.
        """
        ...

    def receive(self, request: Request, /) -> AsyncGenerator[bytes, None]:
        """Send a request and yield the body of its answer as it comes; a broken connection is resumed by ranges.

        Raises `StreamInterruptedException` when that fails, or would mix two states of what is read.
        """
        ...

    def stream(self, request: StreamRequest[E], /) -> AsyncGenerator[list[Received[E]], None]:
        """Send a request and yield its events in batches, as they come, until the terminal one.

        A broken connection is resumed. Raises `StreamInterruptedException` when that fails.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class SyncTransport(Protocol):
    """Carries requests to one daemon; the same as `AsyncTransport` without `await`."""

    @property
    def features(self) -> AbstractSet[str]:
        """The extensions that the daemon has."""
        ...

    def send(self, request: Request, /, *, content: Callable[[], Generator[bytes, None, None]] | None = None) -> Reply:
        """Send a request and return its answer."""
        ...

    def receive(self, request: Request, /) -> Generator[bytes, None, None]:
        """Send a request and yield the body of its answer as it comes."""
        ...

    def stream(self, request: StreamRequest[E], /) -> Generator[list[Received[E]], None, None]:
        """Send a request and yield its events in batches."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...
