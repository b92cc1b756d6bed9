"""Memory and processes of a single run are limited, or the request says that they cannot be.

Where the daemon may make no control groups, its refusal is what the scenarios look at, and all that they can.
"""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import raised
from execd_conformance.laws import EVERY, lawful
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw
from opensandbox import Sandbox
from opensandbox.exceptions import NotSupportedException, OutOfMemoryException

MIB = 1024 * 1024
_HOG = "a=$(head -c 50000000 /dev/zero | tr '\\0' a); echo ${#a}"
"""The shell itself takes the memory: it is what is killed."""
_MANY = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do { echo up; exec sleep 300; } & done; echo all >&2; wait"
_BOMB = "f() { f | f & f | f & }; f; wait"
_LEAVING_BOMB = ":(){ :|:& };:"
"""Its leader has gone before the limit is reached."""


async def _can(checks: Checks, raw: Raw, field: str, value: int) -> bool:
    """Tell whether a limit is taken; a refusal has to be a clear one, and settles what is declared."""
    reply = await raw.request("POST", "/command", json={"command": "true", field: value})
    if reply.status == 200:
        return True
    told = reply.json()
    clear = told.get("details", {}).get("field") == field and field in str(told.get("message"))
    for requirement in checks.declared.proves:
        checks.that(requirement, (reply.status, reply.code, clear) == (501, "NOT_SUPPORTED", True), saw=reply)
    return False


@scenario("commands", *EVERY, "run-limits.memory", "run-limits.memory-end", features={"run_limits"}, limit_s=60)
async def test_a_run_has_no_more_memory_than_its_limit(checks: Checks, raw: Raw) -> None:
    if not await _can(checks, raw, "memory_limit_bytes", 32 * MIB):
        return
    ran = await raw.run(_HOG, memory_limit_bytes=32 * MIB)
    lawful(checks, ran.events)
    end = ran.end
    checks.equal("run-limits.memory", ran.stdout, "")
    told = [end.get(name) for name in ("cause", "code", "signal", "exit_code")]
    checks.equal("run-limits.memory-end", told, ["out_of_memory", "OUT_OF_MEMORY", "SIGKILL", None])
    status = await raw.request("GET", f"/command/status/{ran.id}")
    checks.equal("run-limits.memory-end", status.json().get("cause"), "out_of_memory")
    ran = await raw.run("echo $((6 * 7))", memory_limit_bytes=32 * MIB)
    checks.equal("run-limits.memory", (ran.stdout, ran.exit_code), ("42\n", 0))
    ran = await raw.run("kill -KILL $$", memory_limit_bytes=32 * MIB)
    checks.equal("run-limits.memory-end", ran.end.get("cause"), "signaled")


@scenario("commands", "run-limits.pids", features={"run_limits"})
async def test_a_run_has_no_more_processes_than_its_limit(checks: Checks, raw: Raw) -> None:
    if not await _can(checks, raw, "pids_limit", 8):
        return
    async with raw.stream("POST", "/command", json={"command": _MANY, "pids_limit": 8, "output": "lines"}) as stream:
        for _ in range(5):
            await stream.until(lambda event: event.get("text") == "up", limit_s=10)
        if all(event.type != "stderr" for event in stream.events):
            # What the shell says when it cannot start another.
            await stream.until(lambda event: event.type == "stderr" or event.is_terminal, limit_s=10)
        ups = [event.raw for event in stream.events if event.type == "stdout"]
        # What the shell says once it has started them all may overtake what they say.
        held = len(ups) <= 7 and all(event.get("text") != "all" for event in stream.events)
        checks.that("run-limits.pids", held and stream.events[-1].type != "error", saw=ups)
        await raw.request("DELETE", "/command", params={"id": str(stream.events[0]["text"])})
    async with raw.stream("POST", "/command", json={"command": _MANY, "pids_limit": 100, "output": "lines"}) as stream:
        for _ in range(12):
            await stream.until(lambda event: event.get("text") == "up", limit_s=10)
        told = [event.get("text") for event in stream.events if event.type == "stderr"]
        checks.that("run-limits.pids", told in ([], ["all"]), saw=told)
        await raw.request("DELETE", "/command", params={"id": str(stream.events[0]["text"])})


