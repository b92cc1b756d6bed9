"""Replay: the events of a run again, from any place, as often as anybody likes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from execd_conformance.checks import Checks, scenario
from execd_conformance.events import Event
from execd_conformance.laws import EVERY, NUMBERED, lawful, misnumbered, numbered, whole
from execd_conformance.raw import Raw


def _pairs(events: Sequence[Event]) -> list[tuple[int | None, str]]:
    return [(event.number, event.raw) for event in events if event.type != "ping"]


@scenario(
    "replay",
    *EVERY,
    *NUMBERED,
    "replay.suffix",
    "replay.past-the-end",
    "replay.last-event-id",
    "replay.after-wins",
    "replay.mode-fixed",
    "stream.end-clean",
    features={"replay", "output"},
)
async def test_a_replay_is_exactly_what_came_after(checks: Checks, raw: Raw) -> None:
    for output in ("lines", "chunks"):
        command = 'for i in 1 2 3 4 5 6 7; do printf "$i \\377\\r\\n"; echo e$i >&2; done; exit 2'
        events = await raw.events("POST", "/command", json={"command": command, "output": output})
        lawful(checks, events)
        numbered(checks, events)
        path, first = f"/executions/{events[0]['text']}/events", _pairs(events)
        checks.equal("replay.mode-fixed", _pairs(await raw.events("GET", path)), first)
        for after in range(len(first)):
            async with raw.stream("GET", path, params={"after": after}) as stream:
                replayed = await whole(stream)
            checks.equal("replay.suffix", _pairs(replayed), first[after:])
            checks.that("stream.end-clean", stream.clean_end, saw=after)
            by_header = await raw.events("GET", path, headers={"Last-Event-ID": str(after)})
            checks.equal("replay.last-event-id", _pairs(by_header), first[after:])
        both = await raw.events("GET", path, params={"after": 2}, headers={"Last-Event-ID": "5"})
        checks.equal("replay.after-wins", _pairs(both), first[2:])
        none = await raw.events("GET", path, params={"after": 0}, headers={"Last-Event-ID": str(len(first))})
        checks.equal("replay.after-wins", _pairs(none), first)
        for after in (len(first), len(first) + 1, len(first) + 1000):
            reply = await raw.request("GET", path, params={"after": after})
            checks.equal("replay.past-the-end", (reply.status, reply.body), (204, b""))


@scenario(
    "replay",
    *NUMBERED,
    "replay.follows",
    "replay.future",
    "replay.no-follow",
    "replay.nothing-newer",
    "replay.many-readers",
    features={"replay", "stdin"},
)
async def test_a_live_run_is_replayed_and_followed(checks: Checks, raw: Raw) -> None:
    body = {"command": "while read x; do echo $x; done; exit 5", "stdin": "pipe"}
    async with raw.stream("POST", "/command", json=body) as stream:
        init = await stream.until(lambda event: event.type == "init")
        write, path = f"/executions/{init['text']}/stdin", f"/executions/{init['text']}/events"
        await raw.request("POST", write, content="one\ntwo\nthree\n")
        await stream.until(lambda event: event.get("text") == "three")
        newest = stream.events[-1].number or 0
        checks.equal("replay.follows", newest, 4)
        for after in (newest + 1, newest + 500):
            reply = await raw.request("GET", path, params={"after": after})
            checks.equal("replay.future", (reply.status, reply.code), (400, "INVALID_QUERY"))
        async with raw.stream("GET", path, params={"follow": "false", "after": 1}) as so_far:
            glimpse = await whole(so_far)
        checks.equal("replay.no-follow", [event.get("text") for event in glimpse], ["one", "two", "three"])
        checks.that("replay.no-follow", so_far.clean_end and not any(event.is_terminal for event in glimpse))
        reply = await raw.request("GET", path, params={"follow": "false", "after": newest})
        checks.equal("replay.nothing-newer", (reply.status, reply.body), (204, b""))
        readers = [asyncio.create_task(_read_on(raw, path, after)) for after in (*range(newest + 1), 0, newest)]
        checks.that("replay.follows", await _has_begun(raw, path))
        await raw.request("POST", write, content="four\nfive\n", params={"eof": "true"})
        rest = await whole(stream)
        followed = await asyncio.gather(*readers)
    events = [event for event in stream.events if event.type != "ping"]
    numbered(checks, events)
    checks.equal("replay.follows", [event.get("text") for event in rest if event.type == "stdout"], ["four", "five"])
    for after, told in followed:
        checks.equal("replay.many-readers", _pairs(told), _pairs(events)[after:])
        checks.equal("replay.follows", told[-1].type if told else None, "error")


async def _read_on(raw: Raw, path: str, after: int) -> tuple[int, list[Event]]:
    return after, await raw.events("GET", path, params={"after": after})


async def _has_begun(raw: Raw, path: str) -> bool:
    """Whether a reader of a live run gets what is there without waiting for more."""
    async with raw.stream("GET", path) as stream:
        third = await stream.until(lambda event: event.number == 3, limit_s=5)
        return bool(third.get("text") == "two")


@scenario("replay", *NUMBERED, *EVERY, "replay.many-readers", "replay.follows", features={"replay", "output"})
async def test_many_readers_of_a_busy_run_all_get_everything(checks: Checks, raw: Raw) -> None:
    command = "for i in $(seq 300); do echo line $i; [ $((i % 50)) = 0 ] && sleep 0.02; done"
    async with raw.stream("POST", "/command", json={"command": command, "output": "chunks"}) as stream:
        init = await stream.until(lambda event: event.type == "init")
        path = f"/executions/{init['text']}/events"
        readers = asyncio.gather(*(_read_on(raw, path, number % 2) for number in range(12)))
        events = [init, *await whole(stream)]
        followed = await readers
    lawful(checks, events)
    numbered(checks, events)
    for after, told in followed:
        checks.equal("replay.many-readers", _pairs(told), _pairs(events)[after:])
        checks.equal("replay.follows", misnumbered(told, after=after), None)
