"""Stopping a command: who is asked, who is killed, and what the caller is told."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import (
    EVERY,
    NUMBERED,
    are_gone,
    are_running,
    ending,
    have_ended,
    lawful,
    numbered,
    texts,
    whole,
)
from execd_conformance.raw import Raw, Reply
from execd_conformance.stream import Stream


async def _interrupt(raw: Raw, execution_id: str) -> Reply:
    return await raw.request("DELETE", "/command", params={"id": execution_id}, timeout_s=15)


async def _stop(raw: Raw, stream: Stream) -> Reply:
    """Interrupt a command that is being read, and read on to its end; without one in time go no further."""
    reply = await _interrupt(raw, str(stream.events[0]["text"]))
    if not any(event.is_terminal for event in stream.events):
        await stream.until(lambda event: event.is_terminal, limit_s=10)
    await whole(stream)
    return reply


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
        reply = await _stop(raw, stream)
    checks.equal("interrupt.answer", (reply.status, reply.body), (200, b""))
    events = stream.events
    lawful(checks, events)
    checks.equal("interrupt.term-first", texts(events), ["ready", "bye"])
    checks.equal("stream.output-before-end", events[-1].type, "error")
    status = (await raw.request("GET", f"/command/status/{events[0]['text']}")).json()
    checks.that("interrupt.answer", status.get("running") is False, saw=status)
    async with raw.stream("POST", "/command", json={"command": "echo ready; exec sleep 300"}) as stream:
        await _until_line(stream, "ready")
        await _stop(raw, stream)
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
            await _stop(raw, stream)
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
        pids = (await _pids(stream, 4))["pid"]
        reply = await _stop(raw, stream)
    lawful(checks, stream.events)
    checks.equal("interrupt.answer", reply.status, 200)
    checks.that("process.stop-descendants", await are_gone(raw, *pids), saw=pids)


async def _pids(stream: Stream, count: int) -> dict[str, list[str]]:
    """Read on until the command is ready and so many processes have said who they are; by what they call themselves."""
    seen: dict[str, list[str]] = {}

    def takes(text: str) -> bool:
        kind, _, pid = text.partition(" ")
        seen.setdefault(kind, []).extend([pid] if pid else [])
        return "ready" in seen and sum(map(len, seen.values())) >= count

    await stream.until(lambda event: event.type == "stdout" and takes(str(event.get("text"))))
    return seen


STRAYED = """
setsid sleep 304 >/dev/null 2>&1 & echo strayed $!
(setsid sh -c 'sleep 305 >/dev/null 2>&1 & echo strayed $!')
sh -c 'trap "" TERM; echo stubborn $$; exec sleep 306 >/dev/null 2>&1' &
setsid sh -c 'trap "" TERM HUP; echo stubborn $$; exec sleep 307 >/dev/null 2>&1' &
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
        theirs = (await _pids(bystander, 2))["pid"]
        pids = await _pids(stream, 4)
        everyone = [pid for kind in pids.values() for pid in kind]
        reply = await _interrupt(raw, str(stream.events[0]["text"]))
        checks.equal("interrupt.answer", (reply.status, reply.body), (200, b""))
        checks.that("interrupt.answer", await have_ended(raw, *everyone), saw=pids)
        checks.that("process.stop-strayed", await are_gone(raw, *pids["strayed"], limit_s=4), saw=pids)
        checks.that("process.stop-stubborn", await are_gone(raw, *pids["stubborn"], limit_s=4), saw=pids)
        await raw.run(f"kill -KILL {' '.join(everyone)} 2>/dev/null; true")  # what another daemon may have left
        checks.that("process.stop-only-own", await are_running(raw, *theirs), saw=theirs)
        await _interrupt(raw, str(bystander.events[0]["text"]))


@scenario("commands", *EVERY, "end.interrupted", "interrupt.term-first", "interrupt.answer")
async def test_who_ignores_the_request_is_killed_after_the_grace(checks: Checks, raw: Raw) -> None:
    command = "trap 'echo heard' TERM; echo ready $$; while :; do sleep 0.05; done"
    async with raw.stream("POST", "/command", json={"command": command}) as stream:
        pid = await _until_line(stream, "ready")
        reply = await _interrupt(raw, str(stream.events[0]["text"]))
        # It is gone now, not a little later.
        checks.that("interrupt.answer", reply.status == 200 and await have_ended(raw, pid), saw=(reply, pid))
        status = (await raw.request("GET", f"/command/status/{stream.events[0]['text']}")).json()
        checks.that("interrupt.answer", status.get("running") is False, saw=status)
        await stream.until(lambda event: event.is_terminal, limit_s=10)
        await whole(stream)
    lawful(checks, stream.events)
    end = ending(stream.events)
    checks.equal("interrupt.term-first", texts(stream.events)[1:], ["heard"])
    checks.equal("end.interrupted", (end.get("code"), end.get("signal")), ("INTERRUPTED", "SIGKILL"))
    took = end.get("execution_time", 0)
    checks.that("interrupt.term-first", took > 1500, saw=took)
