"""Cells in real kernels: what they tell, how they end, and what is left afterwards."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
import pytest_asyncio

from execd.errors import ExecutionConflict, StdinClosed

from .worlds import World, settles, state, world

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPIN = "print('up', flush=True)\nwhile True: pass"
SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = """
import time
print('up', flush=True)
while True:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""


@pytest_asyncio.fixture(loop_scope="module")
async def kernels(emptied: World) -> World:
    """A start for every test would take longer than the tests; test_contexts has those."""
    return emptied


async def test_a_cell_tells_its_output_its_value_and_its_end(kernels: World) -> None:
    told = await kernels.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n2 + 2")
    # A print may come in two pieces.
    assert sorted({*told.types}) == sorted(
        ["init", "execution_count", "stdout", "stderr", "result", "execution_complete"]
    )
    assert (told.stdout, told.stderr, told.result) == ("out\n", "err\n", "4")
    assert told.types[0] == "init"
    end = told.end
    assert (end["cause"], end["stdout_bytes"], end["stderr_bytes"], end["state_lost"]) == ("completed", 4, 4, False)
    assert isinstance(end["execution_time"], int)


async def test_state_lasts_from_run_to_run_and_counts_go_up(kernels: World) -> None:
    context = await kernels.create()
    await kernels.run("x = 100", context)
    told = await kernels.run("x * 2", context)
    assert told.result == "200"
    assert [event["execution_count"] for event in told if event["type"] == "execution_count"] == [2]


async def test_contexts_do_not_share_state(kernels: World) -> None:
    first, second = await kernels.create(), await kernels.create()
    await kernels.run("x = 1", first)
    assert (await kernels.run("x", second)).end["error"]["ename"] == "NameError"


async def test_an_exception_is_the_end_in_the_kernels_words_and_keeps_the_state(kernels: World) -> None:
    context = await kernels.create()
    told = await kernels.run("y = 5\n1 / 0", context)
    end = told.end
    assert (end["type"], end["cause"], end["code"]) == ("error", "raised", "EXECUTION_FAILED")
    assert (end["error"]["ename"], end["error"]["evalue"]) == ("ZeroDivisionError", "division by zero")
    assert "division by zero" in end["error"]["traceback"][-1]
    assert (await kernels.run("y", context)).result == "5"


async def test_displays_updates_and_clearing_are_passed_on(kernels: World) -> None:
    code = (
        "from IPython.display import display, clear_output, JSON, HTML\n"
        "shown = display(HTML('<b>1</b>'), display_id='d')\nshown.update(HTML('<b>2</b>'))\n"
        "clear_output(wait=True)\nJSON({'a': [1]})"
    )
    told = await kernels.run(code)
    results = [event for event in told if event["type"] == "result"]
    assert [event["is_main_result"] for event in results] == [False, False, True]
    assert [event["results"].get("text/html") for event in results[:2]] == ["<b>1</b>", "<b>2</b>"]
    assert [event.get("display_id") for event in results] == ["d", "d", None]
    assert results[1]["update"] is True
    assert results[2]["data"]["application/json"] == {"a": [1]}
    assert {"type": "clear_output", "wait": True}.items() <= told[told.types.index("clear_output")].items()


async def test_texts_that_no_encoding_can_hold_cost_one_character_each(kernels: World) -> None:
    context = await kernels.create()
    told = await kernels.run("print('a\\udc80b\\ud800'); print('kept')", context)
    assert (told.stdout, told.stderr) == ("a\ufffdb\ufffd\nkept\n", "")
    end = (await kernels.run("raise ValueError('x\\ud800')", context)).end
    assert (end["error"]["ename"], end["error"]["evalue"]) == ("ValueError", "x\ufffd")


# ── interrupts and timeouts ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", [SPIN, SLEEP, "import os; os.system('echo up; exec sleep 60')"])
async def test_an_interrupt_ends_what_runs_and_keeps_the_state(kernels: World, code: str) -> None:
    context = await kernels.create()
    await kernels.run("kept = 1", context)
    follower = await kernels.start(code, context)
    await follower.until_text("up")
    await kernels.contexts.interrupt(context)
    end = (await follower.ended()).end
    assert (end["cause"], end["code"], end["state_lost"]) == ("interrupted", "INTERRUPTED", False)
    told = await kernels.run("kept", context)
    assert (told.result, told.statuses) == ("1", [])


