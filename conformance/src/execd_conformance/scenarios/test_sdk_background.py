"""Commands in the background through the SDK, in both colours: start, look, read, speak, leave."""

from __future__ import annotations

import pytest

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import COLOURS, connect, connected, raised
from execd_conformance.daemon import Daemons
from execd_conformance.laws import are_running
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw
from execd_conformance.session import Session
from opensandbox import Sandbox
from opensandbox.exceptions import CommandFailedException, SandboxException
from opensandbox.results import BackgroundCommand, CommandOutput, CommandStatus

MIB = 1024 * 1024


async def _complete(sandbox: Sandbox, session: BackgroundCommand | str) -> CommandStatus:
    """Ask until a command is complete, as one does without waiting for it."""
    status = await sandbox.commands.get_status(session)

    async def is_complete() -> bool:
        nonlocal status
        status = await sandbox.commands.get_status(session)
        return status.is_complete

    await eventually(is_complete)
    return status


@scenario("sdk", "sdk.background", "sdk.status", "sdk.output", "sdk.interrupt", profiles=("full", "compat"))
async def test_a_background_command_goes_on_by_itself(checks: Checks, sandbox: Sandbox, raw: Raw, folder: str) -> None:
    await raw.run("mkfifo go", cwd=folder)
    command = 'echo "$A"; read x < go; echo é; exit 3'
    session = await sandbox.commands.run_background(command, working_dir=folder, envs={"A": "漢"})
    checks.that("sdk.background", bool(session.id) and str(session) == session.id, saw=session)
    status = await sandbox.commands.get_status(session)
    checks.equal("sdk.status", (status.is_complete, status.is_running, status.exit_code), (False, True, None))
    await raw.run("echo go > go", cwd=folder)
    status = await _complete(sandbox, session)
    checks.equal("sdk.background", (status.exit_code, status.command), (3, command))
    checks.that("sdk.status", status.started_at is not None and status.finished_at is not None, saw=status)
    output = await sandbox.commands.get_output(session)
    checks.equal("sdk.output", output.stdout, "漢\né\n")
    nothing = await sandbox.commands.get_output(session, cursor=output.cursor)
    checks.equal("sdk.output", (nothing.stdout, nothing.cursor), ("", output.cursor))
    session = await sandbox.commands.run_background("exec sleep 300")
    await sandbox.commands.interrupt(session.id)
    checks.that("sdk.interrupt", (await sandbox.commands.get_status(session)).is_complete)


@scenario(
    "sdk",
    "sdk.output",
    "sdk.attach",
    "sdk.wait",
    "sdk.signal",
    "sdk.write-stdin",
    features={"logs", "signal", "stdin", "replay", "output"},
)
async def test_a_background_command_is_read_and_spoken_to(checks: Checks, sandbox: Sandbox) -> None:
    command = "trap 'echo signal' USR1; while read x; do echo out $x; echo err $x >&2; done; printf '\\377'; exit 5"
    session = await sandbox.commands.run_background(command, stdin="pipe")
    await sandbox.commands.write_stdin(session, "1\n")
    first = await _output_with(sandbox, session, stdout="out 1\n", stderr="err 1\n")
    checks.equal("sdk.output", (first.stdout, first.stderr, first.truncated), ("out 1\n", "err 1\n", False))
    await sandbox.commands.send_signal(session, "SIGUSR1")
    await sandbox.commands.write_stdin(session, "2\n")
    await sandbox.commands.close_stdin(session)
    status = await sandbox.commands.wait(session)
    checks.equal("sdk.wait", (status.is_complete, status.exit_code, status.cause), (True, 5, "exited"))
    more = await sandbox.commands.get_output(session, cursor=first.cursor)
    checks.equal("sdk.signal", more.stdout.startswith("signal\n"), True)  # noqa: FBT003 - what is seen is compared
    checks.equal("sdk.output", (more.stdout_bytes, more.stderr), (b"signal\nout 2\n\xff", "err 2\n"))
    fault = await raised(_all_lines(sandbox, session))
    kept = fault.execution if isinstance(fault, CommandFailedException) else None
    checks.that("sdk.attach", kept is not None and kept.stdout_bytes == b"out 1\nsignal\nout 2\n\xff", saw=fault)
    fault = await raised(sandbox.commands.send_signal(session, "SIGTERM"))
    code = fault.error.code if isinstance(fault, SandboxException) else None
    checks.equal("sdk.signal", code, "ALREADY_FINISHED")
    for stdin, want in (("b\na\n", "a\nb\n"), (b"\xffx\n", b"\xffx\n".decode(errors="replace")), ("", "")):
        session = await sandbox.commands.run_background(["sort"], stdin=stdin)
        await sandbox.commands.wait(session)
        checks.equal("sdk.write-stdin", (await sandbox.commands.get_output(session)).stdout, want)


async def _output_with(sandbox: Sandbox, session: BackgroundCommand, *, stdout: str, stderr: str) -> CommandOutput:
    output = await sandbox.commands.get_output(session)

    async def has_come() -> bool:
        nonlocal output
        output = await sandbox.commands.get_output(session)
        return (output.stdout, output.stderr) == (stdout, stderr)

    await eventually(has_come)
    return output


