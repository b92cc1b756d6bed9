"""The values between calls and transport: a request, a reply, and a request that is answered by events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

E = TypeVar("E", bound=msgspec.Struct)

TRIES: Final = 4
SILENCE_S: Final = 30.0
"""Longest silence of an answer or a stream; heartbeats come each 5 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `path` is percent-encoded, `silence_s` the longest wait for a byte of the answer (None: any)."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_idempotent: bool = False
    silence_s: float | None = SILENCE_S
    tries: int = TRIES
    settled_by: frozenset[str] = frozenset()
    """Codes that tell a repeated request that its first attempt did it."""

    @property
    def target(self) -> str:
        """Path and query as they stand in the URL."""
        if not self.query:
            return self.path
        return f"{self.path}?{'&'.join(f'{segment(key)}={segment(value)}' for key, value in self.query)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A successful answer that is no stream."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Received(NamedTuple, Generic[E]):
    """One event and its number; what is not retained (`truncated`) has none."""

    number: int | None
    event: E


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest(Generic[E]):
    """A request that is answered by events, and what is needed to resume it.

    `decode` turns an event's data into a struct, or into None when its type is not known. `execution_id` names the run
    from the start, or is None when only the daemon can say; `after` is the number of the last event not asked for.
    Events of a stateless stream have no numbers, and to resume it is to ask again.
    """

    start: Request
    decode: Callable[[bytes], E | None]
    execution_id: str | None = None
    after: int = 0
    is_stateless: bool = False


def segment(text: str) -> str:
    """Percent-encode one part of a path or query; a byte that is no UTF-8 is a lone surrogate, as in Python's paths."""
    return quote(text, safe="", errors="surrogateescape")
