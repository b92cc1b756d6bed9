"""Every kind of run over a network that fails at random bytes, on its way there and back: no result changes."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from itertools import chain

import pytest

from opensandbox import Sandbox

from ..conftest import RunningDaemon
from ..faults import Fault, failing_network, random_faults

TALK = r"""
for i in 1 2 3 4 5 6 7 8; do
  echo "line $i"; printf 'no newline \377 漢 %s' $i; echo "err $i" >&2; head -c $((i * 9000)) /dev/zero | tr '\0' $i
done
"""
OUT = b"".join(
    f"line {i}\nno newline ".encode() + b"\xff" + f" 漢 {i}".encode() + b"%d" % i * (i * 9000) for i in range(1, 9)
)
ERR = b"".join(b"err %d\n" % i for i in range(1, 9))
DATA = random.Random(1).randbytes(300_000)


async def foreground(sandbox: Sandbox) -> None:
    execution = await sandbox.commands.run(f"{TALK} exit 5", check=False)
    assert (execution.stdout_bytes, execution.stderr_bytes, execution.exit_code) == (OUT, ERR, 5)


async def slowly(sandbox: Sandbox) -> None:
    lines = sandbox.commands.run_stream("for i in $(seq 20); do echo $i; sleep 0.01; done")
    assert [line.text async for line in lines] == [str(number) for number in range(1, 21)]


async def fed(sandbox: Sandbox) -> None:
    assert (await sandbox.commands.run("cat", stdin=DATA)).stdout_bytes == DATA


async def background(sandbox: Sandbox) -> None:
    session = await sandbox.commands.run_background(f"{TALK} exit 5")
    chunks = sandbox.commands.attach(session, mode="chunks", check=False)
    text = "".join([chunk.text async for chunk in chunks if chunk.stream == "stdout"])
    assert (text, chunks.execution.exit_code) == (OUT.decode(errors="replace"), 5)
    assert (await sandbox.commands.wait(session)).exit_code == 5
    output = await sandbox.commands.get_output(session)
    assert (output.stdout_bytes, output.stderr_bytes) == (OUT, ERR)


async def read_as_it_comes(sandbox: Sandbox) -> None:
    session = await sandbox.commands.run_background("for i in $(seq 9); do echo $i; echo e$i >&2; sleep 0.01; done")
    stdout, stderr, cursor, is_over = "", "", 0, False
    while not is_over:
        is_over = (await sandbox.commands.get_status(session)).is_complete
        output = await sandbox.commands.get_output(session, cursor=cursor)
        stdout, stderr, cursor = stdout + output.stdout, stderr + output.stderr, output.cursor
    assert stdout == "".join(f"{number}\n" for number in range(1, 10))
    assert stderr == "".join(f"e{number}\n" for number in range(1, 10))


async def written_to(sandbox: Sandbox) -> None:
    session = await sandbox.commands.run_background("cat", stdin="pipe")
    for number in range(10):
        await sandbox.commands.write_stdin(session, f"line {number}\n" * 500)
    await sandbox.commands.close_stdin(session)
    await sandbox.commands.wait(session)
    written = (await sandbox.commands.get_output(session)).stdout
    assert written == "".join(f"line {number}\n" * 500 for number in range(10))


async def in_session(sandbox: Sandbox) -> None:
    async with sandbox.commands.session() as shell:
        for _ in range(3):
            await shell.run("x=$((x + 1))")
        execution = await shell.run(f"echo $x; {TALK} (exit 5)", check=False)
    assert (execution.stdout_bytes, execution.stderr_bytes, execution.exit_code) == (b"3\n" + OUT, ERR, 5)


KINDS = (foreground, slowly, fed, background, read_as_it_comes, written_to, in_session)


async def through_faults(execd: RunningDaemon, kind: Callable[[Sandbox], Awaitable[None]], seed: int) -> None:
    with failing_network(execd.address) as network:
        async with await Sandbox.connect(network.url, access_token=execd.token) as sandbox:
            network.drop()
            network.plan = chain([Fault("end", 300)], random_faults(seed, count=15, largest=100_000))
            await kind(sandbox)
            network.plan = iter(())
        assert network.faults


@pytest.mark.parametrize("kind", KINDS)
async def test_a_network_that_fails_anywhere_changes_no_result(
    execd: RunningDaemon, kind: Callable[[Sandbox], Awaitable[None]]
) -> None:
    await through_faults(execd, kind, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2, 6))
async def test_a_network_that_fails_anywhere_at_any_time_changes_no_result(
    execd: RunningDaemon, kind: Callable[[Sandbox], Awaitable[None]], seed: int
) -> None:
    await through_faults(execd, kind, seed)