async def test_an_interrupt_by_execution_id_and_at_any_moment_ends_the_run(kernels: World) -> None:
    context = await kernels.create()
    for _ in range(20):
        follower = await kernels.start("while True: pass", context)
        await asyncio.sleep(0)
        await kernels.contexts.interrupt(follower.run.id)
        end = (await follower.ended()).end
        assert (end["cause"], end["state_lost"]) == ("interrupted", False)
    assert (await kernels.run("1", context)).result == "1"


async def test_an_interrupt_that_comes_while_a_cell_is_made_ready_is_kept_for_its_code(kernels: World) -> None:
    context = await kernels.create()
    await kernels.run(
        "import os, signal\n"
        "def interrupted():\n"
        "    get_ipython().events.unregister('pre_execute', interrupted)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "get_ipython().events.register('pre_execute', interrupted)",
        context,
    )
    end = (await kernels.run("ran = True", context)).end
    assert (end["cause"], end["error"]["ename"]) == ("raised", "KeyboardInterrupt")
    assert (await kernels.run("'ran' in globals()", context)).result == "False"


async def test_an_interrupt_of_an_idle_context_or_of_a_finished_run_is_fine(kernels: World) -> None:
    context = await kernels.create()
    follower = await kernels.start("1", context)
    await follower.ended()
    await kernels.contexts.interrupt(context)
    await kernels.contexts.interrupt(follower.run.id)


async def test_a_run_in_line_says_so_and_is_dropped_by_its_id(kernels: World) -> None:
    context = await kernels.create()
    running = await kernels.start(SPIN, context)
    await running.until_text("up")
    waiting = await kernels.start("print('never')", context)
    after = await kernels.start("print('after')", context)
    await kernels.contexts.interrupt(waiting.run.id)
    told = await waiting.ended()
    assert told.types == ["init", "status", "error"]
    assert (told.statuses, told.end["cause"], told.end["state_lost"]) == (["queued"], "interrupted", False)
    assert running.run.end is None
    await kernels.contexts.interrupt(context)
    assert (await running.ended()).end["cause"] == "interrupted"
    assert (await after.ended()).stdout == "after\n"


async def test_a_timeout_interrupts_and_keeps_the_state_where_the_cell_heeds_it(kernels: World) -> None:
    context = await kernels.create()
    await kernels.run("kept = 1", context)
    end = (await kernels.run(SLEEP, context, timeout=200)).end
    assert (end["cause"], end["code"], end["state_lost"]) == ("timed_out", "EXECUTION_TIMEOUT", False)
    assert (await kernels.run("kept", context)).result == "1"


@pytest.mark.slow
async def test_a_timeout_that_the_cell_ignores_costs_it_the_kernel(tmp_path: Path) -> None:
    async with world(tmp_path, grace_ms=300) as kernels:
        context = await kernels.create()
        await kernels.run("kept = 1", context)
        end = (await kernels.run(STUBBORN, context, timeout=200)).end
        assert (end["cause"], end["state_lost"]) == ("timed_out", True)
        told = await kernels.run("kept", context)
        assert told.statuses == ["restarted"]
        assert told.end["error"]["ename"] == "NameError"
        assert (await kernels.run("1", context)).statuses == []


async def test_a_timeout_does_not_count_the_time_in_line(kernels: World) -> None:
    context = await kernels.create()
    first = await kernels.start("import time; time.sleep(1)", context)
    second = await kernels.start("2", context, timeout=500)
    assert (await first.ended()).end["cause"] == "completed"
    assert (await second.ended()).result == "2"


async def test_a_kernel_that_is_busy_between_cells_does_not_hold_an_interrupted_run(tmp_path: Path) -> None:
    async with world(tmp_path, grace_ms=300) as kernels:
        context = await kernels.create()
        blocking = "import asyncio, time\nasyncio.get_event_loop().call_later(0.1, time.sleep, 60)"
        await kernels.run(blocking, context)
        await asyncio.sleep(0.3)
        end = (await kernels.run("1", context, timeout=200)).end
        assert (end["cause"], end["state_lost"]) == ("timed_out", True)


