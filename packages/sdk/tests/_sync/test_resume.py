# Generated from packages/sdk/tests/_async/test_resume.py by tools/unasync.py; do not edit.
"""A cut connection changes nothing: a real daemon, through a real proxy that cuts where it likes."""

from __future__ import annotations

import subprocess

import pytest

from opensandbox import SandboxSync
from opensandbox.exceptions import CommandFailedException

from ..conftest import RunningDaemon
from ..worlds import CuttingProxy, cutting_proxy, random_cuts

SMALL = "echo run >>count; printf 'one\\ntwo\\n'; printf 'oops\\377' >&2; exit 3"
LARGE = "seq 1 7000000 | head -c 50000000"


def check_small(sandbox: SandboxSync) -> None:
    with pytest.raises(CommandFailedException) as caught:
        sandbox.commands.run(SMALL)
    execution = caught.value.execution
    assert execution is not None
    assert (execution.stdout, execution.stderr_bytes, execution.exit_code) == ("one\ntwo\n", b"oops\xff", 3)


def cut_small_at(offset: int, sandbox: SandboxSync, proxy: CuttingProxy) -> bool:
    """Cut one answer, and tell whether it took another one."""
    proxy.drop()
    proxy.cuts = iter([offset])
    before = proxy.connections
    check_small(sandbox)
    return proxy.connections > before + 1


def size_of_small(sandbox: SandboxSync, proxy: CuttingProxy) -> int:
    proxy.drop()
    before = proxy.passed
    check_small(sandbox)
    return proxy.passed - before


def small_through_cuts(execd: RunningDaemon, step: int) -> None:
    count = execd.root / "count"
    count.unlink(missing_ok=True)
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            size = size_of_small(sandbox, proxy)
            offsets = range(0, size + 1, step)
            resumed = [cut_small_at(offset, sandbox, proxy) for offset in offsets]
    # Events that go out together make the answer shorter, and nobody misses what comes after the terminal event.
    assert all(resumed[: len(resumed) * 2 // 3])
    assert len(count.read_text().splitlines()) == 1 + len(offsets)


def test_a_small_run_survives_cuts_everywhere(execd: RunningDaemon) -> None:
    small_through_cuts(execd, step=11)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_survives_a_cut_at_every_offset(execd: RunningDaemon) -> None:
    small_through_cuts(execd, step=1)


def large_through_cuts(execd: RunningDaemon, seed: int) -> None:
    expected = subprocess.run(["bash", "-c", LARGE], capture_output=True, check=True).stdout  # noqa: ASYNC221
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            proxy.drop()
            proxy.cuts = random_cuts(seed, cuts=12, largest=12_000_000)
            execution = sandbox.commands.run(LARGE)
            assert proxy.connections > 5
    assert execution.stdout_bytes == expected
    assert not execution.truncated


@pytest.mark.slow
def test_a_large_run_survives_cuts_at_random_offsets(execd: RunningDaemon) -> None:
    large_through_cuts(execd, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_large_run_survives_any_cuts(execd: RunningDaemon, seed: int) -> None:
    large_through_cuts(execd, seed)


@pytest.mark.slow
def test_a_stream_survives_cuts_at_random_offsets(execd: RunningDaemon) -> None:
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            proxy.drop()
            proxy.cuts = random_cuts(3, cuts=8, largest=300_000)
            numbers = [int(line) for line in sandbox.commands.run_stream("seq 1 200000")]
    assert numbers == list(range(1, 200_001))


def test_standard_input_and_output_meet_through_cuts_of_the_output(execd: RunningDaemon) -> None:
    data = b"".join(b"%d\n" % number for number in range(200_000))
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            proxy.drop()
            proxy.cuts = iter([100_000, None, 50_000, 20_000])
            execution = sandbox.commands.run("cat", stdin=data)
    assert execution.stdout_bytes == data
