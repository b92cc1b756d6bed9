"""Commands in the background: their start is answered at once, and they go on by themselves."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import EVERY, NUMBERED, are_running, ending, lawful, numbered, texts, whole, written
from execd_conformance.polling import ended
from execd_conformance.raw import Raw
from execd_conformance.scenarios.background import background, log_with, read_log


@scenario("commands", *EVERY, "command.background", "interrupt.answer", profiles=("full", "compat"))
async def test_a_background_command_is_answered_at_once(checks: Checks, raw: Raw) -> None:
    body = {"command": "echo begun; sleep 300; echo over", "background": True}
    async with raw.stream("POST", "/command", json=body, timeout_s=10) as stream:
        events = await whole(stream)
    lawful(checks, events)
    types = [event.type for event in events if event.type != "ping"]
    checks.equal("command.background", types, ["init", "execution_complete"])
    checks.that("command.background", stream.clean_end, saw=stream.cut)
    told = str(events[0]["text"])
    status = (await raw.request("GET", f"/command/status/{told}")).json()
    checks.equal("command.background", status.get("running"), True)  # noqa: FBT003 - what is seen is compared
    reply = await raw.request("DELETE", "/command", params={"id": told}, timeout_s=15)
    checks.equal("interrupt.answer", (reply.status, reply.body), (200, b""))
    status = (await raw.request("GET", f"/command/status/{told}")).json()
    checks.equal("interrupt.answer", status.get("running"), False)  # noqa: FBT003 - as above


@scenario(
    "commands",
    *EVERY,
    *NUMBERED,
    "command.background",
    "command.background-end",
    "command.background-failed",
    "status.more",
    "end.exit-other",
    "end.never-started",
    "end.timed-out",
    features={"replay", "output"},
)
async def test_the_end_of_a_start_is_not_that_of_the_command(checks: Checks, raw: Raw) -> None:
    for fields, cause, out in (
        ({"command": "echo out; echo err >&2; exit 3"}, "exited", b"out\n"),
        ({"argv": ["/no/such/program"]}, "never_started", b""),
        ({"command": "echo out; exec sleep 300", "timeout": 300}, "timed_out", b"out\n"),
        ({"command": "printf out"}, "exited", b"out"),
    ):
        body = {**fields, "background": True, "output": "chunks"}
        start = await raw.events("POST", "/command", json=body)
        lawful(checks, start)
        first, last = start[0], start[-1]
        checks.equal("command.background", (first.number, last.type), (1, "execution_complete"))
        checks.equal("command.background-end", last.number, None)
        named = {"cause", "exit_code", "signal", "code"} & last.data.keys()
        checks.that("command.background-end", not named, saw=last.raw)
        status = await ended(raw, str(first["text"]))
        checks.equal("command.background-failed", status.get("cause"), cause)
        checks.equal("status.more", status.get("background"), True)  # noqa: FBT003 - what is seen is compared
        events = await raw.events("GET", f"/executions/{first['text']}/events")
        lawful(checks, events)
        numbered(checks, events)
        checks.equal("command.background-end", (events[0].raw, ending(events).get("cause")), (first.raw, cause))
        checks.equal("command.background-failed", written(events), out)
        _judge(checks, ending(events).data)


def _judge(checks: Checks, end: dict[str, object]) -> None:
    proves, want = {
        "exited": ("end.exit-other", "COMMAND_FAILED" if end.get("exit_code") else None),
        "never_started": ("end.never-started", "COMMAND_FAILED"),
        "timed_out": ("end.timed-out", "EXECUTION_TIMEOUT"),
    }.get(str(end.get("cause")), ("end.exit-other", "another cause"))
    checks.equal(proves, end.get("code"), want)


@scenario("commands", *EVERY, *NUMBERED, "disconnect.background", "command.stdin-pipe", features={"replay", "stdin"})
async def test_nobody_has_to_read_a_background_command(checks: Checks, raw: Raw) -> None:
    """Not even who says that it should end with its readers, and then leaves."""
    body = {"stdin": "pipe", "on_disconnect": "kill", "disconnect_grace_ms": 0}
    command = "echo begun; while read x; do echo got $x; done; exit 4"
    async with background(raw, command, output="lines", **body) as told:
        path = f"/executions/{told}/events"
        async with raw.stream("GET", path) as stream:
            await stream.until(lambda event: event.get("text") == "begun")
            await stream.leave()
        await raw.request("POST", f"/executions/{told}/stdin", content="one\n")
        async with raw.stream("GET", path, params={"after": 2}) as stream:
            await stream.until(lambda event: event.get("text") == "got one")
            await stream.leave()
        await raw.request("POST", f"/executions/{told}/stdin", content="two\n", params={"eof": "true"})
        status = await ended(raw, told)
        checks.equal("disconnect.background", (status.get("cause"), status.get("exit_code")), ("exited", 4))
        events = await raw.events("GET", path)
    lawful(checks, events)
    numbered(checks, events)
    checks.equal("command.stdin-pipe", texts(events), ["begun", "got one", "got two"])


@scenario(
    "commands",
    "execution-id.attaches",
    "execution-id.after-end",
    "execution-id.conflict",
    "command.background",
    features={"execution_id"},
)
async def test_a_repeated_background_start_runs_once(checks: Checks, raw: Raw, unique: str, folder: str) -> None:
    body = {"command": "echo ran | tee -a ran", "cwd": folder, "execution_id": unique, "background": True}
    first = await raw.events("POST", "/command", json=body)
    again = await raw.events("POST", "/command", json=body)
    await ended(raw, unique)
    late = await raw.events("POST", "/command", json=body)
    for proves, start in (("execution-id.attaches", again), ("execution-id.after-end", late)):
        checks.equal(proves, start[0].raw, first[0].raw)
        checks.equal("command.background", [event.type for event in start], ["init", "execution_complete"])
    checks.equal("execution-id.attaches", (await raw.run("cat ran", cwd=folder)).stdout, "ran\n")
    reply = await raw.request("POST", "/command", json={**body, "background": False})
    checks.equal("execution-id.conflict", (reply.status, reply.code), (409, "EXECUTION_CONFLICT"))


_SURVIVOR = "(read x < go; echo late; echo later >&2; echo done > said) & echo $!; echo soon; exit 3"


@scenario(
    "commands",
    "process.late-output",
    "process.late-output-of-background",
    "process.survivors-live",
    "process.leader-ends",
    "command.background-end",
    "logs.cursor",
    features={"replay", "logs", "output"},
)
async def test_what_survivors_write_is_in_the_log_of_the_background(checks: Checks, raw: Raw, folder: str) -> None:
    await raw.run("mkfifo go", cwd=folder)
    for is_background in (True, False):
        body = {"command": _SURVIVOR, "cwd": folder, "background": is_background, "output": "chunks"}
        told = str((await raw.events("POST", "/command", json=body))[0]["text"])
        status = await ended(raw, told)
        checks.equal("process.leader-ends", (status.get("cause"), status.get("exit_code")), ("exited", 3))
        at_its_end = await raw.events("GET", f"/executions/{told}/events")
        log = await read_log(raw, told)
        pid, soon = log.text.decode().split("\n", 1)
        checks.equal("logs.cursor", (soon, log.cursor), ("soon\n", len(log.text)))
        checks.that("process.survivors-live", await are_running(raw, pid), saw=pid)
        # The log goes on where it was; the events are those that they were.
        await raw.run("echo go > go; until [ -s said ]; do sleep 0.02; done; rm said", cwd=folder)
        if is_background:
            for stream, text in (("stdout", b"late\n"), ("stderr", b"later\n")):
                later = await log_with(raw, told, text, cursor=log.cursor, stream=stream)
                checks.equal("process.late-output-of-background", later.text, text)
            later = await read_log(raw, told, cursor=log.cursor)
            checks.equal("logs.cursor", later.cursor, log.cursor + len("late\nlater\n"))
        else:
            later = await read_log(raw, told, cursor=log.cursor)
            checks.equal("process.late-output", (later.text, later.cursor), (b"", log.cursor))
        again = await raw.events("GET", f"/executions/{told}/events")
        checks.equal("command.background-end", [event.raw for event in again], [event.raw for event in at_its_end])
