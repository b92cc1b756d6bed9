"""Kernels that stand ready: handed out as if started now, replaced, and given up for better reasons than their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from execd.errors import InternalFault
from execd.kernel import pool, source, warm
from execd.kernel.pool import Pool
from execd.process.members import children

from .worlds import World, alive, settles, state, world

LOOK = "import os; print(os.getcwd(), os.environ['PWD'], os.environ.get('A'), os.getpid())"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LOOK_S", 0.05)
    monkeypatch.setattr(pool, "REFILL_AFTER_S", 0.01)
    monkeypatch.setattr(source, "SETTLED_S", 0.05)


def pool_of(kernels: World) -> Pool:
    return kernels.contexts._launcher._pools["ipykernel"]


def ready(kernels: World) -> list[int]:
    return [each.kernel.spawned.pid for each in pool_of(kernels)._ready]


def server(kernels: World) -> int:
    made = pool_of(kernels)._source
    return made.pids[0] if made and made.pids else 0


async def filled(kernels: World, *, but: int = 0) -> int:
    """Return the process of a kernel that stands ready, and is not that one."""
    kernels.contexts.fill()
    assert await settles(lambda: bool(ready(kernels)) and ready(kernels)[0] != but)
    return ready(kernels)[0]


ABOUT = """
import json, locale, os, resource, signal, sys, tempfile, threading, warnings
def read(name): return open(f"/proc/self/{name}").read()
print(json.dumps({
    "sys": [sys.path, sys.flags[:], sys.executable, sys.argv[1:-1], sys.stdin.isatty(), sys.getrecursionlimit()],
    "environment": {name: value for name, value in os.environ.items() if name not in ("EXECD_EXECUTION_ID",)},
    "began with the mark": read("environ").count(os.environ["EXECD_EXECUTION_ID"]),
    "user": [In[:-1], Out, repr(_dh), get_ipython().execution_count,
             sorted(name for name in globals() if name[0] != "_")],
    "threads": sorted(type(thread).__name__ for thread in threading.enumerate()),
    "signals": [str(signal.getsignal(number)).split(" at ")[0] for number in signal.valid_signals()],
    "masks": [str(signal.pthread_sigmask(signal.SIG_BLOCK, [])), os.umask(0o22)],
    "process": [os.getcwd(), os.getpid() == os.getsid(0) == os.getpgid(0), os.getppid(), os.getpriority(0, 0)],
    "memory": [read("oom_score_adj"), resource.getrlimit(resource.RLIMIT_AS)],
    "descriptors": [os.readlink(f"/proc/self/fd/{fd}").split(":")[0] for fd in range(3)],
    "others": [locale.setlocale(locale.LC_ALL), tempfile.gettempdir(), len(warnings.filters)],
}))
"""


async def test_a_kernel_that_stood_ready_is_as_if_it_had_been_started_where_it_is_wanted(tmp_path: Path) -> None:
    async def tell(kernels: World) -> Any:
        context = await kernels.create(cwd="below", envs={"A": "1", "TERM": "dumb"})
        told = await kernels.run(ABOUT, context)
        assert told.stdout, told
        return json.loads(told.stdout)

    async with world(tmp_path) as kernels:
        started = await tell(kernels)
    async with world(tmp_path, pool=1) as kernels:
        waiting = await filled(kernels)
        handed_out = await tell(kernels)
        forked = await tell(kernels)
        assert ready(kernels) != [waiting]
    for what, told in started.items():
        assert handed_out[what] == told, what
        assert forked[what] == told, what


@pytest.mark.slow
async def test_one_after_another_is_handed_out_and_others_follow(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1) as kernels:
        before = 0
        for number in range(3):
            waiting = await filled(kernels, but=before)
            place = tmp_path / str(number)
            context = await kernels.create(cwd=str(place), envs={"A": str(number)})
            assert (await kernels.run(LOOK, context)).stdout == f"{place} {place} {number} {waiting}\n"
            before = waiting


@pytest.mark.slow
async def test_many_at_once_each_get_one(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1) as kernels:
        await filled(kernels)
        contexts = await asyncio.gather(*(kernels.create(envs={"A": str(number)}) for number in range(5)))
        told = await asyncio.gather(*(kernels.run(LOOK, context) for context in contexts))
        assert [one.stdout.split()[2] for one in told] == ["0", "1", "2", "3", "4"]
        assert len({one.stdout.split()[3] for one in told}) == 5


async def test_kernels_of_one_pool_share_nothing_that_one_could_notice(tmp_path: Path) -> None:
    look = """
