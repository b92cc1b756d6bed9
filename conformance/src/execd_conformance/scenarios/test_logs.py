"""Logs: what a command has written, byte for byte, from any place to any other."""

from __future__ import annotations

import hashlib
from pathlib import Path

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.laws import whole
from execd_conformance.polling import ended, eventually
from execd_conformance.raw import Raw
from execd_conformance.scenarios.background import CURSOR, background, log_with, read_log
from execd_conformance.scenarios.refusals import REFUSALS, refused

EVERY_BYTE = "".join(f"\\{byte:03o}" for byte in range(256))
MIB = 1024 * 1024


@scenario("commands", "logs.raw", "logs.cursor", profiles=("full", "compat"))
async def test_a_deployed_client_reads_a_log_as_it_grows(checks: Checks, raw: Raw, folder: str) -> None:
    await raw.run("mkfifo go", cwd=folder)
    command = "echo one; read x < go; echo two; echo three"
    async with background(raw, command, cwd=folder) as told:
        first = await log_with(raw, told, b"one\n")
        checks.equal("logs.raw", first.text, b"one\n")
        nothing = await read_log(raw, told, cursor=first.cursor)
        checks.equal("logs.cursor", (nothing.text, nothing.cursor), (b"", first.cursor))
        await raw.run("echo x > go", cwd=folder)
        rest = await log_with(raw, told, b"three\n", cursor=first.cursor)
        checks.equal("logs.cursor", rest.text, b"two\nthree\n")
        await ended(raw, told)
        reply = await raw.request("GET", f"/command/{told}/logs", params={"cursor": 0})
        checks.equal("logs.raw", (reply.status, reply.body), (200, b"one\ntwo\nthree\n"))
        kind = str(reply.headers.get("content-type", "")).lower().replace(" ", "")
        checks.equal("logs.raw", kind, "text/plain;charset=utf-8")
        checks.equal("logs.cursor", int(reply.headers.get(CURSOR, -1)), rest.cursor)


_TURNS = "while read x; do case $x in o*) printf $x;; *) printf $x >&2;; esac; done"
_WORDS = ("o1", "e22", "o333", "o\\n", "e5", "e6é", "o7漢", "e\\0008")


@scenario(
    "commands",
    "logs.cursor",
    "logs.stream",
    "logs.until",
    "logs.any-run",
    "logs.cut",
    "logs.end",
    features={"logs", "stdin", "output"},
)
async def test_any_two_places_have_what_lies_between(checks: Checks, raw: Raw) -> None:
    """One word at a time, each to its stream, so that their order is known; in the foreground."""
    body = {"command": _TURNS, "stdin": "pipe", "output": "chunks"}
    written: list[tuple[str, bytes]] = []
    async with raw.stream("POST", "/command", json=body) as stream:
        told = str((await stream.until(lambda event: event.type == "init"))["text"])
        for word in _WORDS:
            await raw.request("POST", f"/executions/{told}/stdin", content=word.replace("\\", "\\\\") + "\n")
            event = await stream.until(lambda event: event.type in {"stdout", "stderr"})
            written.append((event.type, event.content))
            so_far = await read_log(raw, told)
            checks.equal("logs.cut", so_far.text, b"".join(text for _, text in written))
        await raw.request("POST", f"/executions/{told}/stdin", params={"eof": "true"})
        await whole(stream)
    bytes_of = [(name, bytes([byte])) for name, text in written for byte in text]
    size = len(bytes_of)
    log = await read_log(raw, told)
    checks.equal("logs.any-run", (log.text, log.cursor), (b"".join(text for _, text in bytes_of), size))
    checks.that("logs.stream", [name for name, _ in written] == [_STREAM[word[0]] for word in _WORDS], saw=written)
    for cursor in range(size + 1):
        until = size - (cursor * 7) % (size - cursor + 1)
        for wanted in ("", "stdout", "stderr"):
            chosen = {"stream": wanted} if wanted else {}
            rest = await read_log(raw, told, cursor=cursor, **chosen)
            want = b"".join(byte for name, byte in bytes_of[cursor:] if wanted in {"", name})
            checks.equal("logs.stream" if wanted else "logs.cursor", (rest.text, rest.cursor), (want, size))
            part = await read_log(raw, told, cursor=cursor, until=until, **chosen)
            want = b"".join(byte for name, byte in bytes_of[cursor:until] if wanted in {"", name})
            checks.equal("logs.until", (part.text, part.cursor), (want, until))
            checks.equal("logs.end", (rest.end, part.end), (size, size))
    beyond = await read_log(raw, told, until=size + 1000)
    checks.equal("logs.until", (beyond.text, beyond.cursor), (log.text, size))


