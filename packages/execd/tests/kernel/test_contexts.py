"""Contexts: made, listed, restarted, deleted with everything that they have started, and refused with reasons."""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import shutil
import sys
from pathlib import Path

import pytest

from execd._wire import ContextChoice, CreateContextRequest, RunCodeRequest
from execd.errors import (
    ContextNotFound,
    InternalFault,
    InvalidRequestBody,
    LanguageNotSupported,
    LimitReached,
    ShuttingDown,
)

from .worlds import World, alive, settles, world


async def test_a_context_is_listed_found_and_deleted(kernels: World) -> None:
    assert await kernels.contexts.show() == []
    context = await kernels.create()
    other = await kernels.create(language="py")
    assert [found.id for found in await kernels.contexts.show("python3")] == [context, other]
    assert kernels.contexts.get(other).language == "python"
    assert await kernels.contexts.show("java") == []
    await kernels.contexts.delete(context)
    with pytest.raises(ContextNotFound):
        kernels.contexts.get(context)
    await kernels.contexts.delete_all("python")
    assert await kernels.contexts.show() == []


async def test_the_default_context_is_made_on_first_use_where_that_asks_and_kept(kernels: World) -> None:
    place = kernels.root / "made" / "for it"
    request = RunCodeRequest(code="import os; x = 1; os.getcwd()", context=ContextChoice(language="py", cwd=str(place)))
    first = await kernels.contexts.run(request)
    await first.ended()
    assert (await kernels.run("print(x, os.getcwd())")).stdout == f"1 {place}\n"
    (context,) = await kernels.contexts.show()
    assert (context.language, context.cwd) == ("python", str(place))


async def test_first_runs_at_once_share_one_default_context(kernels: World) -> None:
    followers = await asyncio.gather(*(kernels.start("1") for _ in range(3)))
    for follower in followers:
        assert (await follower.ended()).result == "1"
    assert len(await kernels.contexts.show()) == 1


async def test_a_default_context_that_was_deleted_is_made_anew(kernels: World) -> None:
    await kernels.run("x = 1")
    (context,) = await kernels.contexts.show()
    await kernels.contexts.delete(context.id)
    assert (await kernels.run("x")).end["error"]["ename"] == "NameError"


async def test_an_ephemeral_run_has_a_context_of_its_own_that_is_gone_afterwards(kernels: World) -> None:
    await kernels.run("x = 1")
    follower = await kernels.start("import os; 'x' in globals(), os.getpid()", ephemeral=True)
    told = await follower.ended()
    assert told.result.startswith("(False, ")
    pid = follower.run.pid
    assert await settles(lambda: not alive(pid))
    assert len(await kernels.contexts.show()) == 1
    assert (await kernels.run("x")).result == "1"


async def test_a_context_has_its_own_directory_and_variables(kernels: World) -> None:
    context = await kernels.create(cwd="below/$WHERE", envs={"WHERE": "here", "A": "1"})
    look = "import os; print(os.getcwd(), os.environ['A'], os.environ['PWD'])"
    place = kernels.root / "below" / "here"
    assert (await kernels.run(look, context)).stdout == f"{place} 1 {place}\n"
    await kernels.contexts.restart(context)
    assert (await kernels.run(look, context)).stdout == f"{place} 1 {place}\n"


async def test_a_directory_that_cannot_be_is_refused(kernels: World) -> None:
    (kernels.root / "file").write_text("")
    with pytest.raises(InvalidRequestBody, match="cwd"):
        await kernels.create(cwd="file")


async def test_a_restart_gives_a_fresh_kernel_and_interrupts_what_runs(kernels: World) -> None:
    context = await kernels.create()
    await kernels.run("x = 1", context)
    running = await kernels.start("import time; time.sleep(60)", context)
    waiting = await kernels.start("'x' in globals()", context)
    await running.until("execution_count")
    assert (await kernels.contexts.restart(context)).id == context
    assert (await running.ended()).end["cause"] == "interrupted"
    told = await waiting.ended()
    assert (told.result, told.statuses) == ("False", ["queued", "restarted"])


async def test_deleting_ends_the_run_the_queue_the_kernel_and_everything_it_started(kernels: World) -> None:
    context = await kernels.create()
    code = """
import subprocess, time
plain = subprocess.Popen(["sleep", "1000"])
escaped = subprocess.Popen(["sleep", "1000"], start_new_session=True)
stubborn = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 1000"], start_new_session=True)
time.sleep(0.3)
print(plain.pid, escaped.pid, stubborn.pid, flush=True)
time.sleep(60)
"""
    running = await kernels.start(code, context)
    waiting = await kernels.start("1", context)
    await running.until_text("\n")
    pids = [running.run.pid, *map(int, running.told.stdout.split())]
    events = kernels.contexts.listen(context)
    await kernels.contexts.delete(context)
    assert [pid for pid in pids if alive(pid)] == []
    assert (await running.ended()).end["cause"] == "interrupted"
    assert (await waiting.ended()).end["cause"] == "interrupted"
    assert (await kernels.hear(events, "error"))["cause"] == "interrupted"
    assert events.done


