"""A container that is paused, or cut off from its network for a while: nothing is lost, and nothing runs twice."""

from __future__ import annotations

import asyncio

from execd_conformance.broken import Broken
from execd_conformance.checks import Checks, scenario
from execd_conformance.clock import in_thread
from execd_conformance.scenarios.boxes import Box, box, pause, source
from execd_conformance.session import Session
from opensandbox import Execution, OutputLine, Sandbox

ROUNDS = 60
LOOP = f"""
echo started >> /tmp/starts
i=0; while [ $i -lt {ROUNDS} ]; do i=$((i+1)); seq $((i*1000)) $((i*1000+999)); sleep 0.05; done
"""
EXPECTED = "".join(f"{number}\n" for number in range(1000, ROUNDS * 1000 + 1000))


async def unreachable(mine: Box) -> None:
    """Return when the daemon does not answer any more."""
    async with asyncio.timeout(20):
        while True:
            try:
                await mine.raw.request("GET", "/ping", timeout_s=1.0)
            except Broken:
                return


class Running:
    """A run by the SDK, of whose beginning others wait."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._begun = asyncio.Event()
        self._task = asyncio.ensure_future(sandbox.commands.run(LOOP, on_stdout=self._saw, timeout=60))

    async def begun(self) -> None:
        """Return when there is output."""
        waiting = asyncio.ensure_future(self._begun.wait())
        await asyncio.wait({waiting, self._task}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def ended(self) -> Execution:
        """Return what came of it."""
        async with asyncio.timeout(60):
            return await self._task

    def _saw(self, line: OutputLine) -> None:
        self._begun.set()


@scenario(
    "container",
    "container.pause-loses-nothing",
    "container.pause-keeps-heartbeats",
    "container.pause-sdk-exact",
    needs={"container"},
    limit_s=90,
)
async def test_a_paused_container_goes_on_where_it_was(checks: Checks, target: Session) -> None:
    """Pause a container in the middle of two runs for as long as a request does without an answer."""
    async with box(target, settings={"EXECD_HEARTBEAT_S": "1"}) as mine, await mine.sandbox() as sandbox:
        request = {"command": LOOP + "sleep 3", "output": "chunks"}
        async with mine.raw.stream("POST", "/command", json=request, timeout_s=60.0) as stream:
            running = Running(sandbox)
            await running.begun()
            await stream.until(lambda event: event.type == "stdout")
            await mine.do(pause, mine.container)
            await unreachable(mine)
            await mine.do(mine.container.unpause)
            async for _ in stream:
                pass
        out = "".join(event["text"] for event in stream.events if event.type == "stdout")
        checks.that("container.pause-loses-nothing", out == EXPECTED, f"{len(out)} of {len(EXPECTED)}")
        checks.that("container.pause-loses-nothing", stream.clean_end and stream.events[-1].get("exit_code") == 0)
        checks.that("container.pause-keeps-heartbeats", any(event.type == "ping" for event in stream.events))
        execution = await running.ended()
        checks.that("container.pause-sdk-exact", execution.stdout == EXPECTED, len(execution.stdout))
        checks.equal("container.pause-sdk-exact", execution.exit_code, 0)


@scenario(
    "container",
    "container.reconnect-sdk-exact",
    "container.reconnect-runs-once",
    "container.reconnect-same-address",
    needs={"container"},
    limit_s=90,
)
async def test_a_container_cut_off_in_a_run_is_taken_up_again(checks: Checks, target: Session) -> None:
    """Take its network away in the middle of a run, and give it back."""
    network = await in_thread(source(target).network)
    try:
        async with box(target, network=network.name) as mine, await mine.sandbox() as sandbox:
            running = Running(sandbox)
            await running.begun()
            await mine.do(network.disconnect, mine.container)
            await unreachable(mine)
            await mine.do(network.connect, mine.container)
            execution = await running.ended()
            checks.that("container.reconnect-sdk-exact", execution.stdout == EXPECTED, len(execution.stdout))
            checks.equal("container.reconnect-sdk-exact", (execution.exit_code, execution.truncated), (0, False))
            ran = await mine.raw.run("cat /tmp/starts")
            checks.equal("container.reconnect-runs-once", ran.stdout, "started\n")
            checks.equal("container.reconnect-same-address", (await mine.raw.request("GET", "/ping")).status, 200)
    finally:
        await in_thread(network.remove)
