"""How cells of Java end, and what goes in and out: interrupts wherever they are, much output, variables of a run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from .javas import java
from .nodes import Node

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

_WAITING = [
    "while (true);",
    "while (true) { spun++; }",
    "Runnable spin = () -> { while (true) { } };\nspin.run();",
    "while (true) { try { Thread.sleep(10); } catch (Throwable any) { } }",
    "while (true) { try { for (;;) { spun++; } } catch (Throwable any) { } }",
    "Thread.sleep(1000000);",
    'new ProcessBuilder("sleep", "1000").start().waitFor();',
    "new ServerSocket(0).accept();",
    "new CompletableFuture<String>().get();",
    "Executors.newFixedThreadPool(2).submit(() -> { while (true) spun++; }).get();",
    "IntStream.range(0, 1 << 30).parallel().forEach(i -> { while (true) { } });",
    "int deep(int n) { return n < 2 ? n : deep(n - 1) + deep(n - 2); }\ndeep(70);",
    "new Semaphore(0).acquireUninterruptibly();",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cells(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    async with java(tmp_path_factory.mktemp("java")) as made:
        await made.run("long spun = 0;\nint kept = 1;")
        yield made


@pytest.mark.parametrize("code", _WAITING)
async def test_an_interrupt_reaches_whatever_a_cell_does(cells: Node, code: str) -> None:
    ended = await cells.interrupted(f'System.out.println("begun");\n{code}')
    assert ended.reply["status"] == "abort"
    assert (await cells.run("kept")).result == "1"


async def test_what_was_interrupted_cleans_up(cells: Node) -> None:
    ended = await cells.interrupted(
        'try { System.out.println("begun"); while (true) spun++; }\n'
        'finally { for (int i = 0; i < 2; i++) System.out.println("clean"); }'
    )
    assert ended.stdout.endswith("clean\nclean\n")


async def test_threads_of_other_cells_go_on(cells: Node) -> None:
    await cells.run(
        "var ticks = new SynchronousQueue<Integer>();\n"
        "Thread ticker = new Thread(() -> { try { for (int i = 0; ; i++) ticks.put(i); } catch (Exception e) { } });\n"
        "ticker.setDaemon(true); ticker.start();"
    )
    await cells.interrupted('System.out.println("begun"); while (true);')
    assert (await cells.run("ticks.take() + ticks.take()")).result == "1"


async def test_a_hundred_thousand_lines_arrive(cells: Node) -> None:
    written = await cells.run("for (int i = 0; i < 100000; i++) System.out.println(i);")
    assert written.stdout == "".join(f"{i}\n" for i in range(100_000))


async def test_output_stays_whole_when_a_program_has_made_the_pipe_non_blocking(cells: Node) -> None:
    await cells.run(
        'new ProcessBuilder("python3", "-c", "import os; os.set_blocking(1, False)").inheritIO().start().waitFor();'
    )
    written = await cells.run("for (int i = 0; i < 100000; i++) System.out.println(i);")
    assert written.stdout == "".join(f"{i}\n" for i in range(100_000))


async def test_variables_of_a_run_are_seen_by_programs_too_and_given_back(cells: Node) -> None:
    shows = (
        'System.out.println(System.getenv("LENT") + System.getenv("größe"));\n'
        'new ProcessBuilder("sh", "-c", "echo $LENT").inheritIO().start().waitFor();\n'
        'Runtime.getRuntime().exec(new String[] {"sh", "-c", "echo $LENT"}).getInputStream().transferTo(System.out);'
    )
    cells.kernel.lend_envs({"LENT": "lent", "größe": "überall"})
    assert (await cells.run(shows)).stdout == "lentüberall\nlent\nlent\n"
    cells.kernel.return_envs()
    assert (await cells.run(shows)).stdout == "beforenull\nbefore\nbefore\n"


async def test_without_input_it_is_at_its_end(cells: Node) -> None:
    assert (await cells.run("System.in.read()")).result == "-1"


async def test_names_of_files_may_be_of_any_language(cells: Node) -> None:
    assert (await cells.run('Files.writeString(Path.of("grüße"), "").toFile().exists()')).result == "true"


async def test_fifty_cells_take_little_memory(cells: Node) -> None:
    used = "System.gc(); Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()"
    before = int((await cells.run(used)).result or 0)
    for _ in range(50):
        await cells.run("new byte[1 << 20]")
    assert int((await cells.run(used)).result or 0) - before < 8 << 20


async def test_an_exit_ends_the_worker_with_its_status(tmp_path: Path) -> None:
    async with java(tmp_path) as cells:
        cells.start("System.exit(3);")
        await cells.ear.until(lambda: cells.ear.death is not None)
        assert cells.ear.death is not None
        assert cells.ear.death.exit_code == 3


async def test_it_leaves_at_once_and_hooks_run(tmp_path: Path) -> None:
    async with java(tmp_path) as cells:
        hook = 'try { Files.writeString(Path.of("left"), ""); } catch (Exception e) { }'
        await cells.run(f"Runtime.getRuntime().addShutdownHook(new Thread(() -> {{ {hook} }}));")
        await cells.kernel.leave(within_s=10)
        assert cells.kernel.spawned.ended.is_set()
        assert (tmp_path / "left").exists()
