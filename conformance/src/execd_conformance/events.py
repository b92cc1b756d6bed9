"""Bytes of a stream in, events out; whatever comes, it says what it made of it.

It reads server-sent events as their standard has them, and also bare JSON objects on lines of their own, which is what
the first daemon of this API sends. The latter are `foreign`: a daemon that sends them can still be judged.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, Final

_LINE_END: Final = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A carriage return that the bytes end with may be half of a line end: it waits for what follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. `event["text"]` reads a field of its JSON, `event.get("text")` one that may be absent."""

    type: str
    """Its `type`, empty where it has none that is a string."""
    data: dict[str, Any]
    """Its JSON object, empty where the data was none."""
    raw: str
    """The data as it came; lines joined by line feeds."""
    number: int | None = None
    """Its `id:`, if that is ASCII digits."""
    data_lines: int = 1
    """How many `data:` lines it came on; 0 for a foreign one."""
    fields: tuple[str, ...] = ()
    """Names of the fields that it came with, in order."""
    arrived: float = 0.0
    """When, by the monotonic clock."""

    def __getitem__(self, name: str) -> Any:
        """Return a field of the JSON; `KeyError` where there is none."""
        return self.data[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field of the JSON, or the default."""
        return self.data.get(name, default)

    @property
    def is_json(self) -> bool:
        """Whether the data was a JSON object."""
        return _object(self.raw) is not None

    @property
    def is_terminal(self) -> bool:
        """Whether it ends an execution."""
        return self.type in {"execution_complete", "error"}


@dataclass(slots=True)
class Decoder:
    """Takes bytes in any portions, gives the events that they complete."""

    foreign: bool = False
    """Whether events came that were no server-sent events."""
    strays: list[str] = field(default_factory=list)
    """Lines that belong to no event; the first hundred."""
    _rest: list[bytes] = field(default_factory=list)
    _fields: list[tuple[str, str]] = field(default_factory=list)

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete."""
        # A line of many megabytes comes in many portions, and is looked at once.
        waits = self._rest and not self._rest[-1].endswith(b"\r")
        self._rest.append(data)
        if waits and b"\n" not in data and b"\r" not in data:
            return []
        *lines, rest = _LINE_END.split(b"".join(self._rest))
        self._rest = [rest] if rest else []
        return [event for line in lines if (event := self._take(line)) is not None]

    def finish(self) -> list[Event]:
        """Return what the end of the stream completes: a last event without its blank line."""
        rest, self._rest = b"".join(self._rest), []
        last = [rest.rstrip(b"\r")] if rest else []
        events = [self._take(line) for line in [*last, b""]]
        return [event for event in events if event is not None]

    @property
    def pending(self) -> bool:
        """Whether an event has begun that no blank line has ended."""
        return bool(b"".join(self._rest).strip() or self._fields)

    def _take(self, line: bytes) -> Event | None:
        text = line.decode("utf-8", "replace")
        if not text:
            fields, self._fields = self._fields, []
            return _event(fields)
        if text.lstrip().startswith("{") and (data := _object(text)) is not None:
            self.foreign = True
            return _made(data, text, number=None, data_lines=0, fields=())
        name, _, value = text.partition(":")
        if name in {"id", "data", "event", "retry"}:
            self._fields.append((name, value.removeprefix(" ")))
        elif name and len(self.strays) < 100:
            self.strays.append(text)
        return None


def _event(fields: list[tuple[str, str]]) -> Event | None:
    data = [value for name, value in fields if name == "data"]
    if not data:
        return None
    ids = [value for name, value in fields if name == "id"]
    number = int(ids[-1]) if ids and re.fullmatch("[0-9]{1,18}", ids[-1]) else None
    raw = "\n".join(data)
    return _made(_object(raw), raw, number=number, data_lines=len(data), fields=tuple(name for name, _ in fields))


def _made(
    data: dict[str, Any] | None, raw: str, *, number: int | None, data_lines: int, fields: tuple[str, ...]
) -> Event:
    kind = (data or {}).get("type")
    return Event(
        type=kind if isinstance(kind, str) else "",
        data=data or {},
        raw=raw,
        number=number,
        data_lines=data_lines,
        fields=fields,
        arrived=time.monotonic(),
    )


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
