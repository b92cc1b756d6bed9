"""Live shells over plain HTTP: made, given commands, ended; what runs in them tells."""

from __future__ import annotations

import shlex

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.laws import COUNTED, EVERY, NUMBERED, are_gone, counted, ending, lawful, numbered, texts
from execd_conformance.raw import Raw
from execd_conformance.scenarios.refusals import REFUSALS, ask, refused
from execd_conformance.scenarios.shells import Shell, shell

EVERY_BYTE = "printf '" + "".join(f"\\{byte:03o}" for byte in range(256)) + "'"
_PLACES = "ls /proc/self/fd | wc -l"


@scenario(
    "commands",
    *EVERY,
    "session.create",
    "session.run",
    "session.exported",
    "session.delete",
    "empty.session",
    profiles=("full", "compat"),
)
async def test_a_session_is_made_used_and_ended(checks: Checks, raw: Raw) -> None:
    made = [await raw.request("POST", "/session", timeout_s=20) for _ in range(2)]
    checks.that("empty.session", all(reply.status == 200 for reply in made), saw=made)
    ids = [str(reply.json().get("session_id") or "") for reply in made]
    checks.that("session.create", all(ids) and len(set(ids)) == 2, saw=ids)
    first, second = (Shell(told, raw) for told in ids)
    await first.run("export A='1  2'; cd /usr")
    for here, want in ((first, ["1  2", "/usr"]), (second, [""])):
        events = await raw.events("POST", f"{here.path}/run", json={"command": 'echo "$A"; [ -z "$A" ] || pwd'})
        lawful(checks, events)
        said = [text for text in texts(events) if text != "\n"]
        checks.equal("session.exported", said, [text for text in want if text])
    events = await raw.events("POST", f"{first.path}/run", json={"command": "echo out; (exit 3)"})
    lawful(checks, events)
    end = ending(events)
    checks.equal("session.run", (texts(events), end.type), (["out"], "error"))
    checks.equal("session.run", end.get("error", {}).get("evalue"), "3")
    for here in (first, second):
        checks.equal("session.delete", (await here.delete()).status, 200)
        reply = await ask(raw, "POST", f"{here.path}/run", json={"command": "echo still"})
        checks.equal("session.delete", reply.status, 404)


@scenario("commands", "session.cwd", profiles=("full", "compat"))
async def test_a_session_makes_the_directory_it_starts_in(checks: Checks, raw: Raw, folder: str) -> None:
    for cwd in (folder, f"{folder}/not/there yet"):
        async with shell(raw, cwd=cwd) as here:
            checks.equal("session.cwd", (await here.say("pwd -P")).strip(), cwd)


@scenario("commands", "session.envs", "session.run-cwd", *REFUSALS, features={"sessions"})
async def test_a_session_starts_with_what_it_is_told(checks: Checks, raw: Raw, folder: str) -> None:
    async with shell(raw, envs={"A": "é  漢\n", "HOME": folder}) as here:
        checks.equal("session.envs", await here.say('printf %s "$A"; sh -c \'printf %s "$A"\''), "é  漢\n" * 2)
        checks.equal("session.envs", await here.say("cd && pwd -P"), f"{folder}\n")
        checks.equal("session.run-cwd", await here.say("pwd", cwd="/usr"), "/usr\n")
        checks.equal("session.run-cwd", await here.say("pwd"), "/usr\n")
        checks.equal("session.run-cwd", await here.say("pwd", cwd="lib"), "/usr/lib\n")
        reply = await ask(raw, "POST", f"{here.path}/run", json={"command": "pwd", "cwd": f"{folder}/nowhere"})
        refused(checks, "session.run-cwd", reply, 400, "INVALID_REQUEST_BODY")


@scenario("commands", *EVERY, *NUMBERED, *COUNTED, "session.output", "session.fields", features={"sessions", "replay"})
async def test_output_of_a_session_is_exact(checks: Checks, raw: Raw, unique: str) -> None:
    command = f"printf 'a\\n\\n\\n  b'; echo err >&2; {EVERY_BYTE}; {EVERY_BYTE} >&2; printf '\\n\\n'"
    every = bytes(range(256))
    out, err = b"a\n\n\n  b" + every + b"\n\n", b"err\n" + every
    async with shell(raw) as here:
        ran = await here.run(command, execution_id=unique)
        checks.equal("session.output", ran.stdout_bytes, out)
        checks.equal("session.output", ran.stderr_bytes, err)
        lawful(checks, ran.events)
        numbered(checks, ran.events)
        counted(checks, ran.events, stdout=out, stderr=err)
        again = await here.run(command, execution_id=unique)
        checks.equal("session.fields", [each.raw for each in again.events], [each.raw for each in ran.events])
        one = (await raw.request("GET", f"/executions/{unique}")).json()
        checks.equal("session.fields", (one.get("kind"), one.get("content")), ("session_run", command))
        lines = await raw.events("POST", f"{here.path}/run", json={"command": "printf 'a\\n\\n\\nb\\n'"})
        checks.equal("session.output", texts(lines), ["a", "\n", "\n", "b"])


