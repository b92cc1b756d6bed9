"""Many runs at once: each with its own exit code, its own output, and no one else's."""

from __future__ import annotations

import asyncio

from execd_conformance.checks import Checks, scenario
from execd_conformance.events import Event
from execd_conformance.laws import COUNTED, EVERY, NUMBERED, counted, ending, lawful, numbered, texts, written
from execd_conformance.raw import Raw

RUNS = 200
AT_ONCE = 32
LINES = 12_000


def _command(number: int) -> str:
    return (
        f"echo out {number}; echo err {number} >&2; head -c {number * 611} /dev/zero | tr '\\0' x; "
        f"printf 'last {number}'; exit {number % 256}"
    )


def _stdout(number: int) -> bytes:
    return f"out {number}\n".encode() + b"x" * (number * 611) + f"last {number}".encode()


async def _all(raw: Raw, count: int, **fields: object) -> list[list[Event]]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> list[Event]:
        async with turn:
            return await raw.events("POST", "/command", json={"command": _command(number), **fields}, timeout_s=60)

    return await asyncio.gather(*map(one, range(count)))


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    *COUNTED,
    "stream.order",
    "stream.output-before-end",
    "replay.suffix",
    features={"replay"},
    limit_s=60,
)
async def test_a_long_output_is_complete_and_in_order(checks: Checks, raw: Raw) -> None:
    lines = [str(number) for number in range(1, LINES + 1)]
    command = f"seq {LINES}; seq {LINES} >&2; printf end"
    events = await raw.events("POST", "/command", json={"command": command}, timeout_s=60)
    lawful(checks, events)
    numbered(checks, events)
    said = "\n".join(lines).encode() + b"\n"
    counted(checks, events, stdout=said + b"end", stderr=said)
    checks.that("stream.order", texts(events) == [*lines, "end"], saw=len(texts(events)))
    checks.that("stream.order", texts(events, "stderr") == lines, saw=len(texts(events, "stderr")))
    checks.that("stream.output-before-end", events[-1].is_terminal)
    shown = [event for event in events if event.type != "ping"]
    path = f"/executions/{events[0]['text']}/events"
    for after in (LINES - 1, 2 * LINES, len(shown) - 2):
        again = await raw.events("GET", path, params={"after": after}, timeout_s=60)
        same = [(event.number, event.raw) for event in again] == [(event.number, event.raw) for event in shown[after:]]
        checks.that("replay.suffix", same, saw=(after, len(again), len(shown)))


@scenario(
    "commands",
    *EVERY,
    "end.evalue",
    "end.error-alone",
    "stream.output-before-end",
    "stream.order",
    "event.output-stream",
    "event.init-id",
    profiles=("full", "compat"),
    limit_s=60,
)
async def test_many_runs_at_once_do_not_mix(checks: Checks, raw: Raw) -> None:
    came = await _all(raw, RUNS // 2)
    checks.equal("event.init-id", len({event.get("text") for events in came for event in events[:1]}), RUNS // 2)
    for number, events in enumerate(came):
        lawful(checks, events)
        end = ending(events)
        told = end.get("error", {}).get("evalue") if number % 256 else end.type
        checks.equal("end.evalue", told, str(number % 256) if number % 256 else "execution_complete")
        checks.equal("end.error-alone", sum(event.is_terminal for event in events), 1)
        want = [f"out {number}", "x" * (number * 611) + f"last {number}"]
        checks.that("stream.order", texts(events) == want, saw=(number, len(texts(events))))
        checks.equal("event.output-stream", texts(events, "stderr"), [f"err {number}"])
        checks.that("stream.output-before-end", events[-1].is_terminal and len(events) >= 5, saw=(number, len(events)))


@scenario(
    "commands",
    *EVERY,
    *NUMBERED,
    *COUNTED,
    "end.exit-zero",
    "end.exit-other",
    "chunks.exact",
    "event.output-stream",
    features={"output"},
    limit_s=60,
)
async def test_many_runs_at_once_have_every_byte_and_every_code(checks: Checks, raw: Raw) -> None:
    for number, events in enumerate(await _all(raw, RUNS, output="chunks")):
        lawful(checks, events)
        numbered(checks, events)
        counted(checks, events, stdout=_stdout(number), stderr=f"err {number}\n".encode())
        checks.that("chunks.exact", written(events) == _stdout(number), saw=(number, len(written(events))))
        checks.equal("event.output-stream", written(events, "stderr"), f"err {number}\n".encode())
        proves = "end.exit-other" if number % 256 else "end.exit-zero"
        checks.equal(proves, ending(events).get("exit_code"), number % 256)
