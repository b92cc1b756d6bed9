"""A transport for tests: answers from a script, remembers what was asked, and needs no daemon.

Example:
    >>> from opensandbox import SandboxSync
    >>> fake = FakeTransportSync()
    >>> fake.when("POST", "/command", events=[{"type": "init", "text": "a1"}, {"type": "execution_complete"}])
    >>> SandboxSync(fake).commands.run("true").cause
    'exited'
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, Final

import msgspec

from opensandbox._core.request import E, Received, Reply, Request, StreamRequest
from opensandbox._core.resume import Resume
from opensandbox._core.sse import Frame

__all__ = ["EVERY_FEATURE", "FakeTransport", "FakeTransportSync"]

EVERY_FEATURE: Final = frozenset(
    {
        *("execution_id", "output", "replay", "disconnect", "overflow", "stdin", "user"),
        *("create_mode", "ephemeral", "restart", "logs", "signal", "max_output_bytes", "sessions", "run_limits"),
        "write_id",
        "context_id",
    }
)
"""What a current daemon has."""

_NUMBERLESS: Final = ("ping", "truncated", "metrics")

Answer = Reply | Exception | list[Frame]


class _Script:
    """What to answer on which route; several answers are given one after another, the last one for ever."""

    def __init__(self) -> None:
        self.sent: list[Request] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}

    def add(self, method: str, path: str, answer: Answer) -> None:
        self._answers.setdefault((method, path), []).append(answer)

    def next(self, request: Request) -> Answer:
        self.sent.append(request)
        try:
            answers = self._answers[request.method, request.path]
        except KeyError:
            raise LookupError(f"no answer for {request.method} {request.path}; use when()") from None
        return answers.pop(0) if len(answers) > 1 else answers[0]


class FakeTransport:
    """An `AsyncTransport` that answers from a script."""

    def __init__(self, *, features: AbstractSet[str] = EVERY_FEATURE) -> None:
        self.features = features
        self._script = _Script()

    @property
    def sent(self) -> list[Request]:
        """Every request so far, in order."""
        return self._script.sent

    def when(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        events: Iterable[Mapping[str, Any]] | None = None,
        error: Exception | None = None,
    ) -> None:
        """Answer a route with a JSON body, any body, a stream of events (numbered from 1), or an exception."""
        self._script.add(method, path, _answer(json, body, events, error))

    async def send(
        self, request: Request, /, *, content: Callable[[], AsyncGenerator[bytes, None]] | None = None
    ) -> Reply:
        """Answer from the script; what `content` makes is the body of the request in `sent`."""
        if content is not None:
            request = replace(request, body=b"".join([block async for block in content()]))
        return _reply(self._script.next(request))

    async def receive(self, request: Request, /) -> AsyncGenerator[bytes, None]:
        """Yield the body of the script's answer in two halves."""
        for half in _halves(_reply(self._script.next(request)).body):
            yield half

    async def stream(self, request: StreamRequest[E], /) -> AsyncGenerator[list[Received[E]], None]:
        """Yield the events of the script, one a time."""
        for batch in _batches(self._script.next(request.start), request):
            yield batch

    async def aclose(self) -> None:
        """Do nothing."""


class FakeTransportSync:
    """A `SyncTransport` that answers from a script."""

    def __init__(self, *, features: AbstractSet[str] = EVERY_FEATURE) -> None:
        self.features = features
        self._script = _Script()

    @property
    def sent(self) -> list[Request]:
        """Every request so far, in order."""
        return self._script.sent

    def when(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        events: Iterable[Mapping[str, Any]] | None = None,
        error: Exception | None = None,
    ) -> None:
        """Answer a route with a JSON body, any body, a stream of events (numbered from 1), or an exception."""
        self._script.add(method, path, _answer(json, body, events, error))

    def send(self, request: Request, /, *, content: Callable[[], Generator[bytes, None, None]] | None = None) -> Reply:
        """Answer from the script; what `content` makes is the body of the request in `sent`."""
        if content is not None:
            request = replace(request, body=b"".join(content()))
        return _reply(self._script.next(request))

    def receive(self, request: Request, /) -> Generator[bytes, None, None]:
        """Yield the body of the script's answer in two halves."""
        yield from _halves(_reply(self._script.next(request)).body)

    def stream(self, request: StreamRequest[E], /) -> Generator[list[Received[E]], None, None]:
        """Yield the events of the script, one a time."""
        yield from _batches(self._script.next(request.start), request)

    def close(self) -> None:
        """Do nothing."""


def _answer(
    json: Any, body: bytes | None, events: Iterable[Mapping[str, Any]] | None, error: Exception | None
) -> Answer:
    if error is not None:
        return error
    if events is None:
        return Reply(body=body or (b"" if json is None else msgspec.json.encode(json)))
    frames: list[Frame] = []
    number = 0
    for event in events:
        is_numbered = event["type"] not in _NUMBERLESS
        number += is_numbered
        data = msgspec.json.encode({"timestamp": 0, **event})
        frames.append(Frame(number if is_numbered else None, data))
    return frames


def _reply(answer: Answer) -> Reply:
    if isinstance(answer, Exception):
        raise answer
    return answer if isinstance(answer, Reply) else Reply()


def _halves(body: bytes) -> tuple[bytes, ...]:
    middle = len(body) // 2
    return tuple(half for half in (body[:middle], body[middle:]) if half)


def _batches(answer: Answer, request: StreamRequest[E]) -> Generator[list[Received[E]], None, None]:
    if isinstance(answer, Exception):
        raise answer
    resume = Resume(request, can_resume=False)
    for frame in answer if isinstance(answer, list) else ():
        if batch := resume.accept([frame]):
            yield batch
