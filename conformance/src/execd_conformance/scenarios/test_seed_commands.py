"""The seed's snippets about commands as written, for both ways to read them; `sandbox` is given, and names they use."""

# ruff: noqa: T201, PLC0415 - the seed's own text

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import are_gone
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw
from opensandbox import Execution, OutputLine, Sandbox
from opensandbox.results import BackgroundCommand, CommandOutput, CommandStatus


class Stocked:
    """A sandbox in which `pip`, `npm` and `python` are stand-ins that say something, and /workspace is a folder."""

    def __init__(self, sandbox: Sandbox, folder: str) -> None:
        self.commands = self
        self._sandbox = sandbox
        self._folder = folder
        self._envs = {"PATH": f"{folder}/bin:/usr/local/bin:/usr/bin:/bin"}

    async def run(self, command: str, *, working_dir: str = "/workspace") -> Execution:
        """Run as the sandbox does, with the stand-ins on the path."""
        where = working_dir.replace("/workspace", self._folder)
        return await self._sandbox.commands.run(command, working_dir=where, envs=self._envs)

    def run_stream(self, command: str) -> AsyncIterator[OutputLine]:
        """Stream as the sandbox does, with the stand-ins on the path."""
        return aiter(self._sandbox.commands.run_stream(command, envs=self._envs))

    async def run_background(self, command: str, *, working_dir: str) -> BackgroundCommand:
        """Start as the sandbox does, with the stand-ins on the path."""
        where = working_dir.replace("/workspace", self._folder)
        return await self._sandbox.commands.run_background(command, working_dir=where, envs=self._envs)

    async def get_status(self, session: BackgroundCommand) -> CommandStatus:
        """Look as the sandbox does."""
        return await self._sandbox.commands.get_status(session)

    async def get_output(self, session: BackgroundCommand) -> CommandOutput:
        """Read as the sandbox does."""
        return await self._sandbox.commands.get_output(session)

    async def complete(self, session: BackgroundCommand) -> None:
        """Return when a command is complete: what the seed calls later."""

        async def is_complete() -> bool:
            return (await self.get_status(session)).is_complete

        await eventually(is_complete)


async def _stocked(sandbox: Sandbox, raw: Raw, folder: str) -> Stocked:
    programs = {"pip": 'echo "Collecting $2"', "npm": "echo added 7 packages; echo audited"}
    programs["python"] = 'echo epoch 1; sleep 0.1; [ "$1" = train.py ] && echo epoch 2'
    for name, text in programs.items():
        await raw.run(
            f"mkdir -p bin && printf '%s\\n' '#!/bin/sh' '{text}' > bin/{name} && chmod 755 bin/{name}", cwd=folder
        )
    return Stocked(sandbox, folder)


@scenario("sdk", "sdk.seed-foreground", profiles=("full", "compat"))
async def test_foreground_commands_of_the_seed(
    checks: Checks, sandbox: Sandbox, raw: Raw, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = await _stocked(sandbox, raw, folder)
    await _foreground(given)
    checks.equal("sdk.seed-foreground", capsys.readouterr().out, "Collecting numpy\nExit code: 0\n")


async def _foreground(sandbox: Stocked) -> None:
    execution = await sandbox.commands.run(
        "pip install numpy pandas",
        working_dir="/workspace"
    )  # fmt: skip

    print(execution.logs.stdout[0].text)
    print(f"Exit code: {execution.exit_code}")


@scenario("sdk", "sdk.seed-background", profiles=("full", "compat"))
async def test_background_commands_of_the_seed(
    checks: Checks, sandbox: Sandbox, raw: Raw, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = await _stocked(sandbox, raw, folder)
    await _background(given)
    checks.equal("sdk.seed-background", capsys.readouterr().out, "epoch 1\nepoch 2\n\n")


async def _background(sandbox: Stocked) -> None:
    session = await sandbox.commands.run_background(
        "python train.py",
        working_dir="/workspace"
    )  # fmt: skip

    # Check status later
    await sandbox.complete(session)
    status = await sandbox.commands.get_status(session)
    if status.is_complete:
        output = await sandbox.commands.get_output(session)
        print(output.stdout)


@scenario("sdk", "sdk.seed-interruption", features={"execution_id"})
async def test_interruption_of_the_seed(checks: Checks, sandbox_async: Sandbox, raw: Raw, folder: str) -> None:
    sandbox = sandbox_async

    async def running() -> str:
        found = await raw.run("grep -lzx 3600.0*7 /proc/[0-9]*/cmdline 2>/dev/null; true", cwd=folder)
        return found.stdout

    task = asyncio.create_task(
        sandbox.commands.run("sleep 3600.0000007")
    )  # fmt: skip
    # The seed waits five seconds; here it is waited for until there is something to cancel.
    found = await eventually(running)
    task.cancel()
    outcome = await asyncio.gather(task, return_exceptions=True)
    checks.that("sdk.seed-interruption", isinstance(outcome[0], asyncio.CancelledError), saw=outcome)
    pids = [path.split("/")[2] for path in found.split()]
    checks.that("sdk.seed-interruption", bool(pids), saw=found)
    checks.that("sdk.seed-interruption", await are_gone(raw, *pids, limit_s=4), saw=pids)


@scenario("sdk", "sdk.seed-errors", profiles=("full", "compat"))
async def test_errors_of_the_seed(checks: Checks, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    from opensandbox.exceptions import SandboxException

    try:
        await sandbox.commands.run("invalid-command")
    except SandboxException as e:
        print(f"Error code: {e.error.code}")
        print(f"Message: {e.error.message}")
        print(f"Details: {e.error.details}")

    said = capsys.readouterr().out.splitlines()
    checks.equal("sdk.seed-errors", said[:1], ["Error code: COMMAND_FAILED"])
    checks.that("sdk.seed-errors", len(said) == 3 and "127" in said[1], saw=said)
    checks.that("sdk.seed-errors", len(said) == 3 and "invalid-command" in said[2] and "not found" in said[2], saw=said)


@scenario("sdk", "sdk.seed-streaming", profiles=("full", "compat"))
async def test_large_output_of_the_seed(
    checks: Checks, sandbox: Sandbox, raw: Raw, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await _streaming(await _stocked(sandbox, raw, folder))
    checks.equal("sdk.seed-streaming", capsys.readouterr().out, "added 7 packages\naudited\n")


async def _streaming(sandbox: Stocked) -> None:
    async for line in sandbox.commands.run_stream("npm install"):
        print(line.text)