import json, multiprocessing, os, random, ssl, tempfile, threading, uuid
sockets = [os.readlink(f"/proc/self/fd/{fd}") for fd in range(100) if os.path.exists(f"/proc/self/fd/{fd}")]
print(json.dumps({
    "numbers": [random.random(), random.SystemRandom().random(), uuid.uuid4().hex, ssl.RAND_bytes(8).hex()],
    "names": [next(tempfile._get_candidate_names()), multiprocessing.current_process().authkey.hex()],
    "descriptors": sorted(name for name in sockets if "socket:" in name or "pipe:" in name),
    "threads": sorted(f"{thread.native_id} {thread!r}" for thread in threading.enumerate()),
    "inputs": In[:-1],
}))
"""
    async with world(tmp_path, pool=1) as kernels:
        await filled(kernels)
        contexts = [await kernels.create() for _ in range(3)]
        told = [json.loads((await kernels.run(look, context)).stdout) for context in contexts]
        for what in ("numbers", "names", "descriptors", "threads"):
            everything = [item for one in told for item in set(one[what])]
            assert everything
            assert len(set(everything)) == len(everything), what
        assert [one["inputs"] for one in told] == [[""]] * 3
        assert len(os.listdir(f"/proc/{server(kernels)}/task")) == 1


async def test_what_was_installed_while_a_kernel_waited_is_there(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "sitecustomize.py").write_text("import before")
    (packages / "before.py").write_text("version = 1")
    async with world(tmp_path, pool=1, envs={"PYTHONPATH": str(packages)}) as kernels:
        waiting = await filled(kernels)
        # In place: only the file says so. (Of another length, or Python itself would not see it in the same second.)
        (packages / "before.py").write_text("version = 22")
        (packages / "after.py").write_text("")
        context = await kernels.create()
        look = "import after, before, os; print(before.version, os.getpid())"
        version, pid = (await kernels.run(look, context)).stdout.split()
        assert (version, int(pid) != waiting) == ("22", True)
        assert await filled(kernels, but=waiting)
        assert await settles(lambda: not alive(waiting))


@pytest.mark.slow
async def test_files_that_come_where_modules_are_looked_for_do_no_harm(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1, envs={"PYTHONPATH": str(tmp_path)}) as kernels:
        waiting = await filled(kernels)
        (tmp_path / "mine.py").write_text("value = 1")
        context = await kernels.create()
        told = await kernels.run("import mine, os; print(mine.value, os.getpid())", context)
        assert told.stdout == f"1 {waiting}\n"
        waiting = await filled(kernels, but=waiting)
        # But for one that takes the place of what a kernel has read already.
        (tmp_path / "fractions.py").write_text("value = 2")
        told = await kernels.run("import fractions; print(fractions.value)", await kernels.create())
        assert told.stdout == "2\n"


async def test_a_context_whose_variables_are_read_at_a_start_gets_a_start(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1) as kernels:
        waiting = await filled(kernels)
        context = await kernels.create(envs={"PYTHONDONTWRITEBYTECODE": "1"})
        look = "import os, sys; print(sys.flags.dont_write_bytecode, os.getpid())"
        flag, pid = (await kernels.run(look, context)).stdout.split()
        assert (flag, int(pid) != waiting) == ("1", True)
        assert ready(kernels) == [waiting]


@pytest.mark.slow
async def test_a_kernel_that_has_been_handed_out_dies_and_is_replaced_like_any_other(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1) as kernels:
        await filled(kernels)
        context = await kernels.create()
        told = await kernels.run("import os; os._exit(3)", context)
        assert (told.end["code"], "3" in told.end["error"]["evalue"]) == ("KERNEL_DIED", True)
        told = await kernels.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", context)
        assert (told.end["code"], "SIGSEGV" in told.end["error"]["evalue"]) == ("KERNEL_DIED", True)
        assert (await kernels.run("6 * 7", context)).result == "42"


@pytest.mark.slow
async def test_what_a_cell_forks_is_found_when_its_context_is_deleted(tmp_path: Path) -> None:
    code = """
