"""A cancelled cell is interrupted in its kernel, whenever the cancellation comes. By hand: the colours differ here."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import code_interpreter
import opensandbox
from code_interpreter import CodeContext, CodeInterpreter
from code_interpreter._async.codes import Codes
from opensandbox import OutputLine, Sandbox
from opensandbox.transport import Request
from packages.sdk.tests.conftest import RunningDaemon

LIMIT_S = 20.0
LONG = "import time\ntry:\n    print('working', flush=True)\n    time.sleep(600)\nfinally:\n    stopped = True"


async def check_interrupted(codes: Codes, context: CodeContext) -> None:
    """Check that the long cell is over, by its own exception or (on a machine that is busy) with its kernel."""
    execution = await codes.run("stopped", context_id=context)
    assert execution.text == "True" or execution.restarted


async def test_a_cancelled_cell_frees_its_context_at_once(execd: RunningDaemon) -> None:
    seen = asyncio.Event()

    def tell(_: OutputLine) -> None:
        seen.set()

    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        codes = (await CodeInterpreter.create(sandbox)).codes
        context = await codes.create_context("python")
        task = asyncio.create_task(codes.run(LONG, context_id=context, on_stdout=tell))
        async with asyncio.timeout(LIMIT_S):
            await seen.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await check_interrupted(codes, context)
        await codes.delete_context(context)


async def until_running(sandbox: Sandbox, count: int) -> None:
    """Wait until so many cells run or queue."""
    cells = Request(method="GET", path="/executions", query=(("running", "true"), ("kind", "cell")))
    async with asyncio.timeout(LIMIT_S):
        # A daemon tells nobody what begins.
        while len(json.loads((await sandbox.transport.send(cells)).body)["executions"]) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_cell_cancelled_in_line_never_runs(execd: RunningDaemon) -> None:
    held = asyncio.Event()

    async def hold(_: str) -> str:
        await held.wait()
        return "go on"

    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        codes = (await CodeInterpreter.create(sandbox)).codes
        context = await codes.create_context("python")
        first = asyncio.create_task(codes.run("input()", context_id=context, on_input=hold))
        await until_running(sandbox, 1)
        second = asyncio.create_task(codes.run("ran = True", context_id=context))
        await until_running(sandbox, 2)
        second.cancel()
        async with asyncio.timeout(LIMIT_S):
            with pytest.raises(asyncio.CancelledError):
                await second
            held.set()
            assert (await first).text == "'go on'"
            assert (await codes.run("'ran' in globals()", context_id=context)).text == "False"
        await codes.delete_context(context)


async def test_leaving_a_loop_interrupts_the_cell(execd: RunningDaemon) -> None:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        codes = (await CodeInterpreter.create(sandbox)).codes
        context = await codes.create_context("python")
        async with asyncio.timeout(LIMIT_S):
            async with codes.run_stream(LONG, context_id=context) as events:
                async for event in events:
                    assert event == "working"
                    break
            async for event in codes.run_stream(LONG, context_id=context):
                assert event == "working"
                break
            await check_interrupted(codes, context)
        await codes.delete_context(context)


async def test_leaving_the_sandbox_interrupts_its_cells(execd: RunningDaemon) -> None:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as other:
        seen = asyncio.Event()
        async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
            codes = (await CodeInterpreter.create(sandbox)).codes
            context = await codes.create_context("python")
            task = asyncio.create_task(codes.run(LONG, context_id=context, on_stdout=lambda _: seen.set()))
            await seen.wait()
        async with asyncio.timeout(LIMIT_S):
            codes = (await CodeInterpreter.create(other)).codes
            await check_interrupted(codes, context)
            await codes.delete_context(context)
            await asyncio.wait({task})
        assert task.exception() is not None


SCRIPT = """
import sys
from opensandbox import SandboxSync
from code_interpreter import CodeInterpreterSync
with SandboxSync.connect(sys.argv[1], access_token=sys.argv[2]) as sandbox:
    codes = CodeInterpreterSync.create(sandbox).codes
    context = codes.create_context("python")
    try:
        codes.run(sys.argv[3], context_id=context, on_stdout=lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        execution = codes.run("stopped", context_id=context)
        print(execution.text == "True" or execution.restarted, flush=True)
    codes.delete_context(context)
"""


def test_ctrl_c_interrupts_the_cell_of_the_synchronous_client(execd: RunningDaemon) -> None:
    sources = ":".join(str(Path(str(package.__file__)).parents[1]) for package in (opensandbox, code_interpreter))
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, execd.url, execd.token, LONG],
        env={"PYTHONPATH": sources},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"working\n"
        client.send_signal(signal.SIGINT)
        output, errors = client.communicate(timeout=LIMIT_S)
    assert (client.returncode, output, errors) == (0, b"True\n", b"")


async def test_a_context_whose_creation_was_cancelled_is_not_there(execd: RunningDaemon) -> None:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        codes = (await CodeInterpreter.create(sandbox)).codes
        before = {context.context_id for context in await codes.list_contexts()}
        task = asyncio.create_task(codes.create_context("python"))
        async with asyncio.timeout(LIMIT_S):
            while {context.context_id for context in await codes.list_contexts()} == before:
                assert not task.done()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert {context.context_id for context in await codes.list_contexts()} == before
