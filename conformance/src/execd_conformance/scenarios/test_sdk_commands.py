"""Commands through the SDK, in both colours: results, streams, input, time, and leaving early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import raised
from execd_conformance.laws import are_gone
from execd_conformance.polling import ended, eventually
from execd_conformance.raw import Raw
from opensandbox import Execution, OutputLine, Sandbox
from opensandbox.exceptions import CommandFailedException, ExecutionTimeoutException, SandboxException

EVERY_BYTE = "printf '" + "".join(f"\\{byte:03o}" for byte in range(256)) + "'"
LINES = r"printf 'one\n\n  two \r\nthree\rfour\n\nlast'; printf 'e1\ne2\n' >&2"


@scenario(
    "sdk", "sdk.run", "sdk.lines", "sdk.lines-empty", "sdk.run-arguments", "sdk.repr", profiles=("full", "compat")
)
async def test_a_run_gives_lines_and_how_it_ended(checks: Checks, sandbox: Sandbox, folder: str) -> None:
    before = datetime.now(UTC)
    execution = await sandbox.commands.run(LINES)
    seen = (execution.exit_code, execution.cause, bool(execution.id))
    checks.equal("sdk.run", seen, (0, "exited", True))
    stdout, stderr = execution.logs.stdout, execution.logs.stderr
    checks.equal("sdk.lines", [line.text for line in stderr], ["e1", "e2"])
    checks.equal("sdk.lines", (stdout[0].text, stdout[-1].text, len(stdout)), ("one", "last", 7))
    checks.equal("sdk.lines-empty", [line.text for line in stdout], ["one", "", "  two ", "three", "four", "", "last"])
    stamps = [line.timestamp for line in stdout]
    close = [abs(stamp - before) < timedelta(days=1) for stamp in stamps if stamp.tzinfo is not None]
    checks.that("sdk.lines", len(close) == 7 and all(close) and stamps == sorted(stamps), saw=stamps)
    shown = repr(execution)
    checks.that("sdk.repr", "exit_code=0" in shown and "one" in shown and len(shown) < 500, saw=shown)
    execution = await sandbox.commands.run('pwd -P; echo "$A|$B"', working_dir=folder, envs={"A": "1", "B": "é 漢"})
    checks.equal("sdk.run-arguments", [line.text for line in execution.logs.stdout], [folder, "1|é 漢"])


@scenario("sdk", "sdk.exact", "sdk.run", "sdk.argv", features={"output"})
async def test_output_is_exact(checks: Checks, sandbox: Sandbox) -> None:
    command = f"for i in 1 2 3 4; do {EVERY_BYTE}; {EVERY_BYTE} >&2; done; printf '\\360\\237'"
    execution = await sandbox.commands.run(command)
    every = bytes(range(256)) * 4
    checks.that("sdk.exact", execution.stdout_bytes == every + b"\xf0\x9f", saw=len(execution.stdout_bytes))
    checks.that("sdk.exact", execution.stderr_bytes == every, saw=len(execution.stderr_bytes))
    execution = await sandbox.commands.run("for i in $(seq 9000); do printf 'aé漢😀\\r\\n'; done")
    checks.that("sdk.exact", execution.stdout == "aé漢😀\r\n" * 9000, saw=len(execution.stdout))
    checks.equal("sdk.run", execution.truncated, False)  # noqa: FBT003 - what is seen is compared
    checks.that("sdk.run", isinstance(execution.duration, float) and execution.duration >= 0, saw=execution.duration)
    execution = await sandbox.commands.run(["printf", "%s|", "a b", "$HOME", "'", ""])
    checks.equal("sdk.argv", execution.stdout, "a b|$HOME|'||")


@scenario("sdk", "sdk.stdin", features={"stdin", "output"})
async def test_input_goes_in_and_is_closed(checks: Checks, sandbox: Sandbox) -> None:
    checks.equal("sdk.stdin", (await sandbox.commands.run("sort", stdin="b\na\n")).stdout, "a\nb\n")
    data = bytes(range(256)) * 8000
    checks.that("sdk.stdin", (await sandbox.commands.run("cat", stdin=data)).stdout_bytes == data)

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(4):
            yield b"%d\n" % number

    execution = await sandbox.commands.run("while read n; do echo $((n * n)); done; echo end", stdin=pieces())
    checks.equal("sdk.stdin", execution.stdout.split(), ["0", "1", "4", "9", "end"])
    checks.equal("sdk.stdin", (await sandbox.commands.run("head -c 1", stdin=data)).stdout_bytes, b"\0")
    checks.equal("sdk.stdin", (await sandbox.commands.run("cat", stdin="")).stdout, "")


@scenario("sdk", "sdk.handlers", "sdk.handler-faults", features={"execution_id", "replay"})
async def test_handlers_get_each_line(checks: Checks, sandbox: Sandbox, raw: Raw) -> None:
    seen: list[tuple[str, str, str]] = []

    def to(stream: str) -> Any:
        return lambda line: seen.append((stream, line.stream, line.text))

    await sandbox.commands.run(LINES, on_stdout=to("stdout"), on_stderr=to("stderr"))
    out = [text for stream, told, text in seen if stream == told == "stdout"]
    err = [text for stream, told, text in seen if stream == told == "stderr"]
    checks.equal("sdk.handlers", (out, err), (["one", "", "  two ", "three", "four", "", "last"], ["e1", "e2"]))

    def fail(line: OutputLine) -> None:
        raise RuntimeError(line.text)

    fault = await raised(sandbox.commands.run("echo $$; sleep 300", on_stdout=fail))
    checks.that("sdk.handler-faults", type(fault) is RuntimeError, saw=fault)
    checks.that("sdk.handler-faults", await are_gone(raw, str(fault)), saw=fault)


@scenario("sdk", "sdk.no-check", "sdk.timeout", features={"replay"})
async def test_without_check_every_end_of_the_program_is_returned(checks: Checks, sandbox: Sandbox, raw: Raw) -> None:
    for command, cause, exit_code, signal in (
        ("exit 3", "exited", 3, None),
        ("kill -SEGV $$; sleep 5", "signaled", None, "SIGSEGV"),
        (["/no/such/program"], "never_started", None, None),
    ):
        execution = await sandbox.commands.run(command, check=False)
        seen = (execution.cause, execution.exit_code, execution.signal)
        checks.equal("sdk.no-check", seen, (cause, exit_code, signal))
    execution = await sandbox.commands.run("echo begun; exec sleep 60", timeout=0.3, check=False)
    checks.equal("sdk.no-check", (execution.cause, execution.stdout), ("timed_out", "begun\n"))
    fault = await raised(sandbox.commands.run("echo begun; exec sleep 60", timeout=0.3))
    checks.that("sdk.timeout", isinstance(fault, ExecutionTimeoutException | TimeoutError), saw=fault)
    kept = getattr(fault, "execution", None)
    checks.that("sdk.timeout", isinstance(kept, Execution) and kept.stdout == "begun\n", saw=kept)
    stream = sandbox.commands.run_stream("echo begun; exec sleep 60", check=False)
    async for _ in stream:
        await raw.request("DELETE", "/command", params={"id": stream.execution.id}, timeout_s=15)
    checks.equal("sdk.no-check", stream.execution.cause, "interrupted")


@scenario("sdk", "sdk.stream", "sdk.stream-raises", profiles=("full", "compat"))
async def test_a_stream_yields_lines_as_they_come(checks: Checks, sandbox: Sandbox) -> None:
    lines: list[tuple[str, str]] = []
    async with sandbox.commands.run_stream(LINES) as stream:
        lines += [(line.stream, line.text) async for line in stream]
    out = [text for stream, text in lines if stream == "stdout"]
    checks.equal("sdk.stream", out, ["one", "", "  two ", "three", "four", "", "last"])
    checks.equal("sdk.stream", [text for stream, text in lines if stream == "stderr"], ["e1", "e2"])
    seen: list[str] = []

    async def read() -> None:
        async for line in sandbox.commands.run_stream("echo a; echo b; exit 4"):
            seen.append(line.text)  # noqa: PERF401 - what came before it raises is wanted

    fault = await raised(read())
    checks.equal("sdk.stream", seen, ["a", "b"])
    checks.that("sdk.stream-raises", isinstance(fault, CommandFailedException), saw=fault)
    code = fault.error.details["exit_code"] if isinstance(fault, SandboxException) else None
    checks.equal("sdk.stream-raises", code, 4)


@scenario("sdk", "sdk.stream-chunks", "sdk.leave-stream", features={"output", "replay"})
async def test_a_stream_may_be_left(checks: Checks, sandbox: Sandbox, raw: Raw) -> None:
    chunks = [chunk.text async for chunk in sandbox.commands.run_stream("printf 'a\\r\\n\\nb'", mode="chunks")]
    checks.equal("sdk.stream-chunks", "".join(chunks), "a\r\n\nb")
    async with sandbox.commands.run_stream("trap '' TERM; sleep 300 & echo $!; echo $$; wait") as stream:
        lines = aiter(stream)
        pids = [(await anext(lines)).text for _ in range(2)]
    # It was waited for: there is nothing left to wait for now.
    checks.that("sdk.leave-stream", await are_gone(raw, *pids, limit_s=1), saw=pids)


@scenario(
    "sdk", "sdk.status", "sdk.interrupt", "sdk.wait", "sdk.attach", "sdk.write-stdin", features={"replay", "stdin"}
)
async def test_a_command_is_looked_at_and_spoken_to(checks: Checks, sandbox: Sandbox, raw: Raw) -> None:
    body = {"command": "while read x; do echo got $x; done; exec sleep 300", "stdin": "pipe", "output": "chunks"}
    async with raw.stream("POST", "/command", json=body) as stream:
        told = str((await stream.until(lambda event: event.type == "init"))["text"])
        status = await sandbox.commands.get_status(told)
        seen = (status.is_running, status.is_complete, status.exit_code, status.finished_at)
        checks.equal("sdk.status", seen, (True, False, None, None))
        begun = status.started_at
        checks.that("sdk.status", begun is not None and begun.tzinfo is not None, saw=begun)
        await sandbox.commands.write_stdin(told, "one\n")
        async for line in sandbox.commands.attach(told):
            checks.equal("sdk.write-stdin", line.text, "got one")
            break
        await sandbox.commands.write_stdin(told, b"two\n")
        await sandbox.commands.close_stdin(told)
        await stream.until(lambda event: "got two" in str(event.get("text")))
        checks.that("sdk.attach", (await sandbox.commands.get_status(told)).is_running)
        waiting = asyncio.create_task(sandbox.commands.wait(told))
        await sandbox.commands.interrupt(told)
        status = await waiting
    checks.equal("sdk.interrupt", (status.is_running, status.cause), (False, "interrupted"))
    checks.that("sdk.wait", status.is_complete and status.finished_at is not None, saw=status)
    lines = sandbox.commands.attach(told, check=False)
    checks.equal("sdk.attach", [line.text async for line in lines], ["got one", "got two"])
    checks.equal("sdk.status", lines.execution.cause, "interrupted")


@scenario("sdk", "sdk.cancel", "sdk.cancel-early", features={"replay", "execution_id"})
async def test_a_cancelled_run_is_interrupted_in_the_sandbox(
    checks: Checks, sandbox_async: Sandbox, raw: Raw, folder: str
) -> None:
    command = "trap '' TERM; sleep 300 & echo $! $$ > pids; wait"
    task = asyncio.create_task(sandbox_async.commands.run(command, working_dir=folder))

    async def begun() -> list[str]:
        return (await raw.run("cat pids 2>/dev/null; true", cwd=folder)).stdout.split()

    pids = await eventually(begun)
    task.cancel()
    outcome = await asyncio.gather(task, return_exceptions=True)
    checks.that("sdk.cancel", isinstance(outcome[0], asyncio.CancelledError), saw=outcome)
    checks.that("sdk.cancel", bool(pids) and await are_gone(raw, *pids, limit_s=4), saw=pids)
    for turns in range(12):
        # At any moment: before the request has left, before its answer, after its first event.
        command = f"echo $$ > early-{turns}; exec sleep 300"
        task = asyncio.create_task(sandbox_async.commands.run(command, working_dir=folder))
        for _ in range(turns * turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    early = (await raw.run("cat early-* 2>/dev/null; true", cwd=folder)).stdout.split()
    checks.that("sdk.cancel-early", not early or await are_gone(raw, *early, limit_s=4), saw=early)


@scenario("sdk", "sdk.handlers-async", "sdk.handlers")
async def test_a_handler_may_be_asynchronous(checks: Checks, sandbox_async: Sandbox) -> None:
    seen: list[str] = []

    async def tell(line: OutputLine) -> None:
        await asyncio.sleep(0)
        seen.append(line.text)

    await sandbox_async.commands.run("seq 5", on_stdout=tell)
    checks.equal("sdk.handlers-async", seen, ["1", "2", "3", "4", "5"])
    checks.equal("sdk.handlers", len(seen), 5)


@scenario("sdk", "sdk.closing-connect", "sdk.closing-stops", features={"replay", "execution_id"})
async def test_closing_a_sandbox_interrupts_what_runs(checks: Checks, sandbox: Sandbox, raw: Raw) -> None:
    stream = sandbox.commands.run_stream("echo $$; exec sleep 300", check=False)
    lines = aiter(stream)
    pid = (await anext(lines)).text

    async def fail_inside() -> None:
        async with sandbox:
            raise KeyError("inside")

    fault = await raised(fail_inside())
    checks.that("sdk.closing-stops", type(fault) is KeyError, saw=fault)
    checks.that("sdk.closing-stops", await are_gone(raw, pid, limit_s=2), saw=pid)
    status = await ended(raw, stream.execution.id)
    checks.equal("sdk.closing-connect", status.get("cause"), "interrupted")