@pytest.mark.slow
async def test_a_kernel_that_is_deleted_leaves_by_itself_and_soon(tmp_path: Path) -> None:
    async with world(tmp_path, grace_ms=60_000) as kernels:
        for _ in range(10):
            context = await kernels.create()
            async with asyncio.timeout(5):
                await kernels.contexts.delete(context)


async def test_what_left_the_group_of_a_dead_kernel_lives_until_its_context_is_deleted(kernels: World) -> None:
    context = await kernels.create()
    code = "import subprocess\nprint(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid)"
    pid = int((await kernels.run(code, context)).stdout)
    await kernels.run("import os; os._exit(1)", context)
    await kernels.run("1", context)
    assert alive(pid)
    await kernels.contexts.delete(context)
    assert not alive(pid)


async def test_the_end_of_the_daemon_ends_runs_streams_and_kernels(tmp_path: Path) -> None:
    async with world(tmp_path) as kernels:
        context = await kernels.create()
        running = await kernels.start("import time; print('up', flush=True); time.sleep(60)", context)
        waiting = await kernels.start("1", context)
        events = kernels.contexts.listen(context)
        await running.until_text("up")
        pid = running.run.pid
        await asyncio.gather(kernels.registry.close(), kernels.contexts.close())
        assert (await running.ended()).end["cause"] == "shutting_down"
        assert (await waiting.ended()).end["cause"] == "shutting_down"
        assert (await kernels.hear(events, "error"))["code"] == "SHUTTING_DOWN"
        assert not alive(pid)
        with pytest.raises(ShuttingDown):
            await kernels.create()


async def test_more_contexts_than_the_limit_are_refused(tmp_path: Path) -> None:
    async with world(tmp_path, max_contexts=1) as kernels:
        context = await kernels.create()
        with pytest.raises(LimitReached):
            await kernels.start("1")
        with pytest.raises(LimitReached):
            await kernels.create()
        await kernels.contexts.delete(context)
        assert (await kernels.run("1")).result == "1"


async def test_what_is_asked_wrongly_is_refused_before_anything_starts(kernels: World) -> None:
    context = await kernels.create()
    for choice, refusal in [
        (ContextChoice(id="none"), ContextNotFound),
        (ContextChoice(id=context, language="java"), InvalidRequestBody),
        (ContextChoice(language="cobol"), LanguageNotSupported),
        (ContextChoice(language="java"), LanguageNotSupported),
        (ContextChoice(), InvalidRequestBody),
        (None, InvalidRequestBody),
    ]:
        with pytest.raises(refusal):
            await kernels.contexts.run(RunCodeRequest(code="1", context=choice))
    with pytest.raises(InvalidRequestBody):
        await kernels.contexts.run(RunCodeRequest(code="1", context=ContextChoice(id=context), ephemeral=True))
    with pytest.raises(ContextNotFound):
        await kernels.contexts.interrupt("none")
    with pytest.raises(LanguageNotSupported) as refused:
        await kernels.contexts.delete_all("cobol")
    assert (refused.value.details or {})["installed"][:2] == ["python", "bash"]
    assert kernels.registry.runs() == []


async def test_a_python_that_does_not_start_says_so_and_is_not_told_as_installed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os.write(2, b'no site today'); os._exit(4)")
    async with world(tmp_path, envs={"PYTHONPATH": str(tmp_path)}) as kernels:
        with pytest.raises(LanguageNotSupported, match="gives no answer: no site today") as refused:
            await kernels.create()
        installed = (refused.value.details or {})["installed"]
        assert "python" not in installed
        assert "bash" in installed


@pytest.mark.slow
async def test_a_default_language_stands_in_for_one_that_is_not_named(tmp_path: Path) -> None:
    async with world(tmp_path, default_language="py") as kernels:
        run = await kernels.contexts.run(RunCodeRequest(code="1"))
        await run.ended()
        assert (await kernels.contexts.create(CreateContextRequest())).language == "python"


async def test_languages_say_how_they_are_served(kernels: World) -> None:
    python, bash = (each for each in await kernels.contexts.languages() if each.name in ("python", "bash"))
    assert (python.name, python.aliases, python.warm) == ("python", ["py", "python3"], 0)
    assert (bash.name, bash.aliases, bash.kernel) == ("bash", ["sh", "shell"], f"bash {bash.version}")
    assert python.version == sys.version.split()[0]
    assert python.kernel.startswith("ipykernel ")