async def _all_lines(sandbox: Sandbox, session: BackgroundCommand) -> list[str]:
    return [line.text async for line in sandbox.commands.attach(session)]


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.output", "sdk.truncated", features={"logs", "overflow"}, needs={"start"}, limit_s=60)
async def test_output_that_is_no_longer_kept_is_told(checks: Checks, daemons: Daemons, colour: str) -> None:
    size = 4 * MIB
    async with (
        daemons(retention_bytes=MIB) as daemon,
        connected(colour, daemon.url, daemon.token) as sandbox,
    ):
        session = await sandbox.commands.run_background(f"seq -w 10000000 | head -c {size}")
        await sandbox.commands.wait(session)
        output = await sandbox.commands.get_output(session)
        checks.equal("sdk.output", (output.truncated, output.cursor), (True, size))
        checks.that("sdk.output", 0 < len(output.stdout_bytes) <= MIB, saw=len(output.stdout_bytes))
        late = await sandbox.commands.get_output(session, cursor=size - 100)
        seen = (late.truncated, late.stdout_bytes)
        checks.equal("sdk.output", seen, (False, output.stdout_bytes[-100:]))
        chunks = sandbox.commands.attach(session, mode="chunks")
        count = sum([len(chunk.text) async for chunk in chunks])
        checks.that("sdk.truncated", chunks.execution.truncated and 0 < count <= MIB, saw=(count, chunks.execution))


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.output", features={"logs", "overflow"}, needs={"start"}, limit_s=60)
async def test_output_that_is_dropped_while_it_is_read_is_told(checks: Checks, daemons: Daemons, colour: str) -> None:
    """A program that writes faster than anybody reads: there is what is kept, and the rest is told as missing."""
    async with (
        daemons(retention_bytes=16 * MIB) as daemon,
        connected(colour, daemon.url, daemon.token) as sandbox,
    ):
        session = await sandbox.commands.run_background("yes 0123456")

        async def has_overflown() -> bool:
            told = (await daemon.raw.request("GET", f"/executions/{session}")).json()
            return int(told["stdout_bytes"]) > 40 * MIB

        await eventually(has_overflown)
        output = await sandbox.commands.get_output(session)
        seen = (len(output.stdout_bytes), output.truncated, output.cursor)
        checks.that("sdk.output", len(output.stdout_bytes) > 8 * MIB and output.truncated, saw=seen)
        whole = output.stdout_bytes[-8 * 1000 - output.cursor % 8 :]
        checks.that("sdk.output", whole.startswith(b"0123456\n" * 1000), saw=whole[:40])
        await sandbox.commands.interrupt(session)


@scenario("sdk", "sdk.max-output-bytes", "sdk.truncated", features={"max_output_bytes", "output"})
async def test_much_output_is_cut_to_head_and_tail(checks: Checks, sandbox: Sandbox) -> None:
    execution = await sandbox.commands.run("seq 100000; echo oh >&2", max_output_bytes=20)
    checks.equal("sdk.max-output-bytes", execution.stdout, "1\n2\n3\n4\n5\n" + "100000\n"[-10 + len("oh\n") :])
    checks.equal("sdk.max-output-bytes", execution.stderr, "oh\n")
    checks.equal("sdk.truncated", (execution.truncated, execution.exit_code), (True, 0))
    execution = await sandbox.commands.run("seq 5", max_output_bytes=10)
    checks.equal("sdk.max-output-bytes", (execution.stdout, execution.truncated), ("1\n2\n3\n4\n5\n", False))
    stream = sandbox.commands.run_stream("seq 100000", max_output_bytes=20)
    lines = [line.text async for line in stream]
    checks.equal("sdk.max-output-bytes", (lines[:5], lines[-1]), (["1", "2", "3", "4", "5"], "100000"))
    checks.that("sdk.truncated", stream.execution.truncated, saw=stream.execution)


@scenario("sdk", "sdk.list", features={"replay", "signal"})
async def test_commands_are_listed(checks: Checks, sandbox: Sandbox, raw: Raw) -> None:
    ended = [(await raw.run(f"exit {number}")).id for number in range(3)]
    running = await sandbox.commands.run_background("exec sleep 300")
    late = (await raw.run("true")).id
    mine = {*ended, running.id, late}
    told = [status for status in await sandbox.commands.list() if status.id in mine]
    checks.equal("sdk.list", [status.id for status in told], [*ended, running.id, late])
    seen = [(status.exit_code, status.is_running, status.background) for status in told]
    checks.equal("sdk.list", seen[2:4], [(2, False, False), (None, True, True)])
    checks.equal("sdk.list", told[0].command, "exit 0")
    for is_running, want in ((True, [running.id]), (False, [*ended, late])):
        found = await sandbox.commands.list(running=is_running)
        checks.equal("sdk.list", [status.id for status in found if status.id in mine], want)
        checks.equal("sdk.list", {status.is_running for status in found}, {is_running})
    await sandbox.commands.interrupt(running)


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.closing-background", "sdk.background")
async def test_closing_a_sandbox_leaves_the_background_alone(
    checks: Checks, target: Session, raw: Raw, colour: str
) -> None:
    async with await connect(colour, target.url, target.token) as sandbox:
        session = await sandbox.commands.run_background("exec sleep 300")
        pid = (await sandbox.commands.get_status(session)).pid
    # Another sandbox, as in another process, knows it by its id.
    async with await connect(colour, target.url, target.token) as again:
        status = await again.commands.get_status(session.id)
        checks.that("sdk.closing-background", status.is_running and await are_running(raw, str(pid)), saw=status)
        await again.commands.interrupt(session.id)
        checks.that("sdk.background", (await again.commands.get_status(session)).is_complete)