# ── deaths ───────────────────────────────────────────────────────────────────────────────────────────────────────────

DEATHS = [
    ("import os; os._exit(3)", {"exit_code": 3}),
    ("import os; os.kill(os.getpid(), 9)", {"signal": "SIGKILL"}),
    ("import ctypes; ctypes.string_at(0)", {"signal": "SIGSEGV"}),
    ("import os; os.abort()", {"signal": "SIGABRT"}),
]


@pytest.mark.parametrize(("code", "details"), DEATHS)
async def test_a_kernel_that_dies_ends_its_run_and_is_replaced(
    kernels: World, code: str, details: dict[str, object]
) -> None:
    context = await kernels.create()
    follower = await kernels.start(f"print('last', flush=True)\nimport time; time.sleep(0.5)\n{code}", context)
    end = (await follower.ended()).end
    assert (end["cause"], end["code"], end["state_lost"]) == ("kernel_died", "KERNEL_DIED", True)
    assert end["details"] == details
    assert follower.told.stdout == "last\n"
    told = await kernels.run("1 + 1", context)
    assert (told.statuses, told.result) == (["restarted"], "2")


async def test_a_kernel_that_the_memory_controller_killed_was_out_of_memory(kernels: World) -> None:
    context = await kernels.create()
    follower = await kernels.start(SPIN, context)
    await follower.until_text("up")
    kernels.kills += 1
    os.kill(follower.run.pid or 0, signal.SIGKILL)
    end = (await follower.ended()).end
    assert (end["cause"], end["code"], end["state_lost"]) == ("out_of_memory", "OUT_OF_MEMORY", True)


async def test_a_kernel_that_we_killed_was_not_out_of_memory(tmp_path: Path) -> None:
    async with world(tmp_path, grace_ms=200) as kernels:
        context = await kernels.create()
        follower = await kernels.start(STUBBORN, context)
        await follower.until_text("up")
        kernels.kills += 1
        await kernels.contexts.interrupt(context)
        assert (await follower.ended()).end["cause"] == "interrupted"


async def test_a_kernel_killed_while_idle_is_replaced_before_anybody_asks(kernels: World) -> None:
    context = await kernels.create()
    first = await kernels.start("import os; os.getpid()", context)
    pid = int((await first.ended()).result)
    events = kernels.contexts.listen(context)
    os.kill(pid, signal.SIGKILL)
    await kernels.hear(events, "status", text="restarted")
    told = await kernels.run("os", context)
    assert told.statuses == ["restarted"]


async def test_runs_in_line_go_on_in_the_fresh_kernel(kernels: World) -> None:
    context = await kernels.create()
    dying = await kernels.start("import os, time; time.sleep(0.3); os._exit(1)", context)
    following = await kernels.start("6 * 7", context)
    assert (await dying.ended()).end["cause"] == "kernel_died"
    told = await following.ended()
    assert (told.statuses, told.result) == (["queued", "restarted"], "42")


async def test_exit_completes_the_cell_and_the_next_one_finds_a_fresh_kernel(kernels: World) -> None:
    context = await kernels.create()
    end = (await kernels.run("x = 1; exit()", context)).end
    assert (end["cause"], end["state_lost"]) == ("completed", True)
    told = await kernels.run("'x' in globals()", context)
    assert (told.statuses, told.result) == (["restarted"], "False")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_kernels_killed_at_random_moments_never_hang_nor_lie(kernels: World) -> None:
    draw = random.Random(4)
    deaths = [code for code, _ in DEATHS[:3]]
    context = await kernels.create()
    pid = int((await kernels.run("import os; os.getpid()", context)).result)
    for turn in range(20):
        inside = draw.random() < 0.5
        wait = draw.random() * 0.02
        code = f"import time; time.sleep({wait})\n{draw.choice(deaths)}" if inside else "while True: pass"
        follower = await kernels.start(code, context)
        if not inside:
            await asyncio.sleep(wait)
            os.kill(follower.run.pid or pid, draw.choice([signal.SIGKILL, signal.SIGSEGV]))
        async with asyncio.timeout(10):
            end = (await follower.ended()).end
        assert end["cause"] == "kernel_died", (turn, end)
        told = await kernels.run("import os; os.getpid()", context)
        assert told.statuses in (["restarted"], ["queued", "restarted"])
        pid = int(told.result)