@scenario(
    "commands",
    "run-limits.pids",
    "run-limits.stop",
    "run-limits.alone",
    features={"run_limits"},
    limit_s=60,
)
async def test_a_fork_bomb_is_held_and_stopped(checks: Checks, raw: Raw, unique: str) -> None:
    if not await _can(checks, raw, "pids_limit", 40):
        return
    body = {"command": _BOMB, "pids_limit": 40, "background": True, "execution_id": unique}
    await raw.events("POST", "/command", json=body)
    await eventually(lambda: _are_many(raw, unique))
    for number in range(5):
        ran = await raw.run(f"echo {number} | cat; exit {number}")
        checks.equal("run-limits.alone", (ran.stdout, ran.exit_code), (f"{number}\n", number))
    checks.that("run-limits.pids", await _count(raw, unique) <= 40)
    reply = await raw.request("DELETE", "/command", params={"id": unique})
    checks.equal("run-limits.stop", (reply.status, await _count(raw, unique)), (200, 0))


@scenario("commands", "run-limits.after-end", "run-limits.stop", features={"run_limits"}, limit_s=60)
async def test_what_a_run_with_limits_has_left_can_be_interrupted(checks: Checks, raw: Raw, unique: str) -> None:
    if not await _can(checks, raw, "pids_limit", 40):
        return
    ran = await raw.run(_LEAVING_BOMB, pids_limit=40, execution_id=unique)
    checks.equal("run-limits.after-end", ran.end.get("cause"), "exited")
    await eventually(lambda: _are_many(raw, unique))
    reply = await raw.request("DELETE", "/command", params={"id": unique})
    checks.equal("run-limits.after-end", (reply.status, reply.body), (200, b""))
    checks.equal("run-limits.stop", await _count(raw, unique), 0)
    reply = await raw.request("DELETE", "/command", params={"id": unique})
    checks.equal("run-limits.after-end", (reply.status, reply.code), (409, "ALREADY_FINISHED"))
    status = await raw.request("GET", f"/command/status/{unique}")
    checks.equal("run-limits.after-end", (status.json().get("cause"), status.json().get("exit_code")), ("exited", 0))


async def _count(raw: Raw, execution_id: str) -> int:
    """Count the processes that carry the mark of a run."""
    ran = await raw.run(f"grep -l EXECD_EXECUTION_ID={execution_id} /proc/[0-9]*/environ 2>/dev/null | wc -l")
    return int(ran.stdout)


async def _are_many(raw: Raw, execution_id: str) -> bool:
    return await _count(raw, execution_id) >= 10


@scenario("commands", "run-limits.bounds", features={"run_limits"})
async def test_a_limit_that_cannot_be_meant_is_refused(checks: Checks, raw: Raw) -> None:
    for field, values in {
        "memory_limit_bytes": (0, -1, MIB - 1, 2**53 + 1, "64M", 1.5e9, True),
        "pids_limit": (0, -1, 2**22 + 1, "8", 1.5, True),
    }.items():
        for value in values:
            reply = await raw.request("POST", "/command", json={"command": "true", field: value})
            checks.equal("run-limits.bounds", (reply.status, reply.code), (400, "INVALID_REQUEST_BODY"))
            checks.that("run-limits.bounds", field in reply.text, saw=reply)
    ran = await raw.run("echo none", memory_limit_bytes=None, pids_limit=None)
    checks.equal("run-limits.bounds", ran.stdout, "none\n")


@scenario("sdk", "sdk.run-limits", features={"run_limits"}, limit_s=60)
async def test_limits_of_a_run_are_arguments(checks: Checks, sandbox: Sandbox) -> None:
    commands = sandbox.commands
    try:
        execution = await commands.run("echo $((6 * 7))", memory_limit_bytes=32 * MIB, pids_limit=20)
    except NotSupportedException as refusal:
        checks.that("sdk.run-limits", refusal.error.details.get("field") in {"memory_limit_bytes", "pids_limit"})
        return
    checks.equal("sdk.run-limits", execution.stdout, "42\n")
    fault = await raised(commands.run(_HOG, memory_limit_bytes=32 * MIB))
    checks.that("sdk.run-limits", isinstance(fault, OutOfMemoryException), saw=fault)
    session = await commands.run_background(_HOG, memory_limit_bytes=32 * MIB, pids_limit=20)
    checks.equal("sdk.run-limits", (await commands.wait(session)).cause, "out_of_memory")
    ends = []
    try:
        async with commands.run_stream(_HOG, memory_limit_bytes=32 * MIB) as lines:
            ends += [line.text async for line in lines]
    except OutOfMemoryException as killed:
        ends.append(str(killed.error.code))
    checks.equal("sdk.run-limits", ends, ["OUT_OF_MEMORY"])
