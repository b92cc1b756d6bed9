"""max_output_bytes: the first and the last of what a command writes, and how much lies between."""

from __future__ import annotations

from collections.abc import Sequence

from execd_conformance.checks import Checks, scenario
from execd_conformance.events import Event
from execd_conformance.laws import COUNTED, EVERY, NUMBERED, ending, lawful, numbered, texts, whole, written
from execd_conformance.raw import Raw

_DIGITS = "seq -w 100000"
"""Seven bytes a line."""


@scenario(
    "commands",
    *EVERY,
    *NUMBERED,
    "command.max-output-bytes",
    "command.max-output-told",
    "event.truncated",
    "end.counts",
    "end.truncated",
    "replay.suffix",
    features={"max_output_bytes", "output", "replay"},
)
async def test_head_and_tail_of_much_output_are_kept(checks: Checks, raw: Raw) -> None:
    full = "".join(f"{number:06}\n" for number in range(1, 100_001)).encode()
    for limit in (0, 1, 2, 7, 1000, 100_001):
        body = {"command": f"{_DIGITS}; exit 3", "output": "chunks", "max_output_bytes": limit}
        events = await raw.events("POST", "/command", json=body)
        lawful(checks, events)
        numbered(checks, events)
        gap, before, after = _parted(events)
        checks.need(gap is not None, "a truncated event says what is left out", saw=[event.type for event in events])
        head, tail = written(before), written(after)
        checks.that(
            "command.max-output-bytes", full.startswith(head) and full.endswith(tail), saw=(head[-9:], tail[:9])
        )
        checks.equal("command.max-output-bytes", (len(head), len(tail)), (limit - limit // 2, limit // 2))
        lost = (gap.get("stdout_bytes"), gap.get("stderr_bytes")) if gap else None
        checks.equal("command.max-output-told", lost, (len(full) - limit, 0))
        checks.equal("event.truncated", gap.number if gap else -1, None)
        end = ending(events)
        checks.equal("end.counts", (end.get("stdout_bytes"), end.get("stderr_bytes")), (len(full), 0))
        checks.equal("end.truncated", (end.get("truncated"), end.get("exit_code")), (True, 3))
        again = await raw.events("GET", f"/executions/{events[0]['text']}/events")
        checks.equal("replay.suffix", [event.raw for event in again], [event.raw for event in events])
        rest = await raw.events("GET", f"/executions/{events[0]['text']}/events", params={"after": 1})
        checks.equal("replay.suffix", [event.raw for event in rest], [event.raw for event in events[1:]])


def _parted(events: Sequence[Event]) -> tuple[Event | None, Sequence[Event], Sequence[Event]]:
    """Return the one truncated event, what came before it and what came after."""
    places = [at for at, event in enumerate(events) if event.type == "truncated"]
    if len(places) != 1:
        return None, events, []
    return events[places[0]], events[: places[0]], events[places[0] + 1 :]


@scenario(
    "commands",
    *EVERY,
    *COUNTED,
    "command.max-output-within",
    "command.max-output-bytes",
    features={"max_output_bytes", "output"},
)
async def test_output_within_the_limit_is_whole(checks: Checks, raw: Raw) -> None:
    for limit in (10, 11, 2**53):
        for output in ("lines", "chunks"):
            body = {"command": "printf 'ab\\ncd'; printf 'efghi' >&2", "output": output, "max_output_bytes": limit}
            events = await raw.events("POST", "/command", json=body)
            lawful(checks, events)
            want = [["ab", "cd"], ["efghi"]] if output == "lines" else [b"ab\ncd", b"efghi"]
            read = texts if output == "lines" else written
            checks.equal("command.max-output-within", [read(events), read(events, "stderr")], want)
            end = ending(events)
            checks.that("end.truncated", end.get("truncated") is False, saw=end.raw)
            checks.equal("end.counts", (end.get("stdout_bytes"), end.get("stderr_bytes")), (5, 5))
            checks.equal("end.cause", end.get("cause"), "exited")
            checks.that("end.execution-time", isinstance(end.get("execution_time"), int))
    for none in (-1, 2**53 + 1, "10", 1.5):
        reply = await raw.request("POST", "/command", json={"command": "true", "max_output_bytes": none})
        checks.equal("command.max-output-bytes", (reply.status, reply.code), (400, "INVALID_REQUEST_BODY"))


@scenario(
    "commands",
    *EVERY,
    *NUMBERED,
    "command.max-output-live",
    "command.max-output-told",
    "command.max-output-bytes",
    "chunks.whole-characters",
    features={"max_output_bytes", "output", "stdin"},
)
async def test_the_head_is_live_and_the_tail_waits(checks: Checks, raw: Raw) -> None:
    """Both streams share the limit; a character at either edge is not torn."""
    command = "printf 漢; while read x; do printf 'o漢漢'; printf 'e漢漢' >&2; done"
    body = {"command": command, "stdin": "pipe", "output": "chunks", "max_output_bytes": 20}
    async with raw.stream("POST", "/command", json=body) as stream:
        told = str((await stream.until(lambda event: event.type == "init"))["text"])
        head = await stream.until(lambda event: event.type == "stdout", limit_s=5)
        checks.equal("command.max-output-live", head.get("text"), "漢")
        for number in range(4):
            await raw.request("POST", f"/executions/{told}/stdin", content=f"{number}\n")
        await stream.until(lambda event: event.type in {"stdout", "stderr"}, limit_s=5)
        so_far = await raw.events("GET", f"/executions/{told}/events", params={"follow": "false"})
        kept = written(so_far) + written(so_far, "stderr")
        checks.that("command.max-output-live", 8 <= len(kept) <= 10, saw=[event.raw for event in so_far])
        checks.that("command.max-output-live", all(event.type != "truncated" for event in so_far))
        await raw.request("POST", f"/executions/{told}/stdin", params={"eof": "true"})
        await whole(stream)
    events = [event for event in stream.events if event.type != "ping"]
    lawful(checks, events)
    numbered(checks, events)
    gap, before, after = _parted(events)
    checks.that("command.max-output-live", gap is not None and after[-1].is_terminal, saw=[e.type for e in events])
    sizes = [len(written(part) + written(part, "stderr")) for part in (before, after)]
    checks.that("command.max-output-bytes", max(sizes) <= 10 and min(sizes) >= 8, saw=sizes)
    torn = [event.raw for event in events if event.get("data") is not None or "\ufffd" in str(event.get("text"))]
    checks.equal("chunks.whole-characters", torn, [])
    lost = sum(int(gap.get(f"{name}_bytes", 0)) for name in ("stdout", "stderr")) if gap else -1
    checks.equal("command.max-output-told", lost + sum(sizes), 3 + 4 * 14)
