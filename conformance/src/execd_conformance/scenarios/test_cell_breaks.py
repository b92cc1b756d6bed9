"""Cells that break what their kernel speaks with, and what cells have started that speaks while others run."""

from __future__ import annotations

import base64
import zlib

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.cells import cell, context, results, started

_BREAK = (
    "import sys; sys.stdout.close(); sys.stderr.close()",
    "import sys; sys.stdout = sys.stderr = None",
    "import sys; del sys.stdout, sys.stderr",
    "import os; os.close(0); os.close(1); os.close(2)",
    "import io, sys; sys.stdout = io.StringIO(); sys.stdout.close()",
)
_WHOLE = "import os, sys; print('out'); print('err', file=sys.stderr); _ = os.system('echo program')"
_CLOSE = (
    "import gc, zmq\nfor each in gc.get_objects():\n    if type(each) is zmq.Socket: each.close()",
    "get_ipython().kernel.shell_stream.close()",
    "get_ipython().kernel.iopub_thread.close()",
)
_FORK = "import os\nchild = os.fork()\nif child: os.waitpid(child, 0)\nprint('parent' if child else 'child')"


@scenario("code", "cell.streams-mended", "cell.fork", limit_s=60)
async def test_cells_that_break_their_streams(checks: Checks, raw: Raw) -> None:
    """Streams that are closed, gone, and replaced; a fork that goes on as its cell does."""
    async with context(raw) as one:
        for code in _BREAK:
            ran = await cell(raw, code, one)
            checks.that("cell.streams-mended", ran.cause[0] in ("completed", "raised"), (code, ran))
            ran = await cell(raw, _WHOLE, one)
            said = (sorted(ran.stdout.split()), ran.stderr, ran.statuses)
            checks.equal("cell.streams-mended", said, (["out", "program"], "err\n", []))
        ran = await cell(raw, _FORK, one)
        checks.equal("cell.fork", sorted(ran.stdout.split()), ["child", "parent"])
        for turn in range(5):
            ran = await cell(raw, f"print('turn {turn}')", one)
            checks.equal("cell.fork", (ran.stdout, ran.types.count("execution_complete")), (f"turn {turn}\n", 1))


@scenario("code", "kernel.closed-sockets", limit_s=90)
async def test_a_kernel_that_closes_its_sockets(checks: Checks, raw: Raw) -> None:
    """All of them, or one without which no cell can end."""
    async with context(raw) as one:
        for code in _CLOSE:
            ran = await cell(raw, code, one)
            checks.equal("kernel.closed-sockets", ran.cause, ("kernel_died", "KERNEL_DIED"))
            checks.that("kernel.closed-sockets", ran.end.get("state_lost") is True, ran)
            ran = await cell(raw, "print('usable')", one)
            checks.equal("kernel.closed-sockets", (ran.stdout, ran.statuses), ("usable\n", ["restarted"]))


@scenario("code", "cell.large-result", limit_s=60)
async def test_a_large_result_comes_whole(checks: Checks, raw: Raw) -> None:
    """An image of 12 MB, which is 16 MiB of text."""
    code = """
        import base64, random, zlib
        from IPython.display import display
        data = random.Random(1).randbytes(12 << 20)
        display({"image/png": base64.b64encode(data).decode()}, raw=True)
        zlib.crc32(data)
    """
    async with context(raw) as one:
        ran = await cell(raw, code, one, timeout_s=45)
    shown = results(ran.shown[0]).get("image/png") if ran.shown else None
    data = base64.b64decode(shown) if isinstance(shown, str) else b""
    checks.equal("cell.large-result", str(zlib.crc32(data)), ran.value)


_STARTS = """
    import subprocess, threading
    go, program = threading.Event(), subprocess.Popen("read x; echo program", shell=True, stdin=subprocess.PIPE)
    thread = threading.Thread(target=lambda: (go.wait(), print("thread", flush=True)))
    thread.start()
"""
_TELLS = "go.set(); thread.join(); _ = program.communicate(b'go\\n'); print('own')"


@scenario("code", "context.events-of-programs", limit_s=60)
async def test_what_a_cell_has_started_speaks_while_another_runs(checks: Checks, raw: Raw) -> None:
    """A thread and a program of one run, told by the next to speak."""
    async with context(raw) as one, raw.stream("GET", f"/code/contexts/{one}/events") as own:
        own.need()
        async with started(raw, _STARTS, one) as stream:
            await stream.until(lambda event: event.is_terminal)
            first = str(stream.events[0].get("text"))
        ran = await cell(raw, _TELLS, one)
        checks.equal("context.events-of-programs", ran.stdout, "own\n")
        for text in ("thread\n", "program\n"):
            late = next((event for event in own.events if event.get("text") == text), None)
            late = late or await own.until(lambda event, text=text: event.get("text") == text)  # type: ignore[misc]
            checks.equal("context.events-of-programs", (late.type, late.get("execution_id")), ("stdout", first))
