"""Output as lines: what deployed clients get without asking for anything."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import COUNTED, EVERY, counted, ending, lawful, texts
from execd_conformance.raw import Raw

LONG = 512 * 1024


@scenario(
    "streams",
    *EVERY,
    "lines.default",
    "lines.one-event-each",
    "lines.empty",
    "lines.terminators",
    "lines.rest",
    "lines.invalid-bytes",
    profiles=("full", "compat"),
)
async def test_each_line_is_one_event(checks: Checks, raw: Raw) -> None:
    for text, lines, proves in (
        (r"one\ntwo\n", ["one", "two"], "lines.one-event-each"),
        (r"\n\na\n\n", ["\n", "\n", "a", "\n"], "lines.empty"),
        (r"a\rb\r\nc\nd\r\n", ["a", "b", "c", "d"], "lines.terminators"),
        (r"a\013b\014c\034d\302\205e\342\200\250f\n", ["a\vb\fc\x1cd\x85e\u2028f"], "lines.terminators"),
        (r"\r\r\n\r", ["\n", "\n", "\n"], "lines.empty"),
        (r"  kept \t\n", ["  kept \t"], "lines.one-event-each"),
        (r"done\nno newline", ["done", "no newline"], "lines.rest"),
        (r"x", ["x"], "lines.rest"),
        (r"a\377b\303\n\360\237\230\200\n", ["a\ufffdb\ufffd", "\U0001f600"], "lines.invalid-bytes"),
        (r"", [], "lines.one-event-each"),
    ):
        events = await raw.events("POST", "/command", json={"command": f"printf '{text}'"})
        lawful(checks, events)
        checks.equal(proves, texts(events), lines)
        checks.that("lines.default", all(event.get("data") is None for event in events), saw=text)


@scenario("streams", *COUNTED, "lines.rest-order", "lines.rest")
async def test_at_the_end_the_rest_of_stdout_comes_first(checks: Checks, raw: Raw) -> None:
    events = await raw.events("POST", "/command", json={"command": "printf 'err\\nrest2' >&2; printf 'out\\nrest1'"})
    output = [(event.type, event["text"]) for event in events if event.type in {"stdout", "stderr"}]
    checks.equal("lines.rest-order", output[-2:], [("stdout", "rest1"), ("stderr", "rest2")])
    checks.equal("lines.rest", len(output), 4)
    counted(checks, events, stdout=b"out\nrest1", stderr=b"err\nrest2")


@scenario("streams", "lines.cr-at-once", "lines.crlf-split", features={"stdin"})
async def test_a_carriage_return_ends_its_line_at_once(checks: Checks, raw: Raw) -> None:
    body = {"command": "printf 'a\\r'; read; printf '\\nb\\r'; read; printf '\\n\\nc'", "stdin": "pipe"}
    async with raw.stream("POST", "/command", json=body) as stream:
        init = await stream.until(lambda event: event.type == "init")
        lines = []
        for _ in range(2):
            # Only when the line is there is the program let on: the line feed comes with another read.
            lines.append(await stream.until(lambda event: event.type == "stdout", limit_s=5))
            await raw.request("POST", f"/executions/{init['text']}/stdin", content="\n")
        rest = [event async for event in stream]
    checks.equal("lines.cr-at-once", [line["text"] for line in lines], ["a", "b"])
    checks.equal("lines.crlf-split", texts(rest), ["\n", "c"])


@scenario("streams", *EVERY, *COUNTED, "lines.long", "lines.terminators")
async def test_a_very_long_line_comes_in_parts(checks: Checks, raw: Raw) -> None:
    for size, command in ((3 * LONG + 17, "printf '%*d\\nnext\\n'"), (LONG, "printf '%*d\\nnext\\n'")):
        events = await raw.events("POST", "/command", json={"command": f"{command} {size} 7"})
        lawful(checks, events)
        counted(checks, events, stdout=b"7".rjust(size) + b"\nnext\n")
        output = [event for event in events if event.type == "stdout"]
        *parts, last, after = output if len(output) > 1 else [*output, *output, ending(events)]
        checks.that("lines.long", all(part.get("partial") is True for part in parts), saw=len(output))
        checks.that("lines.long", not last.get("partial") and not after.get("partial"))
        sizes = [len(part["text"]) for part in (*parts, last)]
        checks.that("lines.long", max(sizes) <= LONG, saw=sizes)
        checks.equal("lines.long", len(parts), (size - 1) // LONG)
        joined = "".join(part["text"] for part in (*parts, last))
        checks.that("lines.terminators", joined == "7".rjust(size) and after.get("text") == "next", saw=len(joined))


@scenario("streams", *EVERY, "lines.long", "lines.invalid-bytes")
async def test_a_long_line_is_cut_between_characters(checks: Checks, raw: Raw) -> None:
    command = "printf 'x'; for i in $(seq 3000); do printf '%s' " + "漢" * 100 + "; done; echo"
    events = await raw.events("POST", "/command", json={"command": command})
    lawful(checks, events)
    joined = "".join(texts(events))
    checks.that("lines.invalid-bytes", joined == "x" + "漢" * 300_000, saw=joined[:20])
    checks.that("lines.long", len(texts(events)) >= 2, saw=len(texts(events)))
