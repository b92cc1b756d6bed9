"""Output in chunks: every byte as it was written, as soon as it was."""

from __future__ import annotations

import hashlib

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import COUNTED, EVERY, NUMBERED, counted, ending, lawful, numbered, whole, written
from execd_conformance.raw import Raw

CHUNK = 64 * 1024
EVERY_BYTE = "".join(f"\\{byte:03o}" for byte in range(256))
TEXT = "aé漢😀\r\n\n\té\r漢"


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    *COUNTED,
    "chunks.exact",
    "chunks.data",
    "event.output-stream",
    "stream.output-before-end",
    features={"output"},
)
async def test_every_byte_comes_as_it_was_written(checks: Checks, raw: Raw) -> None:
    for command, out, err in (
        (f"for i in 1 2 3; do printf '{EVERY_BYTE}'; done", bytes(range(256)) * 3, b""),
        ("printf 'a\\r\\n\\nb\\rc'; printf '\\n\\ne' >&2", b"a\r\n\nb\rc", b"\n\ne"),
        (f"printf '{EVERY_BYTE}' >&2; echo out", b"out\n", bytes(range(256))),
        ("true", b"", b""),
        ("printf '\\360\\237\\230'", b"\xf0\x9f\x98", b""),
        ("printf 'ok\\000\\000nul\\357\\273\\277'", b"ok\0\0nul\xef\xbb\xbf", b""),
    ):
        events = await raw.events("POST", "/command", json={"command": command, "output": "chunks"})
        lawful(checks, events)
        numbered(checks, events)
        counted(checks, events, stdout=out, stderr=err)
        checks.equal("chunks.exact", written(events), out)
        checks.equal("event.output-stream", written(events, "stderr"), err)
        checks.that("stream.output-before-end", events[-1] is ending(events))
        for event in events:
            checks.that("chunks.data", _is_text_or_data(event.data), saw=event.raw)


def _is_text_or_data(fields: dict[str, object]) -> bool:
    if fields.get("type") not in {"stdout", "stderr"}:
        return True
    text, data = fields.get("text"), fields.get("data")
    return isinstance(text, str) != isinstance(data, str)


@scenario("streams", *COUNTED, "chunks.whole-characters", "chunks.exact", "chunks.data", features={"output"})
async def test_a_character_written_byte_by_byte_is_not_torn(checks: Checks, raw: Raw) -> None:
    # Each printf is a write of its own, of one byte; with the pauses it is also a read of its own.
    writes = [f"printf '\\{byte:03o}'" for byte in TEXT.encode()]
    slowly = "; sleep 0.03; ".join(f"{write}; {write} >&2" for write in writes)
    command = f"{slowly}; for i in $(seq 30); do {'; '.join(writes)}; done"
    events = await raw.events("POST", "/command", json={"command": command, "output": "chunks"})
    counted(checks, events, stdout=TEXT.encode() * 31, stderr=TEXT.encode())
    checks.equal("chunks.exact", (written(events), written(events, "stderr")), (TEXT.encode() * 31, TEXT.encode()))
    output = [event for event in events if event.type in {"stdout", "stderr"}]
    torn = [event.raw for event in output if "\ufffd" in event.get("text", "")]
    checks.equal("chunks.whole-characters", torn, [])
    checks.equal("chunks.data", [event.raw for event in output if event.get("data") is not None], [])


@scenario("streams", "chunks.at-once", "chunks.exact", features={"output", "stdin"})
async def test_a_chunk_is_sent_as_soon_as_it_is_there(checks: Checks, raw: Raw) -> None:
    body = {"command": "printf 'name? '; read a; printf 'sure? ' >&2; read b; echo $a $b", "output": "chunks"}
    async with raw.stream("POST", "/command", json={**body, "stdin": "pipe"}) as stream:
        init = await stream.until(lambda event: event.type == "init")
        asked = []
        for answer in ("x\n", "y\n"):
            # It waits for its answer: what it has asked comes now or never.
            asked.append(await stream.until(lambda event: event.type in {"stdout", "stderr"}, limit_s=5))
            await raw.request("POST", f"/executions/{init['text']}/stdin", content=answer)
        rest = await whole(stream)
    prompts = [(event.type, event["text"]) for event in asked]
    checks.equal("chunks.at-once", prompts, [("stdout", "name? "), ("stderr", "sure? ")])
    checks.equal("chunks.exact", written(rest), b"x y\n")


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    *COUNTED,
    "chunks.size",
    "chunks.coalesced",
    "chunks.whole-characters",
    "chunks.exact",
    "chunks.no-alternation",
    features={"output"},
    limit_s=60,
)
async def test_large_output_comes_in_chunks_of_bounded_size(checks: Checks, raw: Raw) -> None:
    unit = "漢字😀é and some more of it\n".encode()
    command = f"yes '{unit.decode().rstrip()}' | head -c {len(unit) * 100_000}"
    events = await raw.events("POST", "/command", json={"command": command, "output": "chunks"})
    lawful(checks, events)
    numbered(checks, events)
    want = unit * 100_000
    got = written(events)
    checks.equal("chunks.exact", (len(got), _digest(got)), (len(want), _digest(want)))
    counted(checks, events, stdout=want)
    output = [event for event in events if event.type == "stdout"]
    sizes = [len(written([event])) for event in output]
    checks.that("chunks.size", max(sizes, default=0) <= CHUNK, saw=max(sizes, default=0))
    checks.that("chunks.coalesced", len(sizes) < 20_000, saw=len(sizes))
    torn = [event.number for event in output if "text" not in event.data or "\ufffd" in event["text"]]
    checks.equal("chunks.whole-characters", torn, [])
    # One read of 64 KiB at most, text and other bytes in turns: it is sent whole, not as a piece for each turn.
    mixed = b"text \xff" * 5000
    command = r"yes $'text \377' | tr -d '\n' | head -c 30000 > mixed.$$; cat mixed.$$; rm mixed.$$"
    events = await raw.events("POST", "/command", json={"command": command, "output": "chunks"})
    checks.equal("chunks.exact", _digest(written(events)), _digest(mixed))
    pieces = [event for event in events if event.type == "stdout"]
    checks.that("chunks.no-alternation", 0 < len(pieces) <= 8, saw=len(pieces))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
