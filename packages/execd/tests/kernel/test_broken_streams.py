"""Cells that break what their kernel speaks with: its streams, its descriptors, its sockets, the process itself."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
import pytest_asyncio

from .worlds import World, settles, state

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROKEN = [
    "import sys; sys.stdout.close(); sys.stderr.close()",
    "import sys; sys.stdout = sys.stderr = None",
    "import sys; del sys.stdout, sys.stderr",
    "import sys; sys.stdout = open('/dev/null', 'w'); sys.stdout.close()",
    "import os; os.close(0); os.close(1); os.close(2)",
]
HEARS = "import os, sys; print('out'); print('err', file=sys.stderr); os.system('echo sub; echo suberr >&2'); 1 + 1"


@pytest_asyncio.fixture(loop_scope="module")
async def kernels(emptied: World) -> World:
    """Each test breaks a kernel of its own; a start for every one would take longer than the tests."""
    return emptied


@pytest.mark.slow
async def test_a_cell_that_breaks_its_streams_ends_and_the_next_one_has_them_again(kernels: World) -> None:
    context = await kernels.create()
    for code in BROKEN:
        end = (await kernels.run(code, context)).end
        assert end["cause"] in ("completed", "raised"), (code, end)
        told = await kernels.run(HEARS, context)
        assert (sorted(told.stdout.split()), sorted(told.stderr.split())) == (["out", "sub"], ["err", "suberr"]), code
        assert (told.result, told.statuses) == ("2", []), code


async def test_a_stream_that_a_cell_puts_in_place_stays_there_and_need_not_be_whole(kernels: World) -> None:
    context = await kernels.create()
    code = "import sys\nclass Kept(list):\n    write = list.append\nkept = sys.stdout = Kept()\nprint('a')"
    told = await kernels.run(code, context)
    assert (told.end["cause"], told.stdout) == ("completed", "")
    assert (await kernels.run("print('b')", context)).stdout == ""
    told = await kernels.run("sys.stdout = sys.__stdout__; print(''.join(kept))", context)
    assert told.stdout == "a\nb\n\n"


async def test_a_descriptor_that_a_cell_puts_elsewhere_stays_there(kernels: World) -> None:
    context = await kernels.create()
    code = "import os; there = os.open('there', os.O_CREAT | os.O_WRONLY); os.dup2(there, 1)"
    await kernels.run(code, context)
    assert (await kernels.run("os.system('echo hidden'); print('shown')", context)).stdout == "shown\n"
    assert (kernels.root / "there").read_text() == "hidden\n"


@pytest.mark.slow
async def test_what_was_flushed_or_written_by_a_program_comes_before_a_sudden_death(kernels: World) -> None:
    context = await kernels.create()
    for kill in ("os._exit(1)", "os.kill(os.getpid(), 9)"):
        told = await kernels.run(f"import os\nprint('last', flush=True)\n{kill}", context)
        assert (told.stdout, told.end["cause"]) == ("last\n", "kernel_died")


async def test_a_program_writes_characters_whole_and_all_of_them_before_the_end(kernels: World) -> None:
    told = await kernels.run(
        "import subprocess, sys\n_ = subprocess.run([sys.executable, '-c', 'print(9999 * \"aä\")'])"
    )
    assert told.stdout == 9999 * "aä" + "\n"


async def test_a_fork_that_does_not_leave_ends_with_its_cell(kernels: World) -> None:
    context = await kernels.create()
    code = "import os, sys\npid = os.fork()\nif pid == 0:\n    print('child'); sys.exit(3)\nos.waitpid(pid, 0)[1] >> 8"
    told = await kernels.run(code, context)
    assert (told.result, told.stdout) == ("3", "child\n")
    assert [(await kernels.run(f"print({turn})", context)).stdout for turn in range(5)] == [f"{n}\n" for n in range(5)]


THREAD = """
import threading, time
def speak():
    go.wait()
    print('of the first')
go = threading.Event()
speaker = threading.Thread(target=speak)
speaker.start()
"""
PROGRAM = (
    "import subprocess; speaker = subprocess.Popen('read line; echo of the first', shell=True, stdin=subprocess.PIPE)"
)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (THREAD, "go.set(); speaker.join(); print('of the second')"),
        (PROGRAM, "speaker.communicate(b'go\\n'); print('of the second')"),
    ],
)
async def test_what_a_cell_has_started_speaks_for_that_cell_while_another_runs(
    kernels: World, first: str, then: str
) -> None:
    context = await kernels.create()
    events = kernels.contexts.listen(context)
    follower = await kernels.start(first, context)
    await follower.ended()
    assert (await kernels.run(then, context)).stdout == "of the second\n"
    late = await kernels.hear(events, "stdout", text="of the first\n")
    assert late["execution_id"] == follower.run.id


async def test_a_pools_threads_speak_for_the_cell_that_runs(kernels: World) -> None:
    context = await kernels.create()
    code = "from concurrent.futures import ThreadPoolExecutor; pool = ThreadPoolExecutor(1); pool.submit(int).result()"
    await kernels.run(code, context)
    assert (await kernels.run("pool.submit(print, 'here').result()", context)).stdout == "here\n"


@pytest.mark.parametrize(
    ("code", "evalue"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "the kernel was stopped by SIGSTOP"),
        ("get_ipython().kernel.shell_stream.close()", "the kernel closed its sockets"),
        ("get_ipython().kernel.iopub_thread.close(); print('unheard')", "the kernel closed its sockets"),
    ],
)
async def test_a_kernel_that_stands_still_or_closes_its_sockets_is_dead(kernels: World, code: str, evalue: str) -> None:
    context = await kernels.create()
    async with asyncio.timeout(10):
        end = (await kernels.run(code, context)).end
    assert (end["cause"], end["code"], end["state_lost"]) == ("kernel_died", "KERNEL_DIED", True)
    assert end["error"]["evalue"] == evalue
    told = await kernels.run("1 + 1", context)
    assert (told.result, told.statuses) == ("2", ["restarted"])


async def test_a_kernel_that_was_stopped_while_idle_is_replaced(kernels: World) -> None:
    context = await kernels.create()
    pid = int((await kernels.run("import os; os.getpid()", context)).result)
    os.kill(pid, signal.SIGSTOP)
    # It has stopped when the last of its threads has, and only then is its parent told.
    threads = Path(f"/proc/{pid}/task")
    assert await settles(lambda: {state(int(each.name)) for each in threads.iterdir()} == {"T"})
    told = await kernels.run("'os' in globals()", context)
    assert (told.result, told.statuses) == ("False", ["restarted"])


@pytest.mark.slow
async def test_a_cell_that_its_client_stops_goes_on_when_told_to(kernels: World) -> None:
    follower = await kernels.start("import time\nprint('up', flush=True)\ntime.sleep(1)\n'done'")
    await follower.until_text("up")
    control = follower.run.control
    assert control is not None
    control.send_signal("SIGSTOP")
    await asyncio.sleep(0.6)  # More than one look at it: that nothing happens cannot be waited for.
    control.send_signal("SIGCONT")
    assert (await follower.ended()).result == "'done'"


@pytest.mark.slow
async def test_a_restart_or_a_deletion_costs_the_running_cell_its_state(kernels: World) -> None:
    context = await kernels.create()
    for ends in (kernels.contexts.restart, kernels.contexts.delete):
        running = await kernels.start("import time; print('up', flush=True); time.sleep(60)", context)
        await running.until_text("up")
        await ends(context)
        end = (await running.ended()).end
        assert (end["cause"], end["state_lost"]) == ("interrupted", True)
