"""Live shells through the SDK, in both colours, on a sound line and on one that breaks."""

from __future__ import annotations

import asyncio
import random

import pytest

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import COLOURS, connected, raised
from execd_conformance.cutting import breaking
from execd_conformance.laws import are_gone
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw
from execd_conformance.session import Session
from opensandbox import OutputLine, Sandbox
from opensandbox.exceptions import CommandFailedException, ExecutionTimeoutException, SessionNotFoundException

FEATURES = ("sessions", "execution_id", "replay", "output", "disconnect")


@scenario("sdk", "sdk.session", "sdk.session-run", features=FEATURES)
async def test_a_shell_is_kept_for_several_commands(checks: Checks, sandbox: Sandbox, folder: str) -> None:
    seen: list[tuple[str, str]] = []

    def tell(line: OutputLine) -> None:
        seen.append((line.stream, line.text))

    async with sandbox.commands.session(working_dir=f"{folder}/new", envs={"GIVEN": "g"}) as shell:
        await shell.run("mkdir -p src; cd src && export A=1; B=' b  '; f() { echo f$1; }")
        execution = await shell.run('pwd; echo "$A$B$GIVEN"; f 2; echo err >&2', on_stdout=tell, on_stderr=tell)
        checks.equal("sdk.session", execution.stdout, f"{folder}/new/src\n1 b  g\nf2\n")
        checks.equal("sdk.session", (execution.stderr, execution.exit_code, execution.cause), ("err\n", 0, "exited"))
        want = [("stderr", "err"), ("stdout", f"{folder}/new/src"), ("stdout", "1 b  g"), ("stdout", "f2")]
        checks.equal("sdk.session-run", sorted(seen), want)
        lines = [line.text async for line in shell.run_stream("echo a; echo; echo c")]
        checks.equal("sdk.session-run", lines, ["a", "", "c"])
        checks.equal("sdk.session-run", (await shell.run("pwd", working_dir="/usr")).stdout, "/usr\n")
        checks.equal("sdk.session-run", (await shell.run("(exit 3)", check=False)).exit_code, 3)
        fault = await raised(shell.run("echo out; (exit 4)"))
        kept = fault.execution if isinstance(fault, CommandFailedException) else None
        checks.that("sdk.session-run", kept is not None and kept.exit_code == 4 and kept.stdout == "out\n", saw=fault)
        fault = await raised(shell.run("echo begun; sleep 60", timeout=0.3))
        checks.that("sdk.session-run", isinstance(fault, ExecutionTimeoutException), saw=fault)
        checks.equal("sdk.session", (await shell.run("echo $A$B.")).stdout, "1 b .\n")


@scenario("sdk", "sdk.session-end", features=FEATURES)
async def test_leaving_a_session_ends_it(checks: Checks, sandbox: Sandbox, raw: Raw) -> None:
    async with sandbox.commands.session() as shell:
        pids = (await shell.run("echo $$; sleep 300 & echo $!; setsid sleep 300 & echo $!")).stdout.split()
        told = shell.id
    checks.that("sdk.session-end", await are_gone(raw, *pids), saw=pids)
    reply = await raw.request("DELETE", f"/session/{told}")
    checks.equal("sdk.session-end", reply.status, 404)
    async with sandbox.commands.session() as shell:
        await raw.request("DELETE", f"/session/{shell.id}", timeout_s=20)
        fault = await raised(shell.run("true"))
        checks.that("sdk.session-end", isinstance(fault, SessionNotFoundException), saw=fault)


@scenario("sdk", "sdk.session-cancel", features=FEATURES)
async def test_a_cancelled_command_leaves_its_session(
    checks: Checks, sandbox_async: Sandbox, raw: Raw, folder: str
) -> None:
    async with sandbox_async.commands.session(working_dir=folder) as shell:
        await shell.run("A=1")
        task = asyncio.create_task(shell.run("sleep 300 & echo $! >pid; wait"))

        async def begun() -> str:
            return (await raw.run("cat pid 2>/dev/null; true", cwd=folder)).stdout.strip()

        pid = await eventually(begun)
        task.cancel()
        outcome = await asyncio.gather(task, return_exceptions=True)
        checks.that("sdk.session-cancel", isinstance(outcome[0], asyncio.CancelledError), saw=outcome)
        checks.that("sdk.session-cancel", bool(pid) and await are_gone(raw, pid, limit_s=4), saw=pid)
        checks.equal("sdk.session-cancel", (await shell.run("echo $A")).stdout, "1\n")


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.session-resume", features=FEATURES, limit_s=60)
async def test_a_session_survives_cuts_anywhere(checks: Checks, target: Session, raw: Raw, colour: str) -> None:
    chance = random.Random(7)  # noqa: S311 - places to cut at, and the same ones each time
    async with breaking(target.url) as line, connected(colour, line.url, target.token) as sandbox:
        line.cut([1, 40, 200])  # of the answer to its start
        async with sandbox.commands.session() as shell:
            line.cut([])
            await shell.run(
                "n=0; f() { n=$((n + 1)); echo run $n; head -c 90000 /dev/zero | tr '\\0' $n; echo e$n >&2; }"
            )
            for number in range(1, 7):
                before = line.cuts
                line.cut([chance.randrange(1, 400), *(chance.randrange(40_000) for _ in range(3))])
                execution = await shell.run("f; (exit 5)", check=False)
                line.cut([])
                want = (f"run {number}\n" + str(number) * 90_000, f"e{number}\n", 5)
                seen = (execution.stdout, execution.stderr, execution.exit_code)
                checks.that("sdk.session-resume", seen == want, saw=(seen[0][:40], len(seen[0]), *seen[1:]))
                checks.that("sdk.session-resume", line.cuts > before, saw=line.cuts)
            told = shell.id
            line.cut([1, 30])  # of the answer to its end
    reply = await raw.request("DELETE", f"/session/{told}")
    checks.equal("sdk.session-resume", reply.status, 404)
