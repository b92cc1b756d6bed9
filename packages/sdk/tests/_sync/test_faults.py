# Generated from packages/sdk/tests/_async/test_faults.py by tools/unasync.py; do not edit.
"""Every kind of run over a network that fails at random bytes, on its way there and back: no result changes."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from itertools import chain

import pytest

from opensandbox import SandboxSync

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


def foreground(sandbox: SandboxSync) -> None:
    execution = sandbox.commands.run(f"{TALK} exit 5", check=False)
    assert (execution.stdout_bytes, execution.stderr_bytes, execution.exit_code) == (OUT, ERR, 5)


def slowly(sandbox: SandboxSync) -> None:
    lines = sandbox.commands.run_stream("for i in $(seq 20); do echo $i; sleep 0.01; done")
    assert [line.text for line in lines] == [str(number) for number in range(1, 21)]


def fed(sandbox: SandboxSync) -> None:
    assert (sandbox.commands.run("cat", stdin=DATA)).stdout_bytes == DATA


def background(sandbox: SandboxSync) -> None:
    session = sandbox.commands.run_background(f"{TALK} exit 5")
    chunks = sandbox.commands.attach(session, mode="chunks", check=False)
    text = "".join([chunk.text for chunk in chunks if chunk.stream == "stdout"])
    assert (text, chunks.execution.exit_code) == (OUT.decode(errors="replace"), 5)
    assert (sandbox.commands.wait(session)).exit_code == 5
    output = sandbox.commands.get_output(session)
    assert (output.stdout_bytes, output.stderr_bytes) == (OUT, ERR)


def read_as_it_comes(sandbox: SandboxSync) -> None:
    session = sandbox.commands.run_background("for i in $(seq 9); do echo $i; echo e$i >&2; sleep 0.01; done")
    stdout, stderr, cursor, is_over = "", "", 0, False
    while not is_over:
        is_over = (sandbox.commands.get_status(session)).is_complete
        output = sandbox.commands.get_output(session, cursor=cursor)
        stdout, stderr, cursor = stdout + output.stdout, stderr + output.stderr, output.cursor
    assert stdout == "".join(f"{number}\n" for number in range(1, 10))
    assert stderr == "".join(f"e{number}\n" for number in range(1, 10))


def written_to(sandbox: SandboxSync) -> None:
    session = sandbox.commands.run_background("cat", stdin="pipe")
    for number in range(10):
        sandbox.commands.write_stdin(session, f"line {number}\n" * 500)
    sandbox.commands.close_stdin(session)
    sandbox.commands.wait(session)
    written = (sandbox.commands.get_output(session)).stdout
    assert written == "".join(f"line {number}\n" * 500 for number in range(10))


def in_session(sandbox: SandboxSync) -> None:
    with sandbox.commands.session() as shell:
        for _ in range(3):
            shell.run("x=$((x + 1))")
        execution = shell.run(f"echo $x; {TALK} (exit 5)", check=False)
    assert (execution.stdout_bytes, execution.stderr_bytes, execution.exit_code) == (b"3\n" + OUT, ERR, 5)


KINDS = (foreground, slowly, fed, background, read_as_it_comes, written_to, in_session)


def through_faults(execd: RunningDaemon, kind: Callable[[SandboxSync], Awaitable[None]], seed: int) -> None:
    with failing_network(execd.address) as network:
        with SandboxSync.connect(network.url, access_token=execd.token) as sandbox:
            network.drop()
            network.plan = chain([Fault("end", 300)], random_faults(seed, count=15, largest=100_000))
            kind(sandbox)
            network.plan = iter(())
        assert network.faults


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_that_fails_anywhere_changes_no_result(
    execd: RunningDaemon, kind: Callable[[SandboxSync], Awaitable[None]]
) -> None:
    through_faults(execd, kind, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2, 6))
def test_a_network_that_fails_anywhere_at_any_time_changes_no_result(
    execd: RunningDaemon, kind: Callable[[SandboxSync], Awaitable[None]], seed: int
) -> None:
    through_faults(execd, kind, seed)
