"""Every way in which a command can end, and what its terminal event says of it."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.events import Event
from execd_conformance.laws import COUNTED, EVERY, counted, ending, is_count, lawful, texts, written
from execd_conformance.raw import Raw

FAILED = "COMMAND_FAILED"


def _error(end: Event) -> dict[str, object]:
    error = end.get("error")
    return error if isinstance(error, dict) else {}


@scenario(
    "commands",
    *EVERY,
    "event.error-shape",
    "end.ename",
    "end.evalue",
    "end.traceback",
    "end.error-alone",
    "stream.output-before-end",
    profiles=("full", "compat"),
)
async def test_a_deployed_client_reads_how_a_command_failed(checks: Checks, raw: Raw) -> None:
    ends = {f"exit {code}": str(code) for code in (1, 2, 42, 126, 127, 128, 143, 255)}
    ends |= {f"kill -{number} $$; sleep 5": "-1" for number in (9, 15, 6)}
    for command, evalue in ends.items():
        events = await raw.events("POST", "/command", json={"command": f"echo before; {command}"})
        lawful(checks, events)
        error = _error(ending(events))
        trace = error.get("traceback")
        checks.that("event.error-shape", isinstance(trace, list) and isinstance(error.get("ename"), str), saw=error)
        checks.equal("end.ename", error.get("ename"), "CommandExecError")
        checks.equal("end.evalue", error.get("evalue"), evalue)
        checks.that("end.traceback", isinstance(trace, list) and _is_one_line(trace), saw=trace)
        checks.that("end.error-alone", all(event.type != "execution_complete" for event in events))
        checks.equal("stream.output-before-end", texts(events), ["before"])


def _is_one_line(trace: list[object]) -> bool:
    return len(trace) == 1 and isinstance(trace[0], str) and trace[0] != "" and "\n" not in trace[0]


@scenario(
    "commands",
    *EVERY,
    *COUNTED,
    "end.exit-zero",
    "end.exit-other",
    "end.exit-code-only-of-an-exit",
    "event.complete-time",
    "event.error-code",
)
async def test_an_exit_is_told_with_its_code(checks: Checks, raw: Raw) -> None:
    for code in (0, 1, 2, 3, 77, 127, 128, 130, 137, 254, 255):
        events = await raw.events("POST", "/command", json={"command": f"echo hi; echo oh >&2; exit {code}"})
        lawful(checks, events)
        counted(checks, events, stdout=b"hi\n", stderr=b"oh\n")
        end = ending(events)
        told = (end.type, end.get("code"), end.get("exit_code"))
        if code == 0:
            checks.equal("end.exit-zero", told, ("execution_complete", None, 0))
            checks.that("event.complete-time", is_count(end.get("execution_time")), saw=end.raw)
        else:
            checks.equal("end.exit-other", told, ("error", FAILED, code))
            checks.equal("event.error-code", end.get("code"), FAILED)
        checks.that("end.exit-code-only-of-an-exit", "signal" not in end.data, saw=end.raw)


@scenario(
    "commands", *EVERY, *COUNTED, "end.signaled", "end.signal-name", "end.exit-code-only-of-an-exit", "event.error-code"
)
async def test_a_death_by_a_signal_is_told_by_its_name(checks: Checks, raw: Raw) -> None:
    for name in ("TERM", "KILL", "SEGV", "ABRT", "HUP", "USR1"):
        events = await raw.events("POST", "/command", json={"command": f"echo hi; kill -{name} $$; sleep 5; echo no"})
        lawful(checks, events)
        counted(checks, events, stdout=b"hi\n", cause="signaled")
        end = ending(events)
        checks.equal("end.signaled", (end.type, end.get("cause"), end.get("code")), ("error", "signaled", FAILED))
        checks.equal("end.signal-name", end.get("signal"), f"SIG{name}")
        checks.that("end.exit-code-only-of-an-exit", end.get("exit_code") is None, saw=end.raw)
        checks.equal("event.error-code", end.get("code"), FAILED)
    # A shell that waits for the program which the signal kills exits by itself, as shells do.
    end = ending(await raw.events("POST", "/command", json={"command": "sh -c 'kill -KILL $$'; exit $?"}))
    checks.equal("end.exit-code-only-of-an-exit", (end.get("exit_code"), end.get("signal")), (137, None))


@scenario("commands", *COUNTED, "end.never-started", "end.evalue", "end.ename", "command.too-long")
async def test_a_program_that_cannot_start_says_why(checks: Checks, raw: Raw) -> None:
    for argv, errno, words in (
        (["/no/such/program"], 2, "o such file"),
        (["/etc/passwd", "x"], 13, "ermission denied"),
    ):
        events = await raw.events("POST", "/command", json={"argv": argv})
        counted(checks, events, cause="never_started")
        end = ending(events)
        told = (end.type, end.get("code"), end.get("cause"), end.get("details", {}).get("errno"))
        checks.equal("end.never-started", told, ("error", FAILED, "never_started", errno))
        checks.that("end.never-started", "exit_code" not in end.data and "signal" not in end.data, saw=end.raw)
        checks.that("end.evalue", words in str(_error(end).get("evalue")), saw=end.raw)
        checks.equal("end.ename", _error(end).get("ename"), "CommandExecError")
    events = await raw.events("POST", "/command", json={"command": "echo " + "x" * 200_000})
    end = ending(events)
    checks.equal("command.too-long", (end.type, end.get("cause")), ("error", "never_started"))
    checks.that("command.too-long", "file" in str(_error(end).get("evalue")), saw=_error(end))
    ran = await raw.run("echo " + "x" * 100_000)
    checks.equal("command.too-long", len(ran.stdout), 100_001)


@scenario(
    "commands",
    *EVERY,
    "end.timed-out",
    "end.stop-decides",
    "end.signal-name",
    "end.execution-time",
    "command.timeout",
    "command.timeout-none",
    "stream.output-before-end",
)
async def test_a_timeout_asks_the_whole_group_to_end(checks: Checks, raw: Raw) -> None:
    child = "sh -c 'trap \"echo child; exit\" TERM; while :; do sleep 0.02; done' & "
    command = f"trap 'echo leader; wait; exit 7' TERM; {child} echo begun; wait"
    events = await raw.events("POST", "/command", json={"command": command, "timeout": 500}, timeout_s=8)
    lawful(checks, events)
    checks.equal("command.timeout", sorted(texts(events)), ["begun", "child", "leader"])
    checks.equal("stream.output-before-end", texts(events)[:1], ["begun"])
    end = ending(events)
    told = (end.type, end.get("code"), end.get("cause"))
    checks.equal("end.timed-out", told, ("error", "EXECUTION_TIMEOUT", "timed_out"))
    checks.equal("end.stop-decides", end.get("exit_code"), 7)
    took = end.get("execution_time")
    checks.that("end.execution-time", isinstance(took, int) and 480 <= took < 2400, saw=took)
    sleep = {"command": "exec sleep 60", "timeout": 50}
    end = ending(await raw.events("POST", "/command", json=sleep, timeout_s=8))
    checks.equal("end.signal-name", (end.get("cause"), end.get("signal")), ("timed_out", "SIGTERM"))
    checks.that("end.stop-decides", end.get("exit_code") is None, saw=end.raw)
    events = await raw.events("POST", "/command", json={"command": "sleep 0.2; echo done", "timeout": 0})
    checks.equal("command.timeout-none", (texts(events), events[-1].type), (["done"], "execution_complete"))
    took = ending(events).get("execution_time")
    checks.that("end.execution-time", isinstance(took, int) and 190 <= took < 10_000, saw=took)


@scenario(
    "commands",
    *EVERY,
    "command.timeout-kill",
    "command.timeout-end",
    "end.timed-out",
    "end.counts",
    features={"output"},
)
async def test_what_ignores_its_timeout_is_killed(checks: Checks, raw: Raw) -> None:
    body = {"command": "trap '' TERM; echo begun; while :; do sleep 0.1; done", "timeout": 200, "output": "chunks"}
    events = await raw.events("POST", "/command", json=body)
    lawful(checks, events)
    end = ending(events)
    checks.equal("end.timed-out", (end.get("code"), end.get("cause")), ("EXECUTION_TIMEOUT", "timed_out"))
    checks.equal("command.timeout-kill", end.get("signal"), "SIGKILL")
    took = end.get("execution_time", 0)
    checks.that("command.timeout-end", 1500 < took < 10_000, saw=took)
    checks.equal("end.counts", (written(events), end.get("stdout_bytes")), (b"begun\n", 6))
