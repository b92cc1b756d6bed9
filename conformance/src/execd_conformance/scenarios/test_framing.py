"""The bytes of a stream: lines, empty lines, numbers and headers, as a client that splits them sees them."""

from __future__ import annotations

import json
import re

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import EVERY, NUMBERED, lawful, numbered, texts, whole
from execd_conformance.raw import Raw

SEPARATORS = "a\u0085b\u2028c\u2029d"
SAY_SEPARATORS = r"printf 'a\302\205b\342\200\250c\342\200\251d\n'; printf 'tab\tquote\"back\\slash\001\n'"


@scenario(
    "streams",
    *EVERY,
    "stream.content-type",
    "stream.not-cached",
    "stream.not-buffered",
    "stream.one-data-line",
    "stream.separators-escaped",
)
async def test_a_stream_is_server_sent_events(checks: Checks, raw: Raw) -> None:
    async with raw.stream("POST", "/command", json={"command": f"{SAY_SEPARATORS}; echo oops >&2"}) as stream:
        events = await whole(stream)
    lawful(checks, events)
    media = stream.headers.get("content-type", "").partition(";")[0].strip()
    checks.equal("stream.content-type", (stream.status, media), (200, "text/event-stream"))
    checks.equal("stream.not-cached", stream.headers.get("cache-control"), "no-cache")
    checks.equal("stream.not-buffered", stream.headers.get("x-accel-buffering"), "no")
    for frame in _frames(stream.body):
        checks.that("stream.one-data-line", _is_one_object(frame), saw=frame)
    lines = [line for line in stream.body.decode().splitlines() if line]
    strange = [line for line in lines if not re.match(r"(id|event|data): ?", line)]
    checks.equal("stream.separators-escaped", strange, [])
    checks.equal("stream.separators-escaped", texts(events), [SEPARATORS, 'tab\tquote"back\\slash\x01'])


def _frames(body: bytes) -> list[bytes]:
    return [frame for frame in body.replace(b"\r\n", b"\n").split(b"\n\n") if frame]


def _is_one_object(frame: bytes) -> bool:
    data = [line[5:] for line in frame.split(b"\n") if line.startswith(b"data:")]
    try:
        return len(data) == 1 and isinstance(json.loads(data[0]), dict)
    except ValueError:
        return False


@scenario("streams", "stream.blank-line", "stream.timestamp", "lines.one-event-each", profiles=("full", "compat"))
async def test_an_empty_line_follows_every_event(checks: Checks, raw: Raw) -> None:
    async with raw.stream("POST", "/command", json={"command": "echo one; echo two; exit 1"}) as stream:
        events = await whole(stream)
    body = stream.body.replace(b"\r\n", b"\n")
    checks.that("stream.blank-line", body.endswith(b"\n\n"), saw=body[-40:])
    checks.equal("stream.blank-line", len(_frames(body)), len(events))
    checks.equal("lines.one-event-each", texts(events), ["one", "two"])
    untimed = [event.raw for event in events if not isinstance(event.get("timestamp"), int)]
    checks.equal("stream.timestamp", untimed, [])


@scenario("streams", *EVERY, *NUMBERED, "stream.numbers-fixed", features={"replay", "output"})
async def test_events_are_numbered_from_one_and_keep_their_numbers(checks: Checks, raw: Raw) -> None:
    for output in ("lines", "chunks"):
        body = {"command": "for i in $(seq 60); do echo $i; echo e$i >&2; done; exit 1", "output": output}
        events = await raw.events("POST", "/command", json=body)
        lawful(checks, events)
        numbered(checks, events)
        again = await raw.events("GET", f"/executions/{events[0]['text']}/events")
        numbered(checks, again)
        checks.equal("stream.numbers-fixed", [(e.number, e.raw) for e in again], [(e.number, e.raw) for e in events])