def _fake_python(directory: Path, script: str) -> str:
    directory.mkdir()
    fake = directory / "python3"
    fake.write_text(f"#!/bin/sh\n{script}")
    fake.chmod(0o755)
    return f"{directory}:{os.defpath}"


async def test_a_kernel_that_does_not_start_answers_with_its_last_words(tmp_path: Path) -> None:
    script = f'case "$*" in *probe*) exec {sys.executable} "$@";; esac\necho "no luck today" >&2; exit 7'
    async with world(tmp_path, envs={"PATH": _fake_python(tmp_path / "bin", script)}) as kernels:
        with pytest.raises(InternalFault, match="no luck today") as refused:
            await kernels.create()
        assert refused.value.details == {"last_words": ["no luck today"]}
        assert await kernels.contexts.show() == []
        told = await kernels.run("1")
        assert (told.end["cause"], told.end["code"]) == ("kernel_died", "KERNEL_DIED")
        assert told.end["error"]["traceback"] == ["no luck today"]


async def test_variables_that_no_kernel_starts_with_are_told_by_the_kernel(kernels: World) -> None:
    with pytest.raises(InternalFault, match="did not start") as refused:
        await kernels.create(envs={"PYTHONHASHSEED": "nope"})
    assert "PYTHONHASHSEED" in str(refused.value.details)


@pytest.mark.slow
async def test_a_python_without_the_kernel_gives_way_to_the_daemons_own(tmp_path: Path) -> None:
    for name, script in [("none", "exit 1"), ("broken", "echo nonsense"), ("slow", "sleep 0.2; exit 0")]:
        async with world(tmp_path, envs={"PATH": _fake_python(tmp_path / name, script)}) as kernels:
            assert (await kernels.run("import sys; sys.executable")).result == repr(sys.executable)


@pytest.mark.slow
async def test_the_sandboxs_python_is_taken_as_soon_as_it_has_the_kernel(tmp_path: Path) -> None:
    path = _fake_python(tmp_path / "bin", f'FAKE=1 exec {sys.executable} -S "$@"')
    async with world(tmp_path, envs={"PATH": path, "PYTHONPATH": str(tmp_path / "site")}) as kernels:
        (tmp_path / "site").mkdir()
        assert (await kernels.run("import os; os.environ.get('FAKE')", ephemeral=True)).types[-2] != "result"
        _link_site(tmp_path / "site")
        assert (await kernels.run("import os; os.environ.get('FAKE')", ephemeral=True)).result == "'1'"


def _link_site(site: Path) -> None:
    for entry in Path(shutil.__file__).parent.glob("site-packages/*"):
        (site / entry.name).symlink_to(entry)
    for entry in Path(sys.prefix).glob("lib/python*/site-packages/*"):
        if not (site / entry.name).exists():
            (site / entry.name).symlink_to(entry)


async def test_sockets_are_ours_alone_and_nothing_is_left_of_them(kernels: World) -> None:
    context = await kernels.create()
    files = kernels.contexts._launcher._files
    directory = files._path
    assert directory is not None
    assert os.stat(directory).st_mode & 0o077 == 0
    assert len(os.listdir(directory)) >= 4
    await kernels.contexts.delete(context)
    assert os.listdir(directory) == []
    await kernels.contexts.close()
    assert directory not in map(str, Path(directory).parent.iterdir())


async def test_a_directory_of_sockets_that_was_removed_is_made_anew(kernels: World) -> None:
    context = await kernels.create()
    directory = kernels.contexts._launcher._files._path
    assert directory is not None
    shutil.rmtree(directory)
    assert (await kernels.run("1", context)).result == "1"
    assert (await kernels.run("2", await kernels.create())).result == "2"


@pytest.mark.slow
async def test_contexts_that_come_and_go_leave_no_descriptors_and_no_threads(kernels: World) -> None:
    await kernels.contexts.delete(await kernels.create())
    descriptors, threads = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
    for _ in range(3):
        context = await kernels.create()
        await kernels.run("1", context)
        await kernels.run("import os; os._exit(1)", context)
        await kernels.contexts.delete(context)
    assert await settles(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)
    assert len(os.listdir("/proc/self/task")) == threads


async def test_a_context_that_is_closed_while_it_starts_leaves_nobody_waiting(kernels: World) -> None:
    await kernels.run("1")
    creating = asyncio.create_task(kernels.create())
    async with asyncio.timeout(10):
        while len(await kernels.contexts.show()) < 2:  # noqa: ASYNC110 - it is made somewhere in the middle of `create`
            await asyncio.sleep(0)
        await kernels.contexts.delete_all("python")
        with pytest.raises(InternalFault, match="closed"):
            await creating
    assert await kernels.contexts.show() == []