import os, signal, time
if not (child := os.fork()):
    os.setsid()
    if not os.fork():
        time.sleep(1000)
    os._exit(0)
os.waitpid(child, 0)
def mark(pid):
    try: return os.environ["EXECD_EXECUTION_ID"].encode() in open(f"/proc/{pid}/environ", "rb").read()
    except OSError: return False
print([int(pid) for pid in os.listdir("/proc") if pid.isdigit() and mark(pid)])
"""
    async with world(tmp_path, pool=1) as kernels:
        await filled(kernels)
        context = await kernels.create()
        told = await kernels.run(code, context)
        assert told.stdout, told
        pids = json.loads(told.stdout)
        assert len(pids) == 2
        await kernels.contexts.delete(context)
        assert not any(alive(pid) for pid in pids)


@pytest.mark.slow
async def test_a_kernel_that_dies_while_it_waits_is_replaced(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1) as kernels:
        waiting = await filled(kernels)
        os.kill(waiting, signal.SIGKILL)
        assert await filled(kernels, but=waiting)
        assert await settles(lambda: not Path(f"/proc/{waiting}").exists())
        assert (await kernels.run("1", await kernels.create())).result == "1"


@pytest.mark.slow
async def test_a_kernel_that_was_stopped_while_it_waited_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path, pool=1) as kernels:
        waiting = await filled(kernels)
        monkeypatch.setattr(warm, "ADOPTION_S", 0.1)
        os.kill(waiting, signal.SIGSTOP)
        assert (await kernels.run("1", await kernels.create())).result == "1"
        assert not alive(waiting)


@pytest.mark.slow
async def test_kernels_outlive_the_server_that_has_forked_them_and_others_follow(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1) as kernels:
        waiting = await filled(kernels)
        context = await kernels.create()
        await kernels.run("x = 1", context)
        before = server(kernels)
        os.kill(before, signal.SIGKILL)
        assert await settles(lambda: server(kernels) not in (0, before))
        assert await filled(kernels, but=waiting)
        assert (await kernels.run("x", context)).result == "1"
        assert (await kernels.run("1", await kernels.create())).result == "1"


@pytest.mark.slow
async def test_an_interpreter_that_cannot_be_forked_has_kernels_ready_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    code = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    (tmp_path / "packages" / "sitecustomize.py").write_text(code)
    async with world(tmp_path, pool=1, envs={"PYTHONPATH": str(tmp_path / "packages")}) as kernels:
        waiting = await filled(kernels)
        assert str(waiting) in (await kernels.run(LOOK, await kernels.create())).stdout


@pytest.mark.slow
async def test_a_kernel_with_start_up_files_is_started_where_they_are_to_run(tmp_path: Path) -> None:
    startup = tmp_path / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("import os; began = os.getcwd()")
    async with world(tmp_path, pool=1) as kernels:
        kernels.contexts.fill()
        assert await settles(lambda: pool_of(kernels)._unfit is not None)
        assert (await kernels.run("print(began)", await kernels.create(cwd="below"))).stdout == f"{tmp_path}/below\n"
        assert ready(kernels) == []


@pytest.mark.slow
async def test_a_configuration_that_was_written_meanwhile_holds_and_a_history_does_no_harm(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1) as kernels:
        waiting = await filled(kernels)
        profile = tmp_path / ".ipython" / "profile_default"
        (profile / "history.sqlite").write_text("")
        assert str(waiting) in (await kernels.run(LOOK, await kernels.create())).stdout
        await filled(kernels, but=waiting)
        (profile / "ipython_config.py").write_text("c.InteractiveShellApp.exec_lines = ['x = 42']")
        assert (await kernels.run("print(x)", await kernels.create())).stdout == "42\n"


@pytest.mark.slow
async def test_a_pool_is_given_up_while_memory_is_short(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1) as kernels:
        waiting = await filled(kernels)
        pids = [waiting, server(kernels)]
        kernels.memory_left = 0.05
        assert await settles(lambda: not any(map(alive, pids)))
        kernels.memory_left = 0.15
        assert (await kernels.run("1", await kernels.create())).result == "1"
        assert ready(kernels) == []
        looks = kernels.memory_looks
        await kernels.run("import time; time.sleep(0.5)")
        assert kernels.memory_looks - looks < 100
        kernels.memory_left = 0.5
        assert await filled(kernels)


@pytest.mark.slow
async def test_a_start_that_fails_while_memory_is_short_is_tried_again_without_the_pool(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    flag = broken / "once"
    once = f"""