# ── input, variables, threads ────────────────────────────────────────────────────────────────────────────────────────


async def test_input_is_refused_at_once_where_it_is_not_allowed(kernels: World) -> None:
    follower = await kernels.start("input('? ')")
    assert follower.run.control is not None
    with pytest.raises(StdinClosed):
        await follower.run.control.write_stdin(b"x\n")
    end = (await follower.ended()).end
    assert (end["cause"], end["error"]["ename"]) == ("raised", "StdinNotImplementedError")


async def test_input_is_asked_for_and_answered(kernels: World) -> None:
    follower = await kernels.start(
        "a = input('a? ')\nimport getpass\nb = getpass.getpass('b? ')\na, b", allow_stdin=True
    )
    first = await follower.until("input_request")
    assert (first["prompt"], first["password"]) == ("a? ", False)
    assert follower.run.control is not None
    await follower.run.control.write_stdin(b"")
    await follower.run.control.write_stdin("ä\n".encode())
    await follower.until("input_request", password=True)
    await follower.run.control.write_stdin(b"without line end")
    await follower.run.control.write_stdin(b"")
    assert (await follower.ended()).result == "('ä', 'without line end')"


async def test_answers_that_come_early_wait_for_their_questions(kernels: World) -> None:
    follower = await kernels.start("[input() for _ in range(3)]", allow_stdin=True)
    assert follower.run.control is not None
    await follower.run.control.write_stdin(b"1\n2\n3\n")
    assert (await follower.ended()).result == "['1', '2', '3']"


async def test_the_end_of_the_input_is_told(kernels: World) -> None:
    follower = await kernels.start("input()", allow_stdin=True)
    await follower.until("input_request")
    assert follower.run.control is not None
    follower.run.control.close_stdin()
    assert (await follower.ended()).end["error"]["ename"] == "EOFError"


async def test_a_cell_that_waits_for_input_can_be_interrupted(kernels: World) -> None:
    context = await kernels.create()
    follower = await kernels.start("input()", context, allow_stdin=True)
    await follower.until("input_request")
    await kernels.contexts.interrupt(context)
    assert (await follower.ended()).end["cause"] == "interrupted"
    assert (await kernels.run("1", context)).result == "1"


async def test_variables_of_a_run_hold_for_that_run_only(kernels: World) -> None:
    context = await kernels.create(envs={"KEPT": "context", "SHADOWED": "before"})
    evil = "'; import os\n\\\"{values}\udc80".encode("utf-8", "replace").decode()
    look = "import os; [os.environ.get(name) for name in ('KEPT', 'SHADOWED', 'NEW')]"
    told = await kernels.run(look, context, envs={"SHADOWED": evil, "NEW": "1"})
    assert told.result == repr(["context", evil, "1"])
    told = await kernels.run(look, context)
    assert told.result == repr(["context", "before", None])
    assert [event["execution_count"] for event in told if event["type"] == "execution_count"] == [2]


@pytest.mark.parametrize("ends", ["1/0", "import time; time.sleep(60)"])
async def test_variables_are_given_back_however_the_run_ends(kernels: World, ends: str) -> None:
    context = await kernels.create()
    await kernels.run(f"import os; os.environ['NEW']\n{ends}", context, envs={"NEW": "1"}, timeout=500)
    assert (await kernels.run("'NEW' in os.environ", context)).result == "False"


async def test_variables_of_a_run_leave_no_trace_in_history_and_names(kernels: World) -> None:
    context = await kernels.create()
    names = "sorted(name for name in globals() if not name.startswith('_'))"
    before = (await kernels.run(names, context)).result
    assert (await kernels.run(names, context, envs={"NEW": "1"})).result == before
    assert (await kernels.run("len(In), max(Out)", context)).result == "(4, 2)"


