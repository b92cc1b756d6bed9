"""A cancelled run is interrupted in the sandbox, whenever the cancellation comes. By hand: the colours differ here."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import opensandbox
from opensandbox import OutputLine, Sandbox

from .worlds import (
    LIMIT_S,
    FakeDaemon,
    Incoming,
    Wire,
    command_line,
    descendants,
    failed,
    fake_daemon,
    init,
    out,
    wait_until_gone,
)


class SlowRun:
    """A run whose answer, first event and end come when the test says so."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self.answering = threading.Event()
        self.beginning = threading.Event()
        self.stopped = threading.Event()
        self.begun = threading.Event()
        daemon.on("POST", "/command", self._start)
        daemon.on("DELETE", "/command", self._stop)

    def _start(self, _: Incoming, wire: Wire) -> None:
        assert self.answering.wait(LIMIT_S)
        wire.begin()
        assert self.beginning.wait(LIMIT_S)
        self.begun.set()
        wire.event(init(), 1)
        wire.event(out("working\n"), 2)
        self.stopped.wait(LIMIT_S)
        wire.event(failed("INTERRUPTED", cause="interrupted", stdout_bytes=8), 3)
        wire.end()

    def take_nothing(self, _: Incoming, __: Wire) -> None:
        """Let a write to standard input wait as long as the run goes on."""
        self.stopped.wait(LIMIT_S)

    def _stop(self, _: Incoming, wire: Wire) -> None:
        if self.begun.is_set():
            self.stopped.set()
            wire.reply()
        else:
            wire.refuse(404, "COMMAND_NOT_FOUND")


async def until(happened: threading.Event) -> None:
    async with asyncio.timeout(LIMIT_S):
        await asyncio.to_thread(happened.wait, LIMIT_S)
    assert happened.is_set()


async def test_a_cancelled_run_is_interrupted_by_an_explicit_request() -> None:
    seen = asyncio.Event()

    def tell(_: OutputLine) -> None:
        seen.set()

    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        run.answering.set()
        run.beginning.set()
        async with await Sandbox.connect(daemon.url) as sandbox:
            task = asyncio.create_task(sandbox.commands.run("sleep 3600", on_stdout=tell))
            await seen.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert run.stopped.is_set()
        assert len(daemon.seen("DELETE", "/command")) == 1


@pytest.mark.parametrize("is_answered", [False, True])
async def test_a_run_cancelled_before_its_first_event_is_read_on_to_it(is_answered: bool) -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        if is_answered:
            run.answering.set()
        async with await Sandbox.connect(daemon.url) as sandbox:
            task = asyncio.create_task(sandbox.commands.run("sleep 3600"))
            await asyncio.to_thread(daemon.wait_for, "POST", "/command")
            task.cancel()
            await asyncio.sleep(0)
            assert daemon.seen("DELETE", "/command") == []
            run.answering.set()
            run.beginning.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert run.stopped.is_set()


@pytest.mark.parametrize("times", [2, 4])
async def test_a_run_cancelled_again_before_its_first_event_is_interrupted_all_the_same(times: int) -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            task = asyncio.create_task(sandbox.commands.run("sleep 3600"))
            await asyncio.to_thread(daemon.wait_for, "POST", "/command")
            for _ in range(times):
                task.cancel()
                for _ in range(5):  # rounds of the loop, until the cancellation is where it is awaited
                    await asyncio.sleep(0)
            run.answering.set()
            run.beginning.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert run.stopped.is_set()


@pytest.mark.slow
async def test_a_run_that_never_begins_is_given_up_in_a_few_seconds() -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            task = asyncio.create_task(sandbox.commands.run("sleep 3600"))
            await asyncio.to_thread(daemon.wait_for, "POST", "/command")
            task.cancel()
            async with asyncio.timeout(10):
                with pytest.raises(asyncio.CancelledError):
                    await task
        assert daemon.seen("DELETE", "/command")
        run.answering.set()
        run.beginning.set()
        run.stopped.set()


async def test_a_timeout_around_a_run_is_a_cancellation() -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        run.answering.set()
        run.beginning.set()
        async with await Sandbox.connect(daemon.url) as sandbox:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await sandbox.commands.run("sleep 3600")
            assert run.stopped.is_set()


async def test_a_cancelled_stream_is_interrupted_too() -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        run.answering.set()
        run.beginning.set()
        seen = asyncio.Event()

        async def read(sandbox: Sandbox) -> None:
            async for _ in sandbox.commands.run_stream("sleep 3600"):
                seen.set()

        async with await Sandbox.connect(daemon.url) as sandbox:
            task = asyncio.create_task(read(sandbox))
            await seen.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert run.stopped.is_set()


async def test_closing_the_sandbox_ends_runs_of_other_tasks() -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        run.answering.set()
        run.beginning.set()
        seen = asyncio.Event()
        async with await Sandbox.connect(daemon.url) as sandbox:
            task = asyncio.create_task(
                sandbox.commands.run("sleep 3600", on_stdout=lambda _: seen.set(), check=False)
            )  # fmt: skip
            await seen.wait()
        assert run.stopped.is_set()
        await asyncio.wait({task}, timeout=LIMIT_S)
        assert task.done()
        task.exception()


async def test_the_seeds_interruption_leaves_nothing_running() -> None:
    before = set(descendants(os.getpid()))
    async with await Sandbox.local() as sandbox:
        task = asyncio.create_task(
            sandbox.commands.run("sleep 3600")
        )  # fmt: skip

        def sleeping() -> list[int]:
            return [pid for pid in set(descendants(os.getpid())) - before if "sleep 3600" in command_line(pid)]

        # The seed waits for five seconds here; until the command runs is enough.
        async with asyncio.timeout(LIMIT_S):
            while not sleeping():  # noqa: ASYNC110 - a process tells nobody that it runs
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        wait_until_gone(sleeping())
        assert (await sandbox.commands.run("echo usable")).stdout == "usable\n"


