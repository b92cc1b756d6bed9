"""How runs of a live shell end, and what is left of the shell then."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import EVERY, are_gone, are_running, lawful
from execd_conformance.polling import ended
from execd_conformance.raw import Raw
from execd_conformance.scenarios.shells import Shell, notices, shell
from execd_conformance.stream import Stream

_ENDS = (
    ("exit 4", 4, None),
    ("f() { exit 5; }; f", 5, None),
    ("set -e; false; echo never", 1, None),
    ("exec sh -c 'exit 6'", 6, None),
    ("kill -9 $$; sleep 300", None, "SIGKILL"),
)
BUSY = (
    "sleep 300; echo after",
    "while :; do :; done",
    "sleep 300 | sleep 300",
    "X=$(sleep 300); echo after",
    "sleep 300 & wait; echo after",
    "sh -c 'trap \"\" INT TERM; while :; do sleep 300; done'",
    "exec 8<>fifo; read x <&8; echo after",
)


@scenario("commands", "session.exit", "session.restarted", features={"sessions"}, limit_s=60)
async def test_who_ends_the_shell_ends_the_run_and_not_the_session(checks: Checks, raw: Raw, folder: str) -> None:
    async with shell(raw, cwd=folder, envs={"GIVEN": "g"}) as here:
        for command, code, signal in _ENDS:
            await here.run("A=1; cd /")
            ran = await here.run(f"echo before; {command}")
            seen = (ran.stdout, ran.end.get("exit_code"), ran.end.get("signal"))
            checks.equal("session.exit", seen, ("before\n", code, signal))
            ran = await here.run("echo $A.$GIVEN; pwd -P")
            checks.equal("session.restarted", (notices(ran), ran.events[1].type), (["restarted"], "status"))
            checks.equal("session.exit", ran.stdout, f".g\n{folder}\n")
            checks.equal("session.restarted", notices(await here.run("true")), [])
        for command in ("(exit 4)", "f() { return 5; }; f", "bash -c 'exit 6'", "echo $(exit 7); (exit 7)"):
            await here.run("A=1")
            await here.run(command)
            ran = await here.run("echo $A")
            checks.equal("session.exit", (notices(ran), ran.stdout), ([], "1\n"))


@scenario("commands", *EVERY, "session.timeout", "end.timed-out", features={"sessions"}, limit_s=60)
async def test_a_timeout_stops_the_run_and_leaves_the_shell(checks: Checks, raw: Raw, folder: str) -> None:
    async with shell(raw, cwd=folder) as here:
        job = (await here.say("mkfifo fifo; A=1; sleep 300 & echo $!")).strip()
        for command in BUSY:
            ran = await here.run(f"echo begun; {command}", timeout=300)
            lawful(checks, ran.events)
            end = (ran.end.type, ran.end.get("code"), ran.end.get("cause"))
            checks.equal("end.timed-out", end, ("error", "EXECUTION_TIMEOUT", "timed_out"))
            checks.equal("session.timeout", (command, ran.stdout), (command, "begun\n"))
            ran = await here.run(f"echo $A; kill -0 {job} && echo there")
            checks.equal("session.timeout", (command, notices(ran), ran.stdout), (command, [], "1\nthere\n"))
        checks.that("session.timeout", await are_running(raw, job), saw=job)


@scenario("commands", "session.timeout", "session.stop", features={"sessions"})
async def test_what_a_stopped_run_has_started_is_gone(checks: Checks, raw: Raw) -> None:
    command = "setsid sleep 300 & echo $!; sleep 300 & echo $!; nohup sh -c 'echo $$; sleep 300; :' & wait"
    async with shell(raw) as here:
        ran = await here.run(command, timeout=700)
        pids = [word for word in ran.stdout.split() if word.isdigit()]
        checks.that("session.timeout", len(pids) == 3 and await are_gone(raw, *pids), saw=ran)
        async with here.stream(command, output="lines") as stream:
            pids = [await _word(stream) for _ in range(3)]
            reply = await raw.request("DELETE", "/command", params={"id": stream.events[0]["text"]}, timeout_s=20)
            checks.equal("session.stop", (reply.status, reply.body), (200, b""))
            end = await stream.until(lambda event: event.is_terminal)
            checks.equal("session.stop", (end.get("code"), end.get("cause")), ("INTERRUPTED", "interrupted"))
        checks.that("session.stop", await are_gone(raw, *pids), saw=pids)
        checks.equal("session.stop", notices(await here.run("true")), [])


async def _word(stream: Stream) -> str:
    return str((await stream.until(lambda event: event.type == "stdout"))["text"]).strip()


@scenario("commands", "session.disconnect", features={"sessions", "replay"})
async def test_a_run_of_a_session_heeds_its_readers_leaving(checks: Checks, raw: Raw) -> None:
    async with shell(raw) as here:
        await here.run("A=1")
        for policy, cause in (("kill", "cancelled"), ("detach", "exited")):
            asked = {"on_disconnect": policy, "disconnect_grace_ms": 100, "output": "lines"}
            async with here.stream("echo $$; sleep 2; echo after", **asked) as stream:
                await _word(stream)
                told = str(stream.events[0]["text"])
                await stream.leave()
            checks.equal("session.disconnect", (await ended(raw, told)).get("cause"), cause)
            ran = await here.run("echo $A")
            checks.equal("session.disconnect", (notices(ran), ran.stdout), ([], "1\n"))


@scenario("commands", "session.replaced", features={"sessions"}, limit_s=40)
async def test_a_shell_that_does_not_come_back_is_replaced(checks: Checks, raw: Raw) -> None:
    async with shell(raw) as here:
        ran = await here.run("trap '' INT TERM; echo begun; while :; do :; done", timeout=300)
        checks.equal("session.replaced", (ran.end.get("cause"), ran.stdout), ("timed_out", "begun\n"))
        ran = await here.run("echo on")
        checks.equal("session.replaced", (notices(ran), ran.stdout), (["restarted"], "on\n"))


@scenario("commands", *EVERY, "session.queue", "interrupt.answer", features={"sessions"})
async def test_runs_of_a_session_wait_for_each_other(checks: Checks, raw: Raw, folder: str) -> None:
    async with shell(raw, cwd=folder) as here:
        await here.run("mkfifo gate")
        async with here.stream("echo 0; read x <gate; echo 1", output="lines") as first:
            await _word(first)
            async with here.stream("echo 2; N=2") as second, here.stream("echo never") as third:
                for waiting in (second, third):
                    status = await waiting.until(lambda event: event.type == "status")
                    seen = (len(waiting.events), status.get("text"))
                    checks.equal("session.queue", seen, (2, "queued"))
                told = third.events[0]["text"]
                reply = await raw.request("DELETE", "/command", params={"id": told}, timeout_s=10)
                checks.equal("interrupt.answer", reply.status, 200)
                end = await third.until(lambda event: event.is_terminal)
                checks.equal("session.queue", (end.get("cause"), len(third.events)), ("interrupted", 3))
                checks.that("session.queue", not second.events[2:], saw=second.events[2:])
                await raw.run("echo x >gate", cwd=folder)
                for stream, want in ((first, "1"), (second, "2")):
                    checks.equal("session.queue", await _word(stream), want)
                    await stream.until(lambda event: event.is_terminal)
                    lawful(checks, stream.events)
        checks.equal("session.queue", await here.say("echo $N"), "2\n")
        await _others_are_not_kept(checks, raw, here)


async def _others_are_not_kept(checks: Checks, raw: Raw, here: Shell) -> None:
    async with here.stream("echo begun; sleep 300") as stream, shell(raw) as other:
        await _word(stream)
        checks.equal("session.queue", await other.say("echo at once"), "at once\n")
        await raw.request("DELETE", "/command", params={"id": stream.events[0]["text"]}, timeout_s=10)


@scenario("commands", "session.jobs", features={"sessions"})
async def test_what_background_jobs_say_between_runs_opens_the_next(checks: Checks, raw: Raw, folder: str) -> None:
    async with shell(raw, cwd=folder) as here:
        await here.run("mkfifo go said; { read x <go; echo late; echo later >&2; echo x >said; } &")
        await raw.run("echo x >go; read x <said", cwd=folder)
        ran = await here.run("echo now")
        checks.equal("session.jobs", (ran.stdout, ran.stderr), ("late\nnow\n", "later\n"))
        checks.equal("session.jobs", await here.say("echo now"), "now\n")
