"""The processes of a command after its leader has gone: who lives on, who is heard, who is reaped."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.laws import EVERY, are_gone, are_running, ending, lawful, texts
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw


@scenario("commands", "process.session", "process.no-zombie")
async def test_each_command_leads_a_session_and_is_reaped(checks: Checks, raw: Raw) -> None:
    pids = []
    for command in ("true", "exit 3", "kill -9 $$", "(sleep 0.2 & echo $!) & wait"):
        # Of /proc/PID/stat, behind the name in brackets: state, parent, group, session.
        look = "sed 's/.*) //' /proc/$$/stat | cut -d' ' -f3,4; echo $$; "
        ran = await raw.run(look + command)
        group, session, pid, *others = ran.stdout.split()
        checks.that("process.session", group == session == pid, saw=ran.stdout)
        pids += [pid, *others]
    checks.that("process.no-zombie", await are_gone(raw, *pids), saw=pids)


@scenario("commands", *EVERY, "process.survivors-live", "process.leader-ends", "process.drain-grace")
async def test_survivors_of_a_finished_leader_live_on(checks: Checks, raw: Raw) -> None:
    for command in (
        "sleep 60 >/dev/null 2>&1 </dev/null & echo $!",  # holds nothing
        "sleep 60 & echo $!",  # holds the pipe open
        "setsid sleep 60 & echo $!; exit 3",
    ):
        events = await raw.events("POST", "/command", json={"command": command}, timeout_s=8)
        lawful(checks, events)
        pid = str(texts(events)[0])
        took = ending(events).get("execution_time", 60_000)
        checks.that("process.drain-grace", took < 3000, saw=took)
        checks.that("process.leader-ends", events[-1].is_terminal)
        checks.that("process.survivors-live", await are_running(raw, pid), saw=pid)
        await raw.run(f"kill {pid}")


@scenario("commands", *EVERY, "process.drain", "process.drain-grace", needs={"start"})
async def test_a_survivor_is_heard_as_long_as_the_drain_lasts(checks: Checks, daemons: Daemons) -> None:
    async with daemons(drain_grace_ms=8000) as daemon:
        command = {"command": "(sleep 0.4; echo soon; exec sleep 0.4 >/dev/null 2>&1) & echo now"}
        events = await daemon.raw.events("POST", "/command", json=command)
    lawful(checks, events)
    checks.equal("process.drain", texts(events), ["now", "soon"])
    # The pipe's end is the end of the drain: nobody waits for the rest of the grace.
    took = ending(events).get("execution_time", 60_000)
    checks.that("process.drain-grace", 350 < took < 6000, saw=took)


@scenario("commands", "process.no-sigpipe", "process.late-output", "process.drain", features={"replay"})
async def test_a_survivor_that_goes_on_writing_is_not_hurt(checks: Checks, raw: Raw, folder: str) -> None:
    # The child writes well after the drain's end, more than a pipe holds, and says so elsewhere when that went well.
    child = "(read x < go; seq 30000 && echo alive > said) &"
    command = f"mkfifo go; {child} seq 20000; echo last"
    events = await raw.events("POST", "/command", json={"command": command, "cwd": folder})
    whole = texts(events) == [*map(str, range(1, 20_001)), "last"]
    checks.that("process.drain", whole, saw=len(texts(events)))
    await raw.run("echo now > go", cwd=folder)

    async def has_said() -> bool:
        return (await raw.run("cat said", cwd=folder)).stdout == "alive\n"

    checks.that("process.no-sigpipe", await eventually(has_said, limit_s=10))
    again = await raw.events("GET", f"/executions/{events[0]['text']}/events")
    checks.equal("process.late-output", [event.raw for event in again], [e.raw for e in events if e.type != "ping"])