async def test_a_background_command_whose_start_is_cancelled_is_interrupted() -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            task = asyncio.create_task(sandbox.commands.run_background("sleep 3600"))
            await asyncio.to_thread(daemon.wait_for, "POST", "/command")
            task.cancel()
            run.answering.set()
            run.beginning.set()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert run.stopped.is_set()


async def test_a_background_command_is_interrupted_when_its_input_is_left_half_written() -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        run.answering.set()
        run.beginning.set()
        daemon.on("POST", "/executions", run.take_nothing)
        async with await Sandbox.connect(daemon.url) as sandbox:
            task = asyncio.create_task(sandbox.commands.run_background("cat", stdin="much"))
            await asyncio.to_thread(daemon.wait_for, "POST", "/executions/run-1/stdin")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert run.stopped.is_set()


class SlowSession:
    """A session whose first start is answered when the test says so, and a repeated one at once."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self.answering = threading.Event()
        self._daemon = daemon
        daemon.on("POST", "/session", self._start)
        daemon.on("DELETE", "/session", lambda _, wire: wire.reply())

    def _start(self, asked: Incoming, wire: Wire) -> None:
        if asked is self._daemon.seen("POST", "/session")[0]:
            assert self.answering.wait(LIMIT_S)
        wire.reply(200, {"session_id": asked.json["session_id"]})

    def is_ended(self) -> bool:
        """Whether the start was asked for twice under one name, and what bears it was ended."""
        first, again = (asked.json["session_id"] for asked in self._daemon.seen("POST", "/session"))
        return first == again and len(self._daemon.seen("DELETE", f"/session/{first}")) == 1


async def test_a_session_whose_start_is_cancelled_is_ended() -> None:
    with fake_daemon(["sessions"]) as daemon:
        slow = SlowSession(daemon)
        async with await Sandbox.connect(daemon.url) as sandbox:
            task = asyncio.create_task(sandbox.commands.session().__aenter__())
            await asyncio.to_thread(daemon.wait_for, "POST", "/session")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        slow.answering.set()
        assert slow.is_ended()


SESSION_SCRIPT = """
import sys
from opensandbox import SandboxSync
with SandboxSync.connect(sys.argv[1]) as sandbox:
    try:
        with sandbox.commands.session():
            print("never")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_ctrl_c_in_the_start_of_a_session_of_the_synchronous_client_ends_it() -> None:
    with fake_daemon(["sessions"]) as daemon:
        slow = SlowSession(daemon)
        environment = {"PYTHONPATH": str(Path(opensandbox.__file__).parents[1])}
        with subprocess.Popen(
            [sys.executable, "-c", SESSION_SCRIPT, daemon.url], env=environment, stdout=subprocess.PIPE
        ) as client:
            daemon.wait_for("POST", "/session")
            client.send_signal(signal.SIGINT)
            output, _ = client.communicate(timeout=LIMIT_S)
        slow.answering.set()
        assert (client.returncode, output) == (0, b"interrupted\n")
        assert slow.is_ended()


SCRIPT = """
import sys
from opensandbox import SandboxSync
with SandboxSync.connect(sys.argv[1]) as sandbox:
    try:
        sandbox.commands.run("sleep 3600", on_stdout=lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("is_begun", [True, False])
def test_ctrl_c_interrupts_the_command_of_the_synchronous_client(is_begun: bool) -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        if is_begun:
            run.answering.set()
            run.beginning.set()
        environment = {"PYTHONPATH": str(Path(opensandbox.__file__).parents[1])}
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, daemon.url], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as client:
            assert client.stdout is not None
            if is_begun:
                assert client.stdout.readline() == b"working\n"
            else:
                daemon.wait_for("POST", "/command")
            client.send_signal(signal.SIGINT)
            if not is_begun:  # the interrupt overtakes the start, is refused, and tried again
                daemon.wait_for("DELETE", "/command")
                run.answering.set()
                run.beginning.set()
            output, errors = client.communicate(timeout=LIMIT_S)
        assert run.stopped.is_set()
        assert (client.returncode, output, errors) == (0, b"interrupted\n", b"")


AT_EXIT = """
import atexit, sys
from opensandbox import SandboxSync
sandbox = SandboxSync.connect(sys.argv[1])
atexit.register(sandbox.close)
lines = iter(sandbox.commands.run_stream("sleep 3600"))
print(next(lines), flush=True)
"""


def test_closing_at_the_interpreters_end_interrupts_without_a_thread() -> None:
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        run.answering.set()
        run.beginning.set()
        environment = {"PYTHONPATH": str(Path(opensandbox.__file__).parents[1])}
        ended = subprocess.run(
            [sys.executable, "-c", AT_EXIT, daemon.url],
            env=environment,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert run.stopped.is_set()
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"working\n", b"")


async def test_leaving_a_loop_and_its_block_at_once_stops_the_run_and_complains_of_nothing() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    with fake_daemon() as daemon:
        run = SlowRun(daemon)
        run.answering.set()
        run.beginning.set()
        async with await Sandbox.connect(daemon.url) as sandbox:
            async with sandbox.commands.run_stream("yes") as lines:
                async for _ in lines:
                    break
            assert run.stopped.is_set()
            # What the loop left behind is finished by tasks of its own, which come before this one.
            await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)
    assert complaints == []
