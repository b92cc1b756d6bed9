"""How cells of Go end: interrupted wherever they are, by leaving, or by a crash."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .gos import INSTALL_S, go
from .nodes import Node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(INSTALL_S), pytest.mark.asyncio(loop_scope="module")]

_WAITING = [
    "for {\n}",
    "time.Sleep(time.Hour)",
    "<-make(chan int)",
    "make(chan int) <- 1",
    "select {}",
    "select {\ncase <-make(chan int):\n}",
    "for range make(chan int) {\n}",
    "again:\nif true {\n\tgoto again\n}",
    "func deep(n int) int {\n\tif n < 2 {\n\t\treturn n\n\t}\n\treturn deep(n-1) + deep(n-2)\n}\ndeep(70)",
    "func() {\n\tdefer func() { fmt.Println(recover()) }()\n\tfor {\n\t}\n}()",
    "var all sync.WaitGroup\nall.Add(1)\ngo func() {\n\tfor {\n\t}\n}()\nall.Wait()",
    "http.ListenAndServe(`127.0.0.1:0`, nil)",
    "exec.Command(`sleep`, `1000`).Run()",
    'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println(`begun`)\n\tfor {\n\t}\n}',
]
_MEASURE = """\
func used() int {
	raw, _ := os.ReadFile("/proc/self/statm")
	var size, resident int
	fmt.Sscan(string(raw), &size, &resident)
	return resident * 4
}
used()
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cells(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    async with go(tmp_path_factory.mktemp("go")) as made:
        await made.run('import ("fmt"; "net/http"; "os"; "os/exec"; "sync"; "time")\nkept := 1')
        yield made


@pytest.mark.parametrize("code", _WAITING)
async def test_an_interrupt_reaches_whatever_a_cell_does(cells: Node, code: str) -> None:
    whole = code if code.startswith("package") else f"fmt.Println(`begun`)\n{code}"
    ended = await cells.interrupted(whole)
    assert ended.reply["status"] == "abort"
    assert (await cells.run("kept")).result == "1"


async def test_goroutines_of_other_cells_go_on(cells: Node) -> None:
    await cells.run("ticks := make(chan int)\ngo func() {\n\tfor i := 0; ; i++ {\n\t\tticks <- i\n\t}\n}()")
    await cells.interrupted("fmt.Println(`begun`)\nfor {\n}")
    assert (await cells.run("<-ticks + <-ticks")).result == "1"


async def test_a_hundred_thousand_lines_arrive(cells: Node) -> None:
    written = await cells.run("for i := range 100000 {\n\tfmt.Println(i)\n}")
    assert written.stdout == "".join(f"{i}\n" for i in range(100_000))


async def test_fifty_cells_take_little_memory(cells: Node) -> None:
    await cells.run("grown := 0")
    before = int((await cells.run(_MEASURE)).result or 0)
    for number in range(50):
        await cells.run(f"grown += {number}")
    after = int((await cells.run("used()")).result or 0)
    assert (await cells.run("grown")).result == str(sum(range(50)))
    assert after - before < 20_000, "KiB"


@pytest.mark.parametrize(("code", "status"), [("os.Exit(3)", 3), ("go func() { panic(`apart`) }()\nselect {}", 2)])
async def test_an_exit_and_a_panic_of_a_goroutine_end_the_worker(
    tmp_path_factory: pytest.TempPathFactory, code: str, status: int
) -> None:
    async with go(tmp_path_factory.mktemp("go")) as made:
        made.start(f"import `os`\n{code}")
        await made.ear.until(lambda: made.ear.death is not None)
        assert made.ear.death is not None
        assert made.ear.death.exit_code == status
