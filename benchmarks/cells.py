"""Cells end to end: the same kernel, spoken to by bare jupyter_client, is the floor."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

from benchmarks.daemon import running
from benchmarks.measure import Row, side_by_side
from code_interpreter import CodeInterpreter
from code_interpreter._async.codes import Codes
from opensandbox import Sandbox

LINE = 100
"""Characters of a line, its terminator included."""


@contextlib.asynccontextmanager
async def bare_kernel() -> AsyncIterator[AsyncKernelClient]:
    """Start a stock kernel and connect to it, with nothing dropped; as near as a client can be."""
    context = zmq.asyncio.Context()
    context.set(zmq.MAX_SOCKETS, 1024)
    context.rcvhwm = 0
    with tempfile.TemporaryDirectory() as place:
        manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{place}/k", context=context)
        await manager.start_kernel()
        client = manager.client(context=context)
        client.start_channels(hb=False)
        try:
            client.kernel_info()
            await client.get_shell_msg(timeout=60)
            yield client
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)
    context.destroy(linger=0)


async def bare_cell(client: AsyncKernelClient, code: str) -> int:
    """Run a cell to its reply and its idle status, and return how many characters it printed."""
    sent = client.execute(code)
    printed = 0
    idle = False
    while not idle:
        message: dict[str, Any] = await client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != sent:
            continue
        if message["msg_type"] == "stream":
            printed += len(message["content"]["text"])
        idle = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
    while (await client.get_shell_msg(timeout=60))["parent_header"].get("msg_id") != sent:
        pass
    return printed


async def cells(quick: bool) -> list[Row]:  # noqa: FBT001 - one of a table of benches
    """A warm `1+1`, a cell that prints 100 MB, and the creation of contexts, by a start and from a pool."""
    count = (20 if quick else 100) * 1_000_000 // LINE
    printing = f"line = 'x' * {LINE - 1}\nfor _ in range({count}): print(line)"
    async with bare_kernel() as client:
        with running() as daemon:
            async with await Sandbox.connect(daemon.url, access_token=daemon.token) as sandbox:
                codes = (await CodeInterpreter.create(sandbox)).codes
                context = await codes.create_context("python")

                async def printed() -> None:
                    assert len((await codes.run(printing, context_id=context)).stdout_bytes) == count * LINE

                async def printed_bare() -> None:
                    assert await bare_cell(client, printing) == count * LINE

                warm, warm_floor = await side_by_side(
                    lambda: codes.run("1+1", context_id=context),
                    lambda: bare_cell(client, "1+1"),
                    rounds=50 if quick else 300,
                )
                output, output_floor = await side_by_side(printed, printed_bare, rounds=1 if quick else 3)
                cold, cold_floor = await starting(codes, rounds=2 if quick else 7)
    rounds = 3 if quick else 15
    with running("--pool", "python=1") as daemon:
        async with await Sandbox.connect(daemon.url, access_token=daemon.token) as sandbox:
            pooled, pooled_floor = await starting((await CodeInterpreter.create(sandbox)).codes, warm=1, rounds=rounds)
    return [
        _row("cell 1+1, warm, SDK", warm * 1e3, warm_floor * 1e3, "ms", 1.5),
        _row("create_context('python'), no pool", cold * 1e3, cold_floor * 1e3, "ms", 1.0),
        _row("create_context('python'), pool of 1", pooled * 1e3, pooled_floor * 1e3, "ms", 0.15),
        Row(
            work=f"{count * LINE / 1e6:.0f} MB printed by a cell, SDK",
            value=count * LINE / 1e6 / output,
            unit="MB/s",
            floor=count * LINE / 1e6 / output_floor,
            floor_name="bare jupyter_client",
            bar=0.7,
            better="higher",
        ),
    ]


async def starting(codes: Codes, *, rounds: int, warm: int = 0) -> tuple[float, float]:
    """Return the median seconds of a context's start and of a stock kernel's; what ends them is not counted.

    Each time so many kernels stand ready.
    """
    pairs = []
    for _ in range(rounds):
        while [language.warm for language in await codes.languages() if language.name == "python"] != [warm]:
            # Nobody tells when a kernel stands ready; often enough, and no load beside what is timed.
            await asyncio.sleep(0.05)
        begin = time.perf_counter()
        context = await codes.create_context("python")
        taken = time.perf_counter() - begin
        await codes.delete_context(context)
        begin = time.perf_counter()
        async with bare_kernel():
            pairs.append((taken, time.perf_counter() - begin))
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _row(work: str, value: float, floor: float, unit: str, bar: float) -> Row:
    return Row(
        work=work, value=value, unit=unit, floor=floor, floor_name="bare jupyter_client", bar=bar, better="lower"
    )
