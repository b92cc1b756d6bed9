"""Commands end to end: a bare spawn and a bare pipe are the floors."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import time

from benchmarks.daemon import Daemon, running, stream_bytes
from benchmarks.measure import Row, seconds, side_by_side
from opensandbox import Sandbox

MIB = 1024 * 1024
LINE = "x" * 99


def bare_spawn() -> None:
    """The same without `subprocess.run`'s own work."""
    with subprocess.Popen(["bash", "-c", "true"]) as process:
        process.wait()


async def first_byte(sandbox: Sandbox) -> float:
    """Return the seconds from the call to the first line of `echo`."""
    begin = time.perf_counter()
    taken = math.inf
    async with sandbox.commands.run_stream("echo hi") as lines:
        async for _ in lines:
            taken = min(taken, time.perf_counter() - begin)
    return taken


async def spawn(quick: bool) -> list[Row]:  # noqa: FBT001 - one of a table of benches
    """`true` from call to result, and the first byte of `echo`."""
    rounds = 50 if quick else 300
    with running() as daemon:
        async with await Sandbox.connect(daemon.url, access_token=daemon.token) as sandbox:

            async def true() -> None:
                await sandbox.commands.run("true")

            whole, floor = await side_by_side(true, bare_spawn, rounds=rounds)
            byte, byte_floor = await side_by_side(lambda: first_byte(sandbox), bare_spawn, rounds=rounds)
    name = "bare spawn of bash -c true"
    return [
        Row(
            work="commands.run('true'), SDK",
            value=whole * 1e3,
            unit="ms",
            floor=floor * 1e3,
            floor_name=name,
            bar=2.5,
            better="lower",
        ),
        Row(
            work="first byte of echo, SDK",
            value=byte * 1e3,
            unit="ms",
            floor=byte_floor * 1e3,
            floor_name=name,
            bar=2,
            better="lower",
        ),
    ]


def bare_pipe(command: str) -> None:
    """The floor of output: read the same program's pipe and throw the bytes away."""
    with subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout
        buffer = bytearray(256 * 1024)
        while process.stdout.readinto(buffer):  # type: ignore[attr-defined]
            pass


async def output(quick: bool) -> list[Row]:  # noqa: FBT001 - one of a table of benches
    """100 MB in lines of 100 characters and without line ends, at the wire and in the SDK's result."""
    size = (20 if quick else 100) * MIB
    programs = {
        "lines of 100": f"yes {LINE} | head -c {size}",
        "no line ends": f"head -c {size} /dev/zero | tr '\\0' x",
    }
    rows: list[Row] = []
    with running() as daemon:
        for name, program in programs.items():
            rows += await _throughput(daemon, name, program, size=size, rounds=2 if quick else 5)
    return rows


async def _throughput(daemon: Daemon, name: str, program: str, *, size: int, rounds: int) -> list[Row]:
    def wire(mode: str) -> float:
        return seconds(lambda: stream_bytes(daemon, {"command": program, "output": mode}))

    async with await Sandbox.connect(daemon.url, access_token=daemon.token) as sandbox:

        async def result() -> None:
            execution = await sandbox.commands.run(program)
            assert len(execution.stdout_bytes) == size

        in_sdk, floor = await side_by_side(result, lambda: bare_pipe(program), rounds=rounds)
    chunks = sorted(wire("chunks") for _ in range(rounds))[rounds // 2]
    lines = sorted(wire("lines") for _ in range(rounds))[rounds // 2]
    megabytes = size / 1e6
    return [
        Row(
            work=f"{megabytes:.0f} MB, {name}: {what}",
            value=megabytes / taken,
            unit="MB/s",
            floor=megabytes / floor,
            floor_name="bare pipe",
            bar=bar,
            better="higher",
        )
        for what, taken, bar in (
            ("chunks at the wire", chunks, 0.3),
            ("chunks in the SDK", in_sdk, 0.2),
            ("lines at the wire", lines, 0.05),
        )
    ]


async def clients(quick: bool) -> list[Row]:  # noqa: FBT001 - one of a table of benches
    """64 clients at once against one: throughput must not fall."""
    count = 256 if quick else 1024
    with running() as daemon:
        async with await Sandbox.connect(daemon.url, access_token=daemon.token) as sandbox:

            async def rate(width: int) -> float:
                gate = asyncio.Semaphore(width)

                async def one() -> None:
                    async with gate:
                        await sandbox.commands.run("true")

                begin = time.perf_counter()
                await asyncio.gather(*(one() for _ in range(count)))
                return count / (time.perf_counter() - begin)

            await rate(8)
            alone, together = await rate(1), await rate(64)
    cores = os.cpu_count() or 1
    return [
        Row(
            work=f"64 clients at once, {cores} cores",
            value=together,
            unit="runs/s",
            floor=alone,
            floor_name="1 client",
            bar=1,
            better="higher",
        )
    ]