async def test_what_a_thread_prints_after_its_cell_goes_to_the_contexts_own_stream(kernels: World) -> None:
    context = await kernels.create()
    events = kernels.contexts.listen(context)
    code = "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.3), print('late'))).start()"
    follower = await kernels.start(code, context)
    told = await follower.ended()
    assert (told.stdout, told.end["stdout_bytes"]) == ("", 0)
    late = await kernels.hear(events, "stdout", text="late\n")
    assert late["execution_id"] == follower.run.id
    assert follower.run.store.stdout_bytes == 0


# ── readers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_client_that_leaves_in_mid_cell_interrupts_it_and_frees_the_context(kernels: World) -> None:
    context = await kernels.create()
    follower = await kernels.start(SPIN, context, disconnect_grace_ms=50)
    await follower.until_text("up")
    follower.reader.close()
    assert (await kernels.run("1", context)).result == "1"
    assert follower.run.end is not None
    assert (follower.run.end.cause, follower.run.end.state_lost) == ("cancelled", False)


async def test_a_detached_cell_goes_on_without_readers(kernels: World) -> None:
    context = await kernels.create()
    code = "import time; print('up', flush=True); time.sleep(0.5)"
    follower = await kernels.start(code, context, on_disconnect="detach", disconnect_grace_ms=0)
    await follower.until_text("up")
    follower.reader.close()
    await follower.run.ended()
    assert follower.run.end is not None
    assert follower.run.end.cause == "completed"


async def test_the_same_start_attaches_and_another_conflicts(kernels: World) -> None:
    context = await kernels.create()
    first = await kernels.start("1", context, execution_id="mine")
    await first.ended()
    again = await kernels.start("1", context, execution_id="mine")
    assert again.run is first.run
    assert (await again.ended()).result == "1"
    with pytest.raises(ExecutionConflict):
        await kernels.start("2", context, execution_id="mine")
    await kernels.contexts.delete(context)
    assert (await kernels.start("1", context, execution_id="mine")).run is first.run


@pytest.mark.slow
async def test_two_hundred_cells_in_ten_contexts_at_once_all_answer_in_order(kernels: World) -> None:
    contexts = await asyncio.gather(*(kernels.create() for _ in range(10)))
    await asyncio.gather(*(kernels.run("seen = []", context) for context in contexts))
    followers = [
        (await kernels.start(f"seen.append({turn}); print('t{turn}'); len(seen)", context), turn)
        for turn in range(20)
        for context in contexts
    ]
    for follower, turn in followers:
        told = await follower.ended()
        assert (told.stdout, told.result) == (f"t{turn}\n", str(turn + 1))


@pytest.mark.slow
async def test_a_flood_of_small_messages_loses_nothing(kernels: World) -> None:
    code = "for i in range(5000): print(i, flush=True)"
    told = await kernels.run(code)
    assert told.stdout == "".join(f"{number}\n" for number in range(5000))


async def test_a_text_too_long_for_one_event_comes_in_several(kernels: World) -> None:
    told = await kernels.run("print('ä' * 700_000)")
    assert told.stdout == "ä" * 700_000 + "\n"
    assert told.types.count("stdout") > 1


async def test_a_reader_a_whole_bound_behind_holds_the_kernel_up_and_loses_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, run_bytes=1_000_000) as kernels:
        follower = await kernels.start("for i in range(300): print('x' * 10_000, flush=True)")
        run = follower.run
        async with asyncio.timeout(20):
            while not run.held:
                await run.feed.wait(1)
        assert await settles(lambda: state(run.pid) == "T")
        told = await follower.ended()
        assert len(told.stdout) == 300 * 10_001
        assert told.end["truncated"] is False


async def test_a_held_kernel_can_be_interrupted(tmp_path: Path) -> None:
    async with world(tmp_path, run_bytes=1_000_000) as kernels:
        context = await kernels.create()
        follower = await kernels.start("while True: print('x' * 10_000, flush=True)", context)
        async with asyncio.timeout(20):
            while not follower.run.held:
                await follower.run.feed.wait(1)
        await kernels.contexts.interrupt(context)
        assert (await follower.ended()).end["cause"] == "interrupted"