_STREAM = {"o": "stdout", "e": "stderr"}


@scenario("commands", "logs.raw", "logs.any-run", "logs.stream", features={"logs", "output"})
async def test_a_log_has_every_byte_as_it_was_written(checks: Checks, raw: Raw) -> None:
    every = bytes(range(256))
    command = f"printf '{EVERY_BYTE}'; printf '{EVERY_BYTE}{EVERY_BYTE}' >&2"
    for output in ("lines", "chunks"):
        for is_background in (False, True):
            body = {"command": command, "output": output, "background": is_background}
            told = str((await raw.events("POST", "/command", json=body))[0]["text"])
            await ended(raw, told)
            out = await read_log(raw, told, stream="stdout")
            err = await read_log(raw, told, stream="stderr")
            both = await read_log(raw, told)
            checks.equal("logs.raw", (out.text, err.text), (every, every * 2))
            checks.equal("logs.stream", (out.cursor, err.cursor, both.cursor), (768, 768, 768))
            checks.equal("logs.any-run", len(both.text), 768)
            head = await raw.request("HEAD", f"/command/{told}/logs")
            checks.equal("logs.stream", (head.status, head.headers.get(CURSOR), head.body), (200, "768", b""))


@scenario("commands", "logs.raw", "logs.cursor", "logs.until", "logs.stream", features={"logs"}, limit_s=60)
async def test_a_large_log_comes_whole_and_in_parts(checks: Checks, raw: Raw) -> None:
    """Twice 24 MiB, more than is kept in memory."""
    size = 24 * MIB
    out = f"yes '{'x' * 60}' | head -c {size}"
    err = f"yes '漢字 é' | head -c {size}"
    async with background(raw, f"{out} & ({err}) >&2; wait") as told:
        await ended(raw, told, limit_s=30)
        streams = {"stdout": ("x" * 60 + "\n").encode(), "stderr": "漢字 é\n".encode()}
        for name, line in streams.items():
            want = _digest((line * (size // len(line) + 1))[:size])
            log = await read_log(raw, told, stream=name)
            checks.equal("logs.raw", (len(log.text), _digest(log.text)), (size, want))
            parts, cursor = [], 0
            while cursor < 2 * size:
                part = await read_log(raw, told, stream=name, cursor=cursor, until=cursor + 11 * MIB + 1)
                parts.append(part.text)
                checks.that("logs.cursor", part.cursor == min(cursor + 11 * MIB + 1, 2 * size), saw=part.cursor)
                checks.need(part.cursor > cursor, "a cursor goes on")
                cursor = part.cursor
            checks.equal("logs.until", _digest(b"".join(parts)), want)
        both = await read_log(raw, told)
        checks.equal("logs.stream", len(both.text), 2 * size)


@scenario("commands", "logs.streamed", features={"logs"}, needs={"start", "host"}, limit_s=60)
async def test_a_large_log_needs_little_memory(checks: Checks, daemons: Daemons) -> None:
    size = 96 * MIB
    async with daemons() as daemon, background(daemon.raw, f"yes 0123456789 | head -c {size}") as told:
        await ended(daemon.raw, told, limit_s=40)
        before = _most_memory(daemon.facts["pid"])
        for query in ({}, {"stream": "stdout"}):
            reply = await daemon.raw.request("GET", f"/command/{told}/logs", params=query, timeout_s=30)
            checks.that("logs.streamed", len(reply.body) == size, saw=len(reply.body))
        more = _most_memory(daemon.facts["pid"]) - before
        checks.that("logs.streamed", more < size // 4, saw=more)


def _most_memory(pid: str) -> int:
    """Return the most bytes that a process has held in memory so far."""
    told = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(told.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@scenario("commands", "logs.characters", "logs.cut", features={"logs", "stdin"})
async def test_an_answer_does_not_end_inside_a_character(checks: Checks, raw: Raw) -> None:
    """The bytes of one come one by one; only the end of the command lets half of one go out."""
    character = "😀".encode()
    command = "echo begun >&2; while read x; do printf $x; echo x >&2; done"
    async with background(raw, command, stdin="pipe") as told:
        await log_with(raw, told, b"begun\n", stream="stderr")
        for count, byte in enumerate((*character, *character[:2]), 1):
            await raw.request("POST", f"/executions/{told}/stdin", content=f"\\\\{byte:03o}\n")
            await _has_written(raw, told, "stdout_bytes", count)
            await _has_written(raw, told, "stderr_bytes", len("begun\n") + 2 * count)
            log = await read_log(raw, told, stream="stdout")
            checks.equal("logs.characters", log.text, b"" if count < len(character) else character)
            checks.that("logs.cut", await _adds_up(raw, told, log.cursor), saw=log)
        await raw.request("POST", f"/executions/{told}/stdin", params={"eof": "true"})
        await ended(raw, told)
        log = await read_log(raw, told, stream="stdout")
        checks.equal("logs.cut", log.text, character + character[:2])


async def _has_written(raw: Raw, told: str, field: str, size: int) -> None:
    async def ask() -> bool:
        told_size = (await raw.request("GET", f"/executions/{told}")).json().get(field)
        return bool(told_size == size)

    await eventually(ask)


async def _adds_up(raw: Raw, told: str, cursor: int) -> bool:
    """Whether both streams up to a place are what lies before it."""
    parts = [await read_log(raw, told, stream=name, until=cursor) for name in ("stdout", "stderr")]
    return sum(len(part.text) for part in parts) == cursor


@scenario("commands", "logs.start", "logs.cursor", features={"logs", "overflow"}, needs={"start"}, limit_s=60)
async def test_a_log_tells_where_it_begins(checks: Checks, daemons: Daemons) -> None:
    """More was written than is kept: the oldest is gone, and places are those that they were."""
    size = 5 * MIB
    async with (
        daemons(retention_bytes=MIB) as daemon,
        background(daemon.raw, f"seq -w 10000000 | head -c {size}") as told,
    ):
        await ended(daemon.raw, told, limit_s=30)
        log = await read_log(daemon.raw, told)
        checks.that("logs.start", log.start is not None and log.start > 0, saw=log.start)
        checks.that("logs.start", (log.start or 0) + len(log.text) == log.cursor == size, saw=(log.start, log.cursor))
        checks.that("logs.start", 0 < len(log.text) <= MIB, saw=len(log.text))
        # Each line is eight digits and a line feed, and line n begins at 9 (n - 1).
        first = log.text.index(b"\n") + 1
        begins = (int(log.text[first : first + 8]) - 1) * 9
        checks.equal("logs.cursor", begins, (log.start or 0) + first)
        late = await read_log(daemon.raw, told, cursor=size - 9)
        checks.equal("logs.start", (late.start, late.text), (size - 9, log.text[-9:]))
        gone = await read_log(daemon.raw, told, cursor=0, until=10)
        checks.equal("logs.start", (gone.text, gone.start), (b"", gone.cursor))


@scenario("commands", "logs.start", "logs.raw", features={"logs", "overflow"}, needs={"start"}, limit_s=60)
async def test_a_log_that_overflows_while_it_is_read_comes_whole(checks: Checks, daemons: Daemons) -> None:
    """What an answer has announced is sent, though the program goes on and more is kept in its place."""
    async with daemons(retention_bytes=8 * MIB) as daemon, background(daemon.raw, "yes 0123456") as told:

        async def has_overflown() -> bool:
            size = (await daemon.raw.request("GET", f"/executions/{told}")).json().get("stdout_bytes")
            return isinstance(size, int) and size > 16 * MIB

        await eventually(has_overflown)
        for stream in ({}, {"stream": "stdout"}, {}):
            log = await read_log(daemon.raw, told, **stream)
            checks.equal("logs.start", (log.start or 0) + len(log.text), log.cursor)
            line = b"0123456\n"
            first = (log.start or 0) % len(line)
            want = (line[first:] + line * (len(log.text) // len(line) + 1))[: len(log.text)]
            checks.that("logs.raw", len(log.text) > MIB and log.text == want, saw=(len(log.text), log.text[:20]))


@scenario("commands", "logs.refused", "logs.unknown", *REFUSALS, features={"logs"})
async def test_places_that_are_none_are_refused(checks: Checks, raw: Raw, unique: str) -> None:
    ran = await raw.run("printf 12345")
    path = f"/command/{ran.id}/logs"
    for query in (
        {"cursor": 6},
        {"cursor": -1},
        {"cursor": "x"},
        {"cursor": ""},
        {"cursor": "1.0"},
        {"cursor": 10**30},
        {"cursor": 3, "until": 2},
        {"until": -1},
        {"until": "five"},
        {"stream": "both"},
        {"stream": "STDOUT"},
    ):
        refused(checks, "logs.refused", await raw.request("GET", path, params=query), 400, "INVALID_QUERY", of=query)
    refused(checks, "logs.unknown", await raw.request("GET", f"/command/{unique}/logs"), 404, "COMMAND_NOT_FOUND")
