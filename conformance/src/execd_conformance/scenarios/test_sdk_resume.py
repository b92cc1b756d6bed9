"""The SDK on a line that breaks: what it gives is what an unbroken one would have given."""

from __future__ import annotations

import random

import pytest

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import COLOURS, connected
from execd_conformance.cutting import breaking
from execd_conformance.daemon import Daemons
from execd_conformance.raw import Raw
from execd_conformance.session import Session
from opensandbox import Execution

COMMAND = r"""
for i in 1 2 3 4 5 6 7 8; do
  echo "line $i"; printf 'no newline \377 漢 %s' $i; echo "err $i" >&2; head -c $((i * 9000)) /dev/zero | tr '\0' $i
done
exit 5
"""
_TURNS = range(1, 9)
FEATURES = ("execution_id", "replay", "output", "disconnect")


def _wanted() -> tuple[bytes, bytes]:
    parts = (
        f"line {i}\nno newline ".encode() + b"\xff" + f" 漢 {i}".encode() + b"%d" % i * (i * 9000) for i in range(1, 9)
    )
    return b"".join(parts), b"".join(b"err %d\n" % i for i in range(1, 9))


def _judge(checks: Checks, execution: Execution, where: object) -> None:
    stdout, stderr = _wanted()
    seen = (len(execution.stdout_bytes), len(execution.stderr_bytes), execution.exit_code, where)
    checks.that("sdk.resume", execution.stdout_bytes == stdout and execution.stderr_bytes == stderr, saw=seen)
    checks.equal("sdk.resume", (execution.exit_code, execution.cause), (5, "exited"))


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.resume", features=FEATURES, limit_s=60)
async def test_a_run_survives_cuts_anywhere(checks: Checks, target: Session, colour: str) -> None:
    chance = random.Random(5)  # noqa: S311 - places to cut at, and the same ones each time
    async with breaking(target.url) as line, connected(colour, line.url, target.token) as sandbox:
        for cuts in (
            [1],  # within the status line of the answer to the start
            [250, 251],  # about the end of the headers
            [400, 60, 300, 2, 700],
            [chance.randrange(2000, 90_000) for _ in range(8)],
            [chance.randrange(150_000) for _ in range(3)],
        ):
            before = line.cuts
            line.cut(cuts)
            _judge(checks, await sandbox.commands.run(COMMAND, check=False), cuts)
            line.cut([])
            checks.that("sdk.resume", line.cuts > before, saw=(cuts, line.cuts - before))


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.resume", "sdk.stream", features=FEATURES, limit_s=60)
async def test_a_stream_survives_cuts_anywhere(checks: Checks, target: Session, colour: str) -> None:
    async with breaking(target.url) as line, connected(colour, line.url, target.token) as sandbox:
        line.cut([500, 900, 1300, 400, 1, 2500, 3001, 800])
        command = "for i in $(seq 400); do echo number $i; [ $((i % 40)) = 0 ] && sleep 0.02; done; echo end"
        lines = [item.text async for item in sandbox.commands.run_stream(command)]
        checks.equal("sdk.stream", lines, [f"number {i}" for i in range(1, 401)] + ["end"])
        checks.that("sdk.resume", line.cuts >= 4, saw=line.cuts)


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.resume", "sdk.resume-start", "sdk.output", features={"logs", *FEATURES}, limit_s=60)
async def test_a_background_command_survives_cuts_anywhere(checks: Checks, target: Session, colour: str) -> None:
    """Its start, following it, waiting for it and reading its log."""
    async with breaking(target.url) as line, connected(colour, line.url, target.token) as sandbox:
        line.cut([1, 260])
        session = await sandbox.commands.run_background(f"sleep 0.2\n{COMMAND}")
        checks.that("sdk.resume-start", line.cuts == 2, saw=line.cuts)
        line.cut([300, 2000, 40_000, 1, 90_000, 500])
        lines = sandbox.commands.attach(session, check=False)
        count = sum([1 async for _ in lines])
        checks.equal("sdk.resume", (lines.execution.exit_code, count > 8), (5, True))
        checks.that("sdk.resume", line.cuts >= 5, saw=line.cuts)
        line.cut([150, 1])
        status = await sandbox.commands.wait(session)
        checks.equal("sdk.resume", (status.exit_code, status.cause), (5, "exited"))
        line.cut([200, 30_000])
        output = await sandbox.commands.get_output(session)
        seen = (len(output.stdout_bytes), len(output.stderr_bytes), output.cursor)
        checks.that("sdk.output", (output.stdout_bytes, output.stderr_bytes) == _wanted(), saw=seen)


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.resume-start", features=FEATURES)
async def test_a_start_whose_answer_was_lost_runs_once(
    checks: Checks, target: Session, raw: Raw, folder: str, colour: str
) -> None:
    async with breaking(target.url) as line, connected(colour, line.url, target.token) as sandbox:
        # The first answers never come, or only the headers do: whether it has started, the client cannot know.
        line.cut([1, 1, 30, 2])
        execution = await sandbox.commands.run("echo ran >> ran; echo done", working_dir=folder)
        checks.that("sdk.resume-start", execution.stdout == "done\n" and line.cuts >= 3, saw=(execution, line.cuts))
    checks.equal("sdk.resume-start", (await raw.run("cat ran", cwd=folder)).stdout, "ran\n")


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.truncated", features={"overflow", *FEATURES}, needs={"start"})
async def test_output_that_was_dropped_is_told_and_no_fault(checks: Checks, daemons: Daemons, colour: str) -> None:
    async with daemons(retention_bytes=200_000) as daemon, connected(colour, daemon.url, daemon.token) as sandbox:
        many = "yes $(seq 200 | tr '\\n' ' ') | head -n 2000; echo last"
        body = {"command": many, "on_disconnect": "detach", "output": "chunks"}
        async with daemon.raw.stream("POST", "/command", json=body) as stream:
            told = str((await stream.until(lambda event: event.type == "init"))["text"])
            await stream.leave()
        await sandbox.commands.wait(told)
        lines = sandbox.commands.attach(told)
        last = [line.text async for line in lines][-1]
    checks.equal("sdk.truncated", (lines.execution.truncated, last), (True, "last"))
