"""Programs that are spoken to by lines, as kernels."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from execd.kernel.anykernel import KernelFailed
from execd.kernel.execution import Death
from execd.kernel.messages import Message
from execd.kernel.worker import END_OF_INPUT, WorkerKernel, WorkerLaunch
from execd.process.child import Program

LIMIT_S = 20.0
# A worker as small as can be: each cell is Python, and `say` is what it has to say besides.
WORKER = """\
import json, os, signal, sys, threading
take, tell = (int(number) for number in sys.argv[1:])
stopped = threading.Event()
lines, answers, wanted = [], [], threading.Condition()
def say(kind, **more):
    os.write(tell, json.dumps({"type": kind, **more}).encode() + b"\\n")
def listen():
    for raw in open(take, "rb"):
        line = json.loads(raw)
        with wanted:
            if line["type"] == "interrupt":
                stopped.set()
            else:
                (answers if line["type"] == "input" else lines).append(line)
            wanted.notify_all()
    os._exit(0)
def pick(of):
    with wanted:
        wanted.wait_for(lambda: of)
        return of.pop(0)
signal.signal(signal.SIGINT, lambda *_: None)
threading.Thread(target=listen, daemon=True).start()
{before}
say("ready", version="1")
while True:
    line = pick(lines)
    if line["type"] != "execute":
        os.write(1, repr(line).encode())
        continue
    stopped.clear()
    say("begun", id=line["id"])
    try:
        exec(line["code"])
        content = {"status": "abort"} if stopped.is_set() else {"status": "ok"}
    except Exception as error:
        content = {"status": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": []}
    say("reply", id=line["id"], content=content)
"""


class Ear:
    """Whatever is heard of a kernel."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.death: Death | None = None
        self.open = asyncio.Event()
        self.open.set()
        self._news = asyncio.Event()

    def heard(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()

    async def room(self) -> None:
        await self.open.wait()

    def leaving(self) -> None:
        self.open.set()

    def died(self, death: Death) -> None:
        self.death = death
        self._news.set()

    async def until(self, there: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not there():
                self._news.clear()
                await self._news.wait()

    async def end(self, cell: str) -> dict[str, Any]:
        """Return the reply to a cell, once it is idle."""
        await self.until(lambda: any(each.type == "status" and each.parent == cell for each in self.messages))
        return dict(
            next(each.content for each in self.messages if each.type == "execute_reply" and each.parent == cell)
        )

    def text(self, cell: str, stream: str = "stdout") -> str:
        said = (each.content for each in self.messages if each.type == "stream" and each.parent == cell)
        return "".join(each["text"] for each in said if each["name"] == stream)


@asynccontextmanager
async def worker(tmp_path: Path, *, before: str = "") -> AsyncIterator[tuple[WorkerKernel, Ear]]:
    (tmp_path / "worker.py").write_text(WORKER.replace("{before}", before))
    program = Program(
        argv=[sys.executable, str(tmp_path / "worker.py"), "{take}", "{tell}"],
        environment={"PATH": "/usr/bin:/bin"},
        directory=str(tmp_path),
    )
    ear = Ear()
    kernel = await WorkerKernel.start(WorkerLaunch(program=program, limit_s=LIMIT_S, memory_kills=lambda: 0), ear)
    try:
        yield kernel, ear
    finally:
        await kernel.close()
        await kernel.spawned.bury()


def ask(kernel: WorkerKernel, code: str, cell: str) -> None:
    kernel.execute(code, request_id=cell, allow_stdin=False)


async def test_output_comes_before_the_reply_and_as_it_was_written(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        ask(kernel, "for n in range(100_000): os.write(1, b'%d\\n' % n)", "1")
        assert (await ear.end("1"))["execution_count"] == 1
        assert ear.text("1") == "".join(f"{n}\n" for n in range(100_000))
        kinds = [message.type for message in ear.messages]
        assert kinds[0] == "execute_input"
        assert kinds[-2:] == ["execute_reply", "status"]
        ask(kernel, "os.write(2, 'ä€'.encode()[:4]); os.write(2, 'ä€'.encode()[4:])", "2")
        await ear.end("2")
        assert ear.text("2", "stderr") == "ä€"


async def test_output_comes_before_the_reply_however_late_both_are_read(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        for number in range(20):
            ask(kernel, "os.write(2, b'e'); os.write(1, b'o'); say('display_data', content={'data': {}})", str(number))
            await asyncio.sleep(0)  # The line is sent.
            _block_until_all_is_written(kernel)
            await ear.end(str(number))
            assert (ear.text(str(number)), ear.text(str(number), "stderr")) == ("o", "e")
            kinds = [message.type for message in ear.messages if message.parent == str(number)]
            assert kinds[0] == "execute_input"
            assert kinds[-3:] == ["display_data", "execute_reply", "status"]


def _block_until_all_is_written(kernel: WorkerKernel) -> None:
    """Keep the event loop busy until the worker waits for its next cell."""
    give_up = time.monotonic() + LIMIT_S
    while time.monotonic() < give_up:
        waiting = Path(f"/proc/{kernel.spawned.pid}/wchan")
        time.sleep(0.005)
        if "futex" in waiting.read_text():
            return


async def test_what_it_shows_comes_after_what_it_has_written(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        show = "say('display_data', content={'data': {'text/plain': 'x' * 3_000_000}})"
        ask(kernel, f"os.write(1, b'a'); {show}; os.write(1, b'b')", "1")
        await ear.end("1")
        at = next(at for at, message in enumerate(ear.messages) if message.type == "display_data")
        assert ear.messages[1].content["text"].startswith("a")
        assert at > 1
        assert len(ear.messages[at].content["data"]["text/plain"]) == 3_000_000
        assert ear.text("1") == "ab"


async def test_an_error_is_told_in_its_own_words(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        ask(kernel, "1 / 0", "1")
        assert (await ear.end("1"))["ename"] == "ZeroDivisionError"


async def test_an_interrupt_reaches_the_cell_that_it_was_meant_for(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        ask(kernel, "stopped.wait()", "1")
        await ear.until(lambda: bool(ear.messages))
        kernel.interrupt()
        assert (await ear.end("1"))["status"] == "abort"
        kernel.interrupt()
        ask(kernel, "stopped.is_set() or print('not stopped', flush=True)", "2")
        await ear.end("2")
        assert ear.text("2") == "not stopped\n"


async def test_programs_that_a_cell_has_started_get_the_signal_itself(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        ask(kernel, "import subprocess; print(subprocess.run(['sleep', '1000']).returncode, flush=True)", "1")
        await ear.until(lambda: bool(ear.messages))
        await _until_it_has_children(kernel.spawned.pid)
        kernel.interrupt()
        await ear.end("1")
        assert ear.text("1") == "-2\n"


async def _until_it_has_children(pid: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while "sleep" not in _programs(pid):  # noqa: ASYNC110 - nothing tells of them
            await asyncio.sleep(0.001)


def _programs(pid: int) -> list[str]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path("/proc", each, "comm").read_text().strip() for each in children]


async def test_a_slow_reader_holds_it_up_and_loses_nothing(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        ear.open.clear()
        ask(kernel, "for _ in range(400): os.write(1, b'x' * 65536)\nos.write(2, b'done')", "1")
        await ear.until(lambda: bool(ear.messages))
        assert ear.text("1", "stderr") == ""
        ear.open.set()
        await ear.end("1")
        assert len(ear.text("1")) == 400 * 65536
        assert ear.text("1", "stderr") == "done"


async def test_variables_and_answers_are_passed_on_in_order(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        kernel.lend_envs({"A": "b"})
        ask(kernel, "print([pick(answers)['value'] for _ in range(2)], flush=True)", "1")
        kernel.answer("one")
        kernel.answer(END_OF_INPUT)
        await ear.end("1")
        kernel.return_envs()
        ask(kernel, "pass", "2")
        await ear.end("2")
        said = "".join(message.content["text"] for message in ear.messages if message.type == "stream")
        lent, rest = said.split("['one', None]\n")
        assert "'lend_envs', 'envs': {'A': 'b'}" in lent
        assert "return_envs" in rest


async def test_one_that_dies_says_how_after_all_that_it_has_written(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        ask(kernel, "os.write(1, b'x' * 50_000); os._exit(3)", "1")
        await ear.until(lambda: ear.death is not None)
        assert ear.death == Death(exit_code=3)
        assert len(ear.text("1")) == 50_000
        assert not kernel.usable


async def test_one_that_replies_and_dies_has_replied(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        ask(kernel, "say('reply', id='1', content={'status': 'ok'}); os.kill(os.getpid(), 9)", "1")
        await ear.until(lambda: ear.death is not None)
        assert (await ear.end("1"))["status"] == "ok"
        assert ear.death == Death(signal="SIGKILL")


async def test_one_that_does_not_start_leaves_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(KernelFailed, match="exited with status 1") as caught:
        async with worker(tmp_path, before="raise SystemExit('no disk')"):
            pass
    assert caught.value.last_words == ("no disk",)


async def test_it_leaves_when_it_is_asked(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        await kernel.leave(within_s=LIMIT_S)
        await ear.until(lambda: ear.death is not None)
        assert ear.death == Death(exit_code=0)


async def test_a_line_that_is_none_is_passed_over(tmp_path: Path) -> None:
    async with worker(tmp_path) as (kernel, ear):
        ask(kernel, "os.write(tell, b'[1\\n{}\\n3\\n')", "1")
        assert (await ear.end("1"))["status"] == "ok"
