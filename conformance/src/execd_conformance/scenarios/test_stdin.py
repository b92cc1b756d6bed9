"""Standard input of a command that was started with a pipe."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import ending, whole, written
from execd_conformance.raw import Raw

LARGE = bytes(range(256)) * 8192


@scenario("commands", "command.stdin-pipe", "stdin.raw", "stdin.eof", "stdin.closed", features={"stdin", "output"})
async def test_input_reaches_the_program_byte_for_byte(checks: Checks, raw: Raw) -> None:
    body = {"command": "cat", "stdin": "pipe", "output": "chunks"}
    async with raw.stream("POST", "/command", json=body) as stream:
        init = await stream.until(lambda event: event.type == "init")
        path = f"/executions/{init['text']}/stdin"
        for piece in (b"first\n", b"", b"\xff\x00\r\n"):
            reply = await raw.request("POST", path, content=piece)
            checks.equal("command.stdin-pipe", (reply.status, reply.body), (200, b""))
        # `cat` gives back what it has taken while more is sent, so that this never waits.
        reply = await raw.request("POST", path, content=LARGE, params={"eof": "true"})
        checks.equal("stdin.eof", reply.status, 200)
        reply = await raw.request("POST", path, content=b"more")
        checks.equal("stdin.closed", (reply.status, reply.code), (409, "STDIN_CLOSED"))
        events = await whole(stream)
    checks.that("stdin.raw", written(events) == b"first\n\xff\x00\r\n" + LARGE, saw=len(written(events)))
    checks.equal("stdin.eof", (ending(events).type, ending(events).get("exit_code")), ("execution_complete", 0))
    reply = await raw.request("POST", path, content=b"late")
    checks.equal("stdin.closed", (reply.status, reply.code), (409, "STDIN_CLOSED"))


@scenario("commands", "stdin.closed", "command.stdin-null", "executions.unknown", features={"stdin"})
async def test_who_has_no_input_takes_none(checks: Checks, raw: Raw, unique: str) -> None:
    async with raw.stream(
        "POST", "/command", json={"command": "cat; echo end; exec sleep 60", "stdin": "null"}
    ) as stream:
        init = await stream.until(lambda event: event.type == "init")
        line = await stream.until(lambda event: event.type == "stdout")
        checks.equal("command.stdin-null", line.get("text"), "end")
        reply = await raw.request("POST", f"/executions/{init['text']}/stdin", content=b"x")
        checks.equal("stdin.closed", (reply.status, reply.code), (409, "STDIN_CLOSED"))
        await raw.request("DELETE", "/command", params={"id": str(init["text"])})
    reply = await raw.request("POST", f"/executions/{unique}/stdin", content=b"x")
    checks.equal("executions.unknown", (reply.status, reply.code), (404, "EXECUTION_NOT_FOUND"))


@scenario(
    "commands", "stdin.repeated", "stdin.offset", "stdin.write-id", "error.offset-mismatch",
    features={"stdin", "output", "write_id"},
)  # fmt: skip
async def test_a_write_that_is_sent_again_is_taken_once(checks: Checks, raw: Raw) -> None:
    body = {"command": "cat", "stdin": "pipe", "output": "chunks"}
    async with raw.stream("POST", "/command", json=body) as stream:
        init = await stream.until(lambda event: event.type == "init")
        path = f"/executions/{init['text']}/stdin"

        async def write(content: bytes, **params: str) -> tuple[int, str | None, object]:
            reply = await raw.request("POST", path, content=content, params=params)
            return reply.status, reply.code, (reply.json().get("details") if reply.body else None)

        for content, params in (
            (b"one\ntwo\n", {"write_id": "w"}),
            (b"one\ntwo\n", {"write_id": "w"}),
            (b"two\nthree\n", {"write_id": "w", "offset": "4"}),
            (b"one\n", {"write_id": "v"}),
        ):
            checks.equal("stdin.repeated", (await write(content, **params))[0], 200)
        status, code, details = await write(b"x", write_id="w", offset="15")
        checks.equal("stdin.offset", (status, details), (409, {"offset": 14}))
        checks.equal("error.offset-mismatch", (status, code), (409, "OFFSET_MISMATCH"))
        for params in ({"offset": "0"}, {"write_id": "a/b"}, {"write_id": "x" * 65}):
            checks.equal("stdin.write-id", (await write(b"x", **params))[:2], (400, "INVALID_QUERY"))
        await write(b"end", write_id="u", eof="true")
        events = await whole(stream)
    checks.equal("stdin.repeated", written(events), b"one\ntwo\nthree\none\nend")
    # The answer to the last write may have been lost: whether it was taken can be asked after the end too.
    checks.equal("stdin.repeated", (await write(b"end", write_id="u"))[0], 200)
