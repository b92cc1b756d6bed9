"""Signals by name: whom they reach, and when they are the cause of an end."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import EVERY, are_gone, ending, lawful, texts, whole
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.background import background, log_with
from execd_conformance.scenarios.refusals import REFUSALS, refused
from execd_conformance.stream import Stream


async def _signal(raw: Raw, execution_id: str, name: object) -> Reply:
    return await raw.request("POST", f"/executions/{execution_id}/signal", json={"signal": name})


async def _ready(stream: Stream) -> str:
    """Read on to the line by which a command says that it is ready, and return its id."""
    await stream.until(lambda event: event.get("text") == "ready")
    return str(stream.events[0]["text"])


@scenario(
    "commands",
    *EVERY,
    "executions.signal",
    "end.signal-request",
    "end.signal-name",
    "end.interrupted",
    features={"signal"},
)
async def test_a_signal_that_kills_is_an_interrupt(checks: Checks, raw: Raw) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGKILL", "SIGQUIT", "SIGALRM"):
        # A shell in the background of nobody: SIGINT is not ignored, as it would be for jobs of a shell.
        body = {"command": "echo ready; exec sleep 300"}
        async with raw.stream("POST", "/command", json=body, timeout_s=8) as stream:
            reply = await _signal(raw, await _ready(stream), name)
            await whole(stream)
            checks.equal("executions.signal", (reply.status, reply.body), (200, b""))
        lawful(checks, stream.events)
        end = ending(stream.events)
        checks.equal("end.signal-request", (end.type, end.get("cause")), ("error", "interrupted"))
        checks.equal("end.interrupted", (end.get("code"), end.get("exit_code")), ("INTERRUPTED", None))
        checks.equal("end.signal-name", end.get("signal"), name)


@scenario("commands", *EVERY, "executions.signal", "end.signal-request", "end.exit-other", features={"signal"})
async def test_a_signal_that_is_survived_is_no_interrupt(checks: Checks, raw: Raw) -> None:
    """A program may take it as a word to end, or as none: how it ends is what it does itself."""
    for command, name, said, ended_by in (
        ("trap 'echo heard; exit 5' INT; echo ready; while :; do sleep 0.05; done", "SIGINT", ["heard"], (5, "exited")),
        (
            "trap 'echo heard; exit 0' USR2; echo ready; while :; do sleep 0.05; done",
            "SIGUSR2",
            ["heard"],
            (0, "exited"),
        ),
        (
            "trap 'echo heard; kill -KILL $$' HUP; echo ready; while :; do sleep 0.05; done",
            "SIGHUP",
            ["heard"],
            (None, "signaled"),
        ),
    ):
        async with raw.stream("POST", "/command", json={"command": command}) as stream:
            await _signal(raw, await _ready(stream), name)
            rest = await whole(stream)
        lawful(checks, stream.events)
        checks.equal("executions.signal", texts(rest), said)
        end = ending(stream.events)
        checks.equal("end.signal-request", (end.get("exit_code"), end.get("cause")), ended_by)
        if ended_by == (5, "exited"):
            checks.equal("end.exit-other", (end.type, end.get("code")), ("error", "COMMAND_FAILED"))


_FAMILY = """
trap 'echo leader' USR1
sh -c 'trap "echo child; exit" USR1; echo up; while :; do sleep 0.02; done' &
setsid sh -c 'trap "echo stranger; exit" USR1; echo up $$; while :; do sleep 0.02; done' &
wait; wait; wait
"""


@scenario("commands", "executions.signal", "interrupt.term-first", "process.stop-strayed", features={"signal"})
async def test_a_signal_reaches_the_group_and_nobody_else(checks: Checks, raw: Raw) -> None:
    async with background(raw, _FAMILY) as told:
        up = 0
        async with raw.stream("GET", f"/executions/{told}/events") as stream:
            stranger = ""
            while up < 2:
                event = await stream.until(lambda event: event.type == "stdout")
                words = str(event.get("text")).split()
                up += words.count("up")
                stranger = next((word for word in words if word.isdigit()), stranger)
            await _signal(raw, told, "SIGUSR1")
            log = await log_with(raw, told, b"leader\n")
            log = await log_with(raw, told, b"child\n")
            heard = [word in log.text for word in (b"leader\n", b"child\n", b"stranger\n")]
            checks.that("executions.signal", heard == [True, True, False], saw=log.text)
            # It goes on, and can be told more; one that is stopped can still be ended.
            for name in ("SIGSTOP", "SIGCONT", "SIGSTOP"):
                checks.equal("executions.signal", (await _signal(raw, told, name)).status, 200)
            reply = await raw.request("DELETE", "/command", params={"id": told}, timeout_s=15)
            checks.equal("interrupt.term-first", (reply.status, reply.body), (200, b""))
            checks.that("process.stop-strayed", await are_gone(raw, stranger), saw=stranger)


@scenario(
    "commands",
    "executions.signal-refused",
    "executions.signal-finished",
    "executions.unknown",
    *REFUSALS,
    features={"signal"},
)
async def test_what_is_no_signal_is_refused(checks: Checks, raw: Raw, unique: str) -> None:
    async with background(raw, "exec sleep 300") as told:
        for name in ("INT", "sigint", "SIGNONE", "SIG", "", "9", 9, None, ["SIGINT"], "SIGINT\n", " SIGINT", "SIG_IGN"):
            reply = await _signal(raw, told, name)
            refused(checks, "executions.signal-refused", reply, 400, "INVALID_REQUEST_BODY", of=name)
        bodies: tuple[object, ...] = ({}, {"signal": "SIGTERM", "to": "all"}, [], "SIGTERM")
        for body in bodies:
            reply = await raw.request("POST", f"/executions/{told}/signal", json=body)
            refused(checks, "executions.signal-refused", reply, 400, "INVALID_REQUEST_BODY", of=body)
        status = (await raw.request("GET", f"/command/status/{told}")).json()
        checks.that("executions.signal-refused", status.get("running") is True, saw=status)
    refused(checks, "executions.signal-finished", await _signal(raw, told, "SIGINT"), 409, "ALREADY_FINISHED")
    ran = await raw.run("true")
    refused(checks, "executions.signal-finished", await _signal(raw, ran.id, "SIGKILL"), 409, "ALREADY_FINISHED")
    refused(checks, "executions.unknown", await _signal(raw, unique, "SIGINT"), 404, "EXECUTION_NOT_FOUND")
