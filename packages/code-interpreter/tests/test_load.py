"""Many cells in many contexts at once: each has its own output, its own value and its own end."""

from __future__ import annotations

import asyncio

import pytest

from code_interpreter import CodeInterpreter
from opensandbox import Sandbox
from opensandbox.exceptions import KernelDiedException
from packages.sdk.tests.conftest import RunningDaemon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def test_two_hundred_cells_in_ten_contexts_at_once(execd: RunningDaemon) -> None:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        codes = (await CodeInterpreter.create(sandbox)).codes
        contexts = await asyncio.gather(*(codes.create_context("python") for _ in range(10)))

        async def cell(number: int) -> None:
            code = f"for k in range(50): print({number}, k)\n{number} * 2"
            execution = await codes.run(code, context_id=contexts[number % 10])
            assert execution.text == str(number * 2)
            assert execution.logs.stdout == [f"{number} {k}" for k in range(50)]

        await asyncio.gather(*(cell(number) for number in range(200)))
        for context in contexts:
            assert (await codes.run("1", context_id=context)).execution_count == 21
        await asyncio.gather(*(codes.delete_context(context) for context in contexts))


async def test_a_kernel_may_die_fifty_times_and_its_context_goes_on(execd: RunningDaemon) -> None:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        codes = (await CodeInterpreter.create(sandbox)).codes

        async def die_again_and_again(way: str, signal: str | None) -> None:
            context = await codes.create_context("python")
            for at in range(10):
                with pytest.raises(KernelDiedException) as caught:
                    await codes.run(f"import os, signal, time\ntime.sleep({at / 50})\n{way}", context_id=context)
                assert caught.value.error.details.get("signal") == signal
                assert (await codes.run("2 + 2", context_id=context)).text == "4"
            await codes.delete_context(context)

        ways = {
            "os.kill(os.getpid(), signal.SIGKILL)": "SIGKILL",
            "os.kill(os.getpid(), signal.SIGSEGV)": "SIGSEGV",
            "import ctypes; ctypes.string_at(0)": "SIGSEGV",
            "os._exit(3)": None,
            "os.abort()": "SIGABRT",
        }
        await asyncio.gather(*(die_again_and_again(way, signal) for way, signal in ways.items()))