@scenario("commands", *EVERY, "session.output", "session.exit-status", features={"sessions"}, limit_s=60)
async def test_much_output_of_a_session_comes_whole(checks: Checks, raw: Raw) -> None:
    async with shell(raw) as here:
        ran = await here.run("seq 1000000; seq 100000 >&2; (exit 7)")
        lawful(checks, ran.events)
        want = b"".join(b"%d\n" % number for number in range(1, 1_000_001))
        checks.that("session.output", ran.stdout_bytes == want, saw=len(ran.stdout_bytes))
        checks.that("session.output", ran.stderr_bytes == want[: len(ran.stderr_bytes)], saw=len(ran.stderr_bytes))
        checks.equal("session.exit-status", ran.exit_code, 7)


@scenario("commands", "session.exit-status", "session.input", features={"sessions"})
async def test_the_exit_status_is_private(checks: Checks, raw: Raw) -> None:
    plain = (await raw.run(_PLACES)).stdout
    forged = "for n in $(seq 3 254); do printf '0 0\\0+0 0\\0' >&$n; done 2>/dev/null; printf '0 x\\0'; (exit 9)"
    async with shell(raw) as here:
        checks.equal("session.exit-status", await here.say(_PLACES), plain)
        ran = await here.run(forged)
        checks.equal("session.exit-status", (ran.exit_code, ran.stdout_bytes), (9, b"0 x\0"))
        for command, code in (("true", 0), ("(exit 255)", 255), ("nowhere-to-be-found", 127), ("! true", 1)):
            checks.equal("session.exit-status", (await here.run(command)).exit_code, code)
        checks.equal("session.exit-status", await here.say("echo $?"), "1\n")
        checks.equal("session.input", await here.say("cat; read x || echo end"), "end\n")


@scenario("commands", "session.syntax", features={"sessions"})
async def test_what_is_no_shell_text_leaves_the_session_as_it_was(checks: Checks, raw: Raw) -> None:
    async with shell(raw) as here:
        await here.run("A=1")
        for command in ("echo 'abc", 'echo "', "echo $(", "if then", "f() {", "case x in", ")", "echo `", "<<< "):
            ran = await here.run(command)
            checks.that("session.syntax", ran.exit_code not in {0, None} and ran.stderr, saw=(command, ran))
            checks.equal("session.syntax", await here.say("echo $A"), "1\n")
        ran = await here.run("cat <<END\none\n\n$((1 + 1))")
        checks.that("session.syntax", ran.stdout == "one\n\n2\n", saw=ran)


@scenario("commands", "session.delete", *REFUSALS, "error.session-not-found", features={"sessions"}, limit_s=40)
async def test_a_deleted_session_leaves_nothing(checks: Checks, raw: Raw, unique: str) -> None:
    async with shell(raw) as here:
        pids = (await here.say("echo $$; sleep 300 & echo $!; setsid sleep 300 & echo $!")).split()
        async with here.stream("echo begun; sleep 300") as stream:
            await stream.until(lambda event: event.type == "stdout")
            reply = await here.delete()
            checks.equal("session.delete", (reply.status, reply.body), (200, b""))
            checks.that("session.delete", await are_gone(raw, *pids), saw=pids)
            end = await stream.until(lambda event: event.is_terminal)
            checks.equal("session.delete", end.get("cause"), "interrupted")
        for told in (here.id, unique):
            reply = await ask(raw, "POST", f"/session/{told}/run", json={"command": "true"})
            refused(checks, "error.session-not-found", reply, 404, "SESSION_NOT_FOUND")
            reply = await raw.request("DELETE", f"/session/{told}")
            refused(checks, "error.session-not-found", reply, 404, "SESSION_NOT_FOUND")


@scenario("commands", "session.id", *REFUSALS, features={"sessions"})
async def test_a_start_of_a_session_may_be_repeated(checks: Checks, raw: Raw, unique: str) -> None:
    asked = {"session_id": unique, "envs": {"A": "1"}}
    async with shell(raw, **asked) as here:
        checks.equal("session.id", here.id, unique)
        await here.run("A=2")
        reply = await raw.request("POST", "/session", json=asked)
        checks.equal("session.id", (reply.status, reply.json()), (200, {"session_id": unique}))
        checks.equal("session.id", await here.say("echo $A"), "2\n")
        reply = await raw.request("POST", "/session", json={"session_id": unique})
        refused(checks, "session.id", reply, 409, "EXECUTION_CONFLICT")
    for told in ("", "x" * 65, "a b", f"{unique}\n"):
        reply = await raw.request("POST", "/session", json={"session_id": told})
        refused(checks, "session.id", reply, 400, "INVALID_REQUEST_BODY", of=told)


@scenario("general", "limits.sessions", *REFUSALS, features={"sessions"}, needs={"start"})
async def test_sessions_are_limited(checks: Checks, daemons: Daemons) -> None:
    async with daemons(max_sessions=1) as other:
        for _ in range(2):
            async with shell(other.raw):
                reply = await other.raw.request("POST", "/session")
                refused(checks, "limits.sessions", reply, 429, "LIMIT_REACHED")


@scenario("commands", "session.refused", *REFUSALS, features={"sessions"})
async def test_what_is_no_run_of_a_session_is_refused(checks: Checks, raw: Raw, folder: str) -> None:
    mark = f"touch {shlex.quote(folder)}/ran"
    async with shell(raw) as here:
        for body in ({}, {"command": "  \n"}, {"command": f"{mark}\0"}, {"command": mark, "timeout": -1}, [mark]):
            reply = await ask(raw, "POST", f"{here.path}/run", json=body)
            refused(checks, "session.refused", reply, 400, "INVALID_REQUEST_BODY", of=body)
        checks.equal("session.refused", await here.say(f"ls {shlex.quote(folder)}"), "")
