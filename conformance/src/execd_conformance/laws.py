"""What holds of every run's events, whatever was run: checked along the way by each scenario that reads some.

A scenario that calls one of these declares its ids: `@scenario("streams", *EVERY, *NUMBERED, …)`.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Any, Final

from execd_conformance.checks import Checks
from execd_conformance.events import Event
from execd_conformance.raw import Raw
from execd_conformance.stream import Stream

EVERY: Final = ("stream.timestamp", "event.init-first", "stream.terminal-once", "stream.terminal-last")
"""Of every run of every daemon of this API."""
NUMBERED: Final = ("stream.numbers",)
"""Of every run whose events can be replayed."""
COUNTED: Final = ("end.counts", "end.cause", "end.execution-time", "end.truncated")
"""Of every terminal event that has the end fields."""

TERMINAL: Final = frozenset({"execution_complete", "error"})
UNNUMBERED: Final = frozenset({"ping", "truncated"})
_DAY_MS: Final = 24 * 3600 * 1000


def lawful(checks: Checks, events: Sequence[Event]) -> None:
    """Check what holds of every run read from its first event to its end (`EVERY`)."""
    types = [event.type for event in events]
    ends = [at for at, kind in enumerate(types) if kind in TERMINAL]
    checks.that(
        "stream.timestamp", all(map(has_time, events)), saw=[event.raw for event in events if not has_time(event)]
    )
    checks.that("event.init-first", types[:1] == ["init"] and types.count("init") == 1, saw=types[:3])
    checks.that("stream.terminal-once", len(ends) == 1, saw=[types[at] for at in ends])
    checks.that("stream.terminal-last", bool(ends) and ends[0] == len(types) - 1, saw=types[-3:])


def has_time(event: Event) -> bool:
    """Whether an event tells its time as whole milliseconds, within a day of ours (clocks may differ)."""
    told = event.get("timestamp")
    return isinstance(told, int) and not isinstance(told, bool) and abs(told - time.time() * 1000) < _DAY_MS


def numbered(checks: Checks, events: Sequence[Event], *, after: int = 0) -> None:
    """Check that numbers go up by one from `after`, unless a `truncated` names the gap (`NUMBERED`)."""
    checks.that("stream.numbers", misnumbered(events, after=after) is None, saw=misnumbered(events, after=after))


def misnumbered(events: Sequence[Event], *, after: int = 0) -> str | None:
    """Return what is wrong with the numbers, if anything is."""
    last = after
    for event in events:
        if event.type == "truncated" and event.number is None and event.get("from") == last + 1:
            last = int(event["to"])
        elif event.type == "ping":
            continue
        elif event.number != last + 1:
            return f"{event.type} has number {event.number} after {last}"
        else:
            last = event.number
    return None


def counted(
    checks: Checks, events: Sequence[Event], *, stdout: bytes = b"", stderr: bytes = b"", cause: str = "exited"
) -> None:
    """Check the end fields of a run that wrote exactly these bytes (`COUNTED`)."""
    end = ending(events)
    counts = (end.get("stdout_bytes"), end.get("stderr_bytes"))
    took = end.get("execution_time")
    checks.equal("end.counts", counts, (len(stdout), len(stderr)))
    checks.equal("end.cause", end.get("cause"), cause)
    checks.that("end.execution-time", is_count(took), saw=took)
    checks.that("end.truncated", end.get("truncated") is False, saw=end.raw)


def is_count(value: object) -> bool:
    """Whether a value is a whole number from 0 on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def ending(events: Sequence[Event]) -> Event:
    """Return the first terminal event; without one the last event, which has none of its fields."""
    return next((event for event in events if event.type in TERMINAL), events[-1])


def texts(events: Sequence[Event], stream: str = "stdout") -> list[Any]:
    """Return the texts of one stream's events, in order."""
    return [event.get("text") for event in events if event.type == stream]


def written(events: Sequence[Event], stream: str = "stdout") -> bytes:
    """Return the bytes that chunks hold: text, or base64 where it is no text."""
    return b"".join(_bytes(event) for event in events if event.type == stream)


def _bytes(event: Event) -> bytes:
    data = event.get("data")
    if data is None:
        return str(event.get("text", "")).encode(errors="surrogatepass")
    return base64.b64decode(data)


async def whole(stream: Stream) -> list[Event]:
    """Read a stream to its end."""
    stream.need()
    return [event async for event in stream]


async def are_gone(raw: Raw, *pids: str, limit_s: int = 5) -> bool:
    """Whether these processes of the sandbox go away, and are reaped, within the limit; waited for in the sandbox."""
    tries = f"for i in $(seq {limit_s * 20}); do [ -e /proc/$pid ] || continue 2; sleep 0.05; done"
    return await succeeds(raw, f"for pid in {' '.join(pids)}; do {tries}; exit 9; done")


async def have_ended(raw: Raw, *pids: str) -> bool:
    """Whether none of these processes runs at this moment; who is only left to be reaped does not run."""
    state = "$(sed 's/.*) //' /proc/$pid/stat 2>/dev/null | cut -c1)"
    return await succeeds(raw, f'for pid in {" ".join(pids)}; do case "{state}" in Z|"") ;; *) exit 9;; esac; done')


async def are_running(raw: Raw, *pids: str) -> bool:
    """Whether all of these processes of the sandbox run at this moment."""
    return await succeeds(raw, " && ".join(f"kill -0 {pid}" for pid in pids))


async def succeeds(raw: Raw, command: str) -> bool:
    """Whether a command exits with 0."""
    events = await raw.events("POST", "/command", json={"command": command})
    return ending(events).type == "execution_complete"
