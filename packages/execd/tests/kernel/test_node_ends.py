"""Interrupts and ends of a worker on Node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from .nodes import Node, left, node

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUSY = {
    "a loop": "console.log('begun'); for (;;);",
    "a loop that catches all": "console.log('begun'); for (;;) try { for (;;); } catch {} finally { for (;;); }",
    "after an await": "await null; console.log('begun'); for (;;);",
    "a timer": "await new Promise(() => setTimeout(() => { console.log('begun'); for (;;); }))",
    "a tick": "await new Promise(() => process.nextTick(() => { console.log('begun'); for (;;); }))",
    "an answer of the system": (
        "await new Promise(() => require('fs').readFile('/dev/null', () => { console.log('begun'); for (;;); }))"
    ),
    "promises": "console.log('begun'); for (;;) await null",
    "a pending await": "console.log('begun'); await new Promise(() => {})",
    "a sleep": "console.log('begun'); await new Promise((r) => setTimeout(r, 1e6))",
    "a wait that blocks": "console.log('begun'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    "a child": "console.log('begun'); require('child_process').execSync('sleep 1000')",
    "a child to come": (
        "const child = ['sh', ['-c', 'echo begun; exec sleep 1000'], { stdio: 'inherit' }];"
        "await new Promise((r) => require('child_process').spawn(...child).on('exit', r))"
    ),
    "a pattern": "console.log('begun'); /(a+)+$/.test('a'.repeat(60) + 'b')",
    "a loop that writes": "for (;;) console.log('begun')",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def js(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    async with node(tmp_path_factory.mktemp("node")) as made:
        yield made


@pytest.mark.parametrize("what", BUSY)
async def test_an_interrupt_ends_a_cell_and_keeps_its_state(js: Node, what: str) -> None:
    await js.run("let kept = 1")
    assert (await js.interrupted(BUSY[what])).reply["status"] == "abort"
    after = await js.run("kept += 1; console.log('printed'); await new Promise((r) => setTimeout(r, 1)); kept")
    assert (after.result, after.stdout, after.stderr) == ("2", "printed\n", "")


@pytest.mark.parametrize(
    "loop",
    [
        "console.log('begun'); for (;;) { await sleep(1); rounds++ }",
        "const work = async () => { for (;;) { await sleep(1); rounds++ } }; console.log('begun'); await work()",
        "console.log('begun'); for (;;) { try { await sleep(1); await Promise.reject(1) } catch { rounds++ } }",
        "setInterval(() => rounds++, 1); console.log('begun'); await new Promise(() => {})",
        "console.log('begun'); for await (const _ of require('timers/promises').setInterval(1)) rounds++",
    ],
)
async def test_a_loop_that_was_interrupted_does_not_go_on_behind_the_next_cell(js: Node, loop: str) -> None:
    await js.run("const sleep = (ms) => new Promise((r) => setTimeout(r, ms)); let rounds = 0")
    assert (await js.interrupted(loop)).reply["status"] == "abort"
    await js.run("await sleep(10); const before = rounds")
    ended = await js.run("await sleep(30); rounds - before")
    assert (ended.result, ended.stderr) == ("0", "")


async def test_what_earlier_cells_have_begun_goes_on(js: Node) -> None:
    await js.run("let ticks = 0; const ticking = setInterval(() => ticks++, 1)")
    assert (await js.interrupted("console.log('begun'); for (;;) await null")).reply["status"] == "abort"
    await js.run("const then = ticks")
    ended = await js.run("await new Promise((r) => setTimeout(r, 50)); clearInterval(ticking); ticks > then")
    assert ended.result == "true"


async def test_an_interrupt_that_comes_late_hits_nothing(js: Node) -> None:
    for _ in range(20):
        name = js.start("1")
        js.kernel.interrupt()
        await js.end(name)
        js.kernel.interrupt()
        assert (await js.run("for (let i = 0; i < 1e5; i++); await null; 2")).result == "2"


async def test_a_worker_ends_with_what_the_cell_says(tmp_path: Path) -> None:
    async with node(tmp_path) as js:
        name = js.start("process.on('exit', () => console.log('bye')); process.exit(3)")
        await js.ear.until(lambda: js.ear.death is not None)
        assert js.ear.death is not None
        assert js.ear.death.exit_code == 3
        assert (js.ear.text(name), js.ear.text(name, "stderr")) == ("bye\n", "")


async def test_a_worker_leaves_when_the_daemon_does(tmp_path: Path) -> None:
    async with node(tmp_path) as js:
        await js.run("setInterval(() => {}, 1000); require('net').createServer().listen(0); 1")
        await js.until(js.start("console.log('begun'); for (;;);"), "begun")
        await left(js.kernel)
        await js.ear.until(lambda: js.ear.death is not None)
        assert js.ear.death is not None
        assert js.ear.death.exit_code == 0
