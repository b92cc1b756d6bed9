"""Stopping a command: who is asked, who is killed, and what the caller is told."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import EVERY, NUMBERED, are_gone, are_running, ending, lawful, numbered, texts, whole
from execd_conformance.raw import Raw, Reply
from execd_conformance.stream import Stream


async def _interrupt(raw: Raw, execution_id: str) -> Reply:
    return await raw.request("DELETE", "/command", params={"id": execution_id}, timeout_s=15)


async def _until_line(stream: Stream, text: str) -> str:
    """Read on to a line that begins so, and return the rest of it."""
    line = await stream.until(lambda event: str(event.get("text", "")).startswith(text))
    return str(line["text"]).removeprefix(text).strip()


@scenario(
    "commands",
    *EVERY,
    "interrupt.term-first",
    "interrupt.answer",
    "stream.output-before-end",
    "end.evalue",
    profiles=("full", "compat"),
)
async def test_an_interrupt_asks_first(checks: Checks, raw: Raw) -> None:
    command = "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.05; done"
    async with raw.stream("POST", "/command", json={"command": command}) as stream:
        await _until_line(stream, "ready")
        told = str(stream.events[0]["text"])
        reply = await _interrupt(raw, told)
        await whole(stream)
    checks.equal("interrupt.answer", (reply.status, reply.body), (200, b""))
    events = stream.events
    lawful(checks, events)
    checks.equal("interrupt.term-first", texts(events), ["ready", "bye"])
    checks.equal("stream.output-before-end", events[-1].type, "error")
    status = (await raw.request("GET", f"/command/status/{told}")).json()
    checks.that("interrupt.answer", status.get("running") is False, saw=status)
    async with raw.stream("POST", "/command", json={"command": "exec sleep 300"}) as stream:
        init = await stream.until(lambda event: event.type == "init")
        await _interrupt(raw, str(init["text"]))
        await whole(stream)
    checks.equal("end.evalue", ending(stream.events).get("error", {}).get("evalue"), "-1")


@scenario(
    "commands",
    *EVERY,
    *NUMBERED,
    "end.interrupted",
    "end.stop-decides",
    "end.signal-name",
    "interrupt.finished",
    "interrupt.unknown",
    "interrupt.missing-id",
    features={"replay"},
)
async def test_an_interrupt_is_the_cause_whatever_the_exit(checks: Checks, raw: Raw, unique: str) -> None:
    for command, exit_code, signal in (
        ("trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done", 9, None),
        ("trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done", 0, None),
        ("echo ready; exec sleep 300", None, "SIGTERM"),
    ):
        async with raw.stream("POST", "/command", json={"command": command}) as stream:
            await _until_line(stream, "ready")
            told = str(stream.events[0]["text"])
            await _interrupt(raw, told)
            await whole(stream)
        lawful(checks, stream.events)
        numbered(checks, stream.events)
        end = ending(stream.events)
        seen = (end.type, end.get("code"), end.get("cause"))
        checks.equal("end.interrupted", seen, ("error", "INTERRUPTED", "interrupted"))
        checks.equal("end.stop-decides", end.get("exit_code"), exit_code)
        checks.equal("end.signal-name", end.get("signal"), signal)
        again = await _interrupt(raw, told)
        checks.equal("interrupt.finished", (again.status, again.code), (409, "ALREADY_FINISHED"))
    reply = await _interrupt(raw, unique)
    checks.equal("interrupt.unknown", (reply.status, reply.code), (404, "COMMAND_NOT_FOUND"))
    reply = await raw.request("DELETE", "/command")
    checks.equal("interrupt.missing-id", (reply.status, reply.code), (400, "MISSING_QUERY"))


FAMILY = """
sleep 301 & echo "pid $!"
(sleep 302 & echo "pid $!"; wait) &
nohup sleep 303 >/dev/null 2>&1 & echo "pid $!"
echo "pid $$"
echo ready; wait
"""


@scenario("commands", *EVERY, "process.stop-descendants", "interrupt.answer", profiles=("full", "compat"))
async def test_an_interrupt_leaves_no_child(checks: Checks, raw: Raw) -> None:
    async with raw.stream("POST", "/command", json={"command": FAMILY}) as stream:
        pids = await _pids(stream, 4)
        reply = await _interrupt(raw, str(stream.events[0]["text"]))
        await whole(stream)
    lawful(checks, stream.events)
    checks.equal("interrupt.answer", reply.status, 200)
    checks.that("process.stop-descendants", await are_gone(raw, *pids), saw=pids)


async def _pids(stream: Stream, count: int) -> list[str]:
    """Read on until so many processes have said who they are, and the command is ready."""
    seen: set[str] = set()

    def takes(text: str) -> bool:
        seen.add(text)
        return "ready" in seen and sum(each.startswith("pid ") for each in seen) >= count

    await stream.until(lambda event: event.type == "stdout" and takes(str(event.get("text"))))
    return [each.removeprefix("pid ") for each in seen if each.startswith("pid ")]


STRAYED = """
setsid sleep 304 >/dev/null 2>&1 & echo "pid $!"
(setsid sh -c 'sleep 305 >/dev/null 2>&1 & echo "pid $!"')
sh -c "trap '' TERM; echo \\"pid \\$\\$\\"; exec sleep 306 >/dev/null 2>&1" &
setsid sh -c "trap '' TERM HUP; echo \\"pid \\$\\$\\"; exec sleep 307 >/dev/null 2>&1" &
echo ready; wait
"""


@scenario(
    "commands",
    "process.stop-strayed",
    "process.stop-stubborn",
    "process.stop-only-own",
    "interrupt.answer",
    limit_s=40,
)
async def test_an_interrupt_finds_who_left_and_kills_who_ignores_it(checks: Checks, raw: Raw) -> None:
    other = {"command": 'setsid sleep 308 >/dev/null 2>&1 & echo "pid $!"; echo "pid $$"; echo ready; wait'}
    async with (
        raw.stream("POST", "/command", json=other) as bystander,
        raw.stream("POST", "/command", json={"command": STRAYED}) as stream,
    ):
        theirs = await _pids(bystander, 2)
        pids = await _pids(stream, 4)
        reply = await _interrupt(raw, str(stream.events[0]["text"]))
        checks.equal("interrupt.answer", (reply.status, reply.body), (200, b""))
        checks.that("process.stop-strayed", await are_gone(raw, *pids, limit_s=2), saw=pids)
        checks.that("process.stop-stubborn", await are_gone(raw, *pids, limit_s=2), saw=pids)
        checks.that("process.stop-only-own", await are_running(raw, *theirs), saw=theirs)
        await _interrupt(raw, str(bystander.events[0]["text"]))


@scenario("commands", *EVERY, "end.interrupted", "interrupt.term-first")
async def test_who_ignores_the_request_is_killed_after_the_grace(checks: Checks, raw: Raw) -> None:
    command = "trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done"
    async with raw.stream("POST", "/command", json={"command": command}) as stream:
        await _until_line(stream, "ready")
        await _interrupt(raw, str(stream.events[0]["text"]))
        await whole(stream)
    lawful(checks, stream.events)
    end = ending(stream.events)
    checks.equal("interrupt.term-first", texts(stream.events), ["ready", "heard"])
    checks.equal("end.interrupted", (end.get("code"), end.get("signal")), ("INTERRUPTED", "SIGKILL"))
    took = end.get("execution_time", 0)
    checks.that("interrupt.term-first", took > 1500, saw=took)
