"""A container that is stopped, or whose daemon is killed: what its streams and its exit status say."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack

import pytest

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import COLOURS, connected
from execd_conformance.scenarios.boxes import Box, box
from execd_conformance.session import Session
from execd_conformance.stream import Stream
from opensandbox.exceptions import SandboxConnectionException, SandboxException, ShuttingDownException

STUBBORN = "trap '' TERM; echo begun; while :; do sleep 1; done"


async def opened(mine: Box, stack: AsyncExitStack) -> dict[str, Stream]:
    """Open a stream of every kind, and wait for each to have begun."""

    async def begin(method: str, path: str, kind: str, **request: object) -> Stream:
        stream = await stack.enter_async_context(mine.raw.stream(method, path, timeout_s=60.0, **request))  # type: ignore[arg-type]
        await stream.until(lambda event: event.type == kind, limit_s=40.0)
        return stream

    streams = {"command": await begin("POST", "/command", "stdout", json={"command": "echo begun; sleep 1000"})}
    command = streams["command"].events[0]["text"]
    streams["second reader"] = await begin("GET", f"/executions/{command}/events", "stdout")
    streams["stubborn command"] = await begin("POST", "/command", "stdout", json={"command": STUBBORN})
    streams["metrics"] = await begin("GET", "/metrics/watch", "metrics")
    code = {"code": "print('begun', flush=True); import time; time.sleep(1000)", "context": {"language": "python"}}
    streams["cell"] = await begin("POST", "/code", "stdout", json=code)
    return streams


@scenario(
    "container",
    "container.stop-ends-streams",
    "container.stop-ends-bodies",
    "container.stop-exits-0",
    needs={"container"},
    limit_s=90,
)
async def test_a_stopped_container_ends_its_streams_and_exits_0(checks: Checks, target: Session) -> None:
    """Stop a container in which streams of every kind are open."""
    async with box(target) as mine, AsyncExitStack() as stack:
        streams = await opened(mine, stack)
        await mine.stop(10)
        for name, stream in streams.items():
            async for _ in stream:
                pass
            ends = [event for event in stream.events if event.is_terminal]
            last = stream.events[-1]
            is_told = ends == [last] and last.get("code") == "SHUTTING_DOWN"
            # A stream of the machine's figures is no run, and has no cause.
            is_told = is_told and (name == "metrics" or last.get("cause") == "shutting_down")
            checks.that("container.stop-ends-streams", is_told, f"{name}: {last.raw}")
            checks.that("container.stop-ends-bodies", stream.clean_end, f"{name}: {stream.cut}")
        checks.equal("container.stop-exits-0", await mine.exit_status(), 0)


@pytest.mark.parametrize("colour", COLOURS)
@scenario("container", "container.stop-tells-sdk", needs={"container"}, limit_s=60)
async def test_a_stopped_container_is_told_apart_by_the_sdk(checks: Checks, target: Session, colour: str) -> None:
    """Stop a container in the middle of a run of the SDK's, and run something in what is left."""
    async with box(target) as mine, connected(colour, mine.raw.url, mine.raw.token) as sandbox:
        lines = sandbox.commands.run_stream("echo begun; sleep 1000")

        async def read() -> None:
            async for _ in lines:
                await mine.stop(10)

        with pytest.raises(SandboxException) as stopped:
            await read()
        checks.equal("container.stop-tells-sdk", type(stopped.value), ShuttingDownException)
        execution = getattr(stopped.value, "execution", None)
        checks.equal("container.stop-tells-sdk", getattr(execution, "stdout", None), "begun\n")
        with pytest.raises(SandboxException) as gone:
            await sandbox.commands.run("true")
        checks.that("container.stop-tells-sdk", isinstance(gone.value, SandboxConnectionException), repr(gone.value))


@scenario("container", "container.stop-at-once", needs={"container"}, limit_s=60)
async def test_a_container_can_be_stopped_as_soon_as_it_is_started(checks: Checks, target: Session) -> None:
    """Stop it before its daemon can have learned of signals."""
    async with box(target, waits=False) as mine:
        await mine.stop(20)
        checks.equal("container.stop-at-once", await mine.exit_status(), 0)


@pytest.mark.parametrize("signal", ["TERM", "INT"])
@scenario("container", "container.signal-exits-0", needs={"container"}, limit_s=60)
async def test_a_signal_to_the_first_process_ends_it_with_0(checks: Checks, target: Session, signal: str) -> None:
    """Send its first process a signal, as an operator would."""
    async with box(target) as mine:
        await mine.raw.run("true")
        await mine.do(mine.container.kill, signal)
        checks.equal("container.signal-exits-0", await mine.exit_status(10.0), 0)


@scenario(
    "container", "container.killed-daemon-ends-it", "container.killed-daemon-cuts", needs={"container"}, limit_s=60
)
async def test_a_killed_daemon_ends_its_container(checks: Checks, target: Session) -> None:
    """Kill the daemon, and leave the rest to the process that guards it."""
    async with box(target) as mine:
        ready = next(line for line in mine.daemon.log().splitlines() if line.startswith('{"event":"ready"'))
        async with mine.raw.stream("POST", "/command", json={"command": "echo begun; sleep 1000"}) as stream:
            await stream.until(lambda event: event.type == "stdout")
            await mine.inside(f"kill -KILL {json.loads(ready)['pid']}")
            rest = [event async for event in stream]
            checks.that("container.killed-daemon-cuts", not any(event.is_terminal for event in rest), rest)
        status = await mine.exit_status(10.0)
        checks.that("container.killed-daemon-ends-it", status != 0, status)