async def test_a_refused_ephemeral_run_leaves_no_context(tmp_path: Path) -> None:
    async with world(tmp_path, max_contexts=1, max_live=0) as kernels:
        for _ in range(2):
            with pytest.raises(LimitReached, match="executions"):
                await kernels.start("1", ephemeral=True)
            assert await settles(lambda: not kernels.contexts._ephemeral and not kernels.contexts._tasks)


@pytest.mark.timeout(180)  # a kernel that half starts is given up after its 30 s, at worst each time
@pytest.mark.slow
async def test_without_descriptors_a_context_is_refused_with_the_reason(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    refused = 0
    async with world(tmp_path, start_limit_s=3) as kernels:
        await kernels.contexts.delete(await kernels.create())
        for spare in (1, 4, 6, 8):
            resource.setrlimit(resource.RLIMIT_NOFILE, (_limit_with(spare), hard))
            try:
                await kernels.contexts.delete(await kernels.create())
            except (InternalFault, LanguageNotSupported):
                refused += 1
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert refused
    async with world(tmp_path) as kernels:
        assert (await kernels.run("1")).result == "1"


def _limit_with(spare: int) -> int:
    taken = {int(name) for name in os.listdir("/proc/self/fd")}
    return next(limit for limit in itertools.count() if limit - len([fd for fd in taken if fd < limit]) == spare)


async def test_what_a_kernel_sends_amiss_is_passed_over(kernels: World) -> None:
    context = await kernels.create()
    code = (
        "kernel = get_ipython().kernel\n"
        "kernel.iopub_socket.send_multipart([b'garbage'])\n"
        "kernel.iopub_socket.send_multipart([b'<IDS|MSG>', b'', b'{}', b'{}', b'{}', b'{}'])\n"
        "kernel.session.send(kernel.iopub_socket, 'stream', {'name': 3, 'text': ['odd']}, parent=kernel.get_parent())\n"
        "'fine'"
    )
    told = await kernels.run(code, context)
    assert (told.result, told.end["cause"]) == ("'fine'", "completed")


async def test_a_kernel_that_never_answers_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    script = f'case "$*" in *probe*) exec {sys.executable} "$@";; esac\necho "just a moment"; exec sleep 1000'
    async with world(tmp_path, start_limit_s=0.5, envs={"PATH": _fake_python(tmp_path / "bin", script)}) as kernels:
        with pytest.raises(InternalFault, match=r"within 0\.5 s: just a moment"):
            await kernels.create()


@pytest.mark.slow
async def test_a_context_that_is_idle_for_too_long_ends_and_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, context_idle_s=0.6) as kernels:
        context = await kernels.create()
        assert (await kernels.run("import time; time.sleep(1)", context)).end["cause"] == "completed"
        events = kernels.contexts.listen(context)
        await kernels.hear(events, "error")
        with pytest.raises(ContextNotFound) as refused:
            kernels.contexts.get(context)
        assert refused.value.details == {"reason": "expired"}
        with pytest.raises(ContextNotFound) as refused:
            kernels.contexts.get("never was")
        assert refused.value.details is None


async def test_a_run_that_waits_for_its_kernel_is_interrupted_by_its_context(kernels: World) -> None:
    await kernels.run("1")
    follower = await kernels.start("print('never')", ephemeral=True)
    (context,) = kernels.contexts._ephemeral
    await context.interrupt()
    told = await follower.ended()
    assert (told.stdout, told.end["cause"]) == ("", "interrupted")


async def test_a_kernel_that_dies_as_it_starts_is_told_with_its_last_words_and_not_tried_for_ever(
    tmp_path: Path,
) -> None:
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("import os, sys; print('bye', file=sys.__stderr__, flush=True); os._exit(7)")
    async with world(tmp_path) as kernels:
        with pytest.raises(InternalFault, match="it exited with status 7"):
            await kernels.create(envs={"IPYTHONDIR": str(startup.parent.parent)})


@pytest.mark.slow
async def test_kernels_that_die_one_after_another_end_the_run_that_waits(kernels: World) -> None:
    context = await kernels.create(envs={"IPYTHONDIR": str(kernels.root / "ipython")})
    await kernels.run("1", context)
    startup = kernels.root / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    code = "import os, threading, time; threading.Thread(target=lambda: (time.sleep(0.05), os._exit(7))).start()"
    (startup / "00.py").write_text(code)
    await kernels.run("import os; os._exit(1)", context)
    end = (await kernels.run("import time; time.sleep(60)", context)).end
    assert (end["cause"], end["code"]) == ("kernel_died", "KERNEL_DIED")
    (startup / "00.py").unlink()
    assert (await kernels.run("1 + 1", context)).result == "2"