import os, sys
if any("kernel_python" in word for word in sys.orig_argv) and os.path.exists({str(flag)!r}):
    os.unlink({str(flag)!r})
    os._exit(1)
"""
    (broken / "sitecustomize.py").write_text(once)
    async with world(tmp_path, pool=1) as kernels:
        waiting = await filled(kernels)
        await kernels.create(envs={"PYTHONPATH": str(broken)})
        flag.touch()
        with pytest.raises(InternalFault):
            await kernels.create(envs={"PYTHONPATH": str(broken)})
        assert ready(kernels) == [waiting]
        flag.touch()
        kernels.memory_left = 0.15
        assert (await kernels.run("1", await kernels.create(envs={"PYTHONPATH": str(broken)}))).result == "1"
        assert not alive(waiting)


@pytest.mark.slow
async def test_languages_tell_what_stands_ready_and_what_memory_it_holds(tmp_path: Path) -> None:
    async def told(kernels: World) -> Any:
        return next(info for info in await kernels.contexts.languages() if info.name == "python")

    async with world(tmp_path, pool=2) as kernels:
        kernels.contexts.fill()
        assert await settles(lambda: len(ready(kernels)) == 2)
        info = await told(kernels)
        assert (info.warm, 5_000_000 < info.warm_memory_bytes < 100_000_000) == (2, True)


@pytest.mark.slow
async def test_a_lazy_pool_waits_for_the_first_use_and_ephemeral_runs_take_from_it(tmp_path: Path) -> None:
    async with world(tmp_path, pool=1, pool_lazy=True) as kernels:
        kernels.contexts.fill()
        assert pool_of(kernels)._keeping is None
        told = await kernels.run("import os; os.getpid()", ephemeral=True)
        waiting = await filled(kernels)
        assert int(told.result) != waiting
        assert int((await kernels.run("import os; os.getpid()", ephemeral=True)).result) == waiting


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0, 0.003, 0.01, 0.03, 0.06])
async def test_contexts_that_are_deleted_while_they_get_their_kernels_leave_none(
    tmp_path: Path, delay_s: float
) -> None:
    before = children(os.getpid())  # What other tests have left to this process.
    async with world(tmp_path, pool=1) as kernels:
        await filled(kernels)
        making = [asyncio.ensure_future(kernels.create()) for _ in range(4)]
        await asyncio.sleep(delay_s)  # Somewhere in the middle, wherever that is here.
        await kernels.contexts.delete_all("python")
        await asyncio.gather(*making, return_exceptions=True)
        await kernels.contexts.delete_all("python")
        await filled(kernels)
        assert await settles(lambda: children(os.getpid()) - before <= {server(kernels), *ready(kernels)})
        assert (await kernels.run("1", await kernels.create())).result == "1"


@pytest.mark.slow
async def test_nothing_is_left_of_a_pool(tmp_path: Path) -> None:
    async with world(tmp_path, pool=2) as kernels:
        pids = [await filled(kernels), server(kernels)]
    assert not any(state(pid) for pid in pids)
