"""The laws of a run's events: each fault breaks one, and a sound stream none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from execd_conformance.events import Event
from execd_conformance.laws import COUNTED, EVERY, NUMBERED, counted, lawful, misnumbered, numbered, written

from .making import checks


def event(kind: str, number: int | None = None, **fields: Any) -> Event:
    data = {"type": kind, "timestamp": int(time.time() * 1000), **fields}
    return Event(type=kind, data=data, raw=str(data), number=number)


def sound() -> list[Event]:
    end = {"cause": "exited", "execution_time": 3, "stdout_bytes": 3, "stderr_bytes": 2, "truncated": False}
    return [
        event("init", 1, text="a1"),
        event("stdout", 2, text="ab"),
        event("ping", text="pong"),
        event("stderr", 3, data="/w8="),
        event("stdout", 4, text="c"),
        event("execution_complete", 5, **end),
    ]


def broken(events: list[Event]) -> set[str]:
    made = checks(*EVERY, *NUMBERED, *COUNTED)
    lawful(made, events)
    numbered(made, events)
    counted(made, events, stdout=b"abc", stderr=b"\xff\x0f")
    return {name for name, seen in made.seen.items() if not all(each.ok for each in seen)}


def test_a_sound_stream_breaks_no_law() -> None:
    assert broken(sound()) == set()
    assert (written(sound()), written(sound(), "stderr")) == (b"abc", b"\xff\x0f")


def changed(at: int, **fields: Any) -> Callable[[list[Event]], list[Event]]:
    def change(events: list[Event]) -> list[Event]:
        was = events[at]
        data = {name: value for name, value in {**was.data, **fields}.items() if value is not None}
        return [*events[:at], Event(type=was.type, data=data, raw=str(data), number=was.number), *events[at + 1 :]]

    return change


FAULTS: dict[str, tuple[Callable[[list[Event]], list[Event]], set[str]]] = {
    "no end": (lambda events: events[:-1], {"stream.terminal-once", "stream.terminal-last", *COUNTED}),
    "two ends": (lambda events: [*events, events[-1]], {"stream.terminal-once", "stream.terminal-last", *NUMBERED}),
    "a ping after the end": (lambda events: [*events, events[2]], {"stream.terminal-last"}),
    "no init": (lambda events: events[1:], {"event.init-first", *NUMBERED}),
    "a skipped number": (lambda events: [*events[:3], *events[4:]], {*NUMBERED}),
    "a repeated event": (lambda events: [*events[:2], *events[1:]], {*NUMBERED}),
    "no time": (changed(1, timestamp=None), {"stream.timestamp"}),
    "seconds": (changed(0, timestamp=int(time.time())), {"stream.timestamp"}),
    "a wrong count": (changed(5, stdout_bytes=4), {"end.counts"}),
    "a fractional duration": (changed(5, execution_time=0.5), {"end.execution-time"}),
    "no word of truncation": (changed(5, truncated=None), {"end.truncated"}),
    "another cause": (changed(5, cause="signaled"), {"end.cause"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_breaks_its_laws_and_no_other(name: str) -> None:
    plant, breaks = FAULTS[name]
    assert broken(plant(sound())) == breaks


def test_a_gap_that_truncated_names_is_none() -> None:
    events = sound()
    gap = event("truncated", **{"from": 2, "to": 3, "stdout_bytes": 2, "stderr_bytes": 2})
    assert misnumbered([events[0], gap, *events[4:]]) is None
    assert misnumbered([gap, *events[4:]], after=1) is None
    assert misnumbered([events[0], gap, *events[5:]]) is not None
    assert misnumbered([events[0], *events[4:]]) is not None
