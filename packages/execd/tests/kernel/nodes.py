"""Workers on Node, and what the tests say to them."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from execd.kernel.spec import RESOURCES
from execd.kernel.worker import WorkerKernel, WorkerLaunch
from execd.process.child import Program

from .test_worker import LIMIT_S, Ear

MAIN: Final = str(RESOURCES / "node" / "main.js")


@dataclass(frozen=True, slots=True)
class Cell:
    """What became of a cell."""

    reply: dict[str, Any]
    data: dict[str, Any]
    stdout: str
    stderr: str

    @property
    def result(self) -> str | None:
        """The value as text, None where there is none."""
        text = self.data.get("text/plain")
        return None if text is None else str(text)

    @property
    def places(self) -> list[str]:
        """Where the error comes from, cells without their number."""
        frames = [line.strip() for line in self.reply["traceback"] if line.startswith("    at ")]
        return [frame.partition("cell-")[2].partition(":")[2].rstrip(") {") for frame in frames]


class Node:
    """A worker that is up."""

    def __init__(self, kernel: WorkerKernel, ear: Ear) -> None:
        self.kernel = kernel
        self.ear = ear
        self._names = map(str, itertools.count(1))

    def start(self, code: str, *, allow_stdin: bool = False) -> str:
        """Send a cell and return its name."""
        name = next(self._names)
        self.kernel.execute(code, request_id=name, allow_stdin=allow_stdin)
        return name

    async def end(self, name: str) -> Cell:
        """Return what became of a cell."""
        reply = await self.ear.end(name)
        shown = [each for each in self.ear.messages if each.type == "execute_result" and each.parent == name]
        data = shown[0].content["data"] if shown else {}
        return Cell(reply, data, self.ear.text(name), self.ear.text(name, "stderr"))

    async def run(self, code: str, *, allow_stdin: bool = False) -> Cell:
        """Run a cell."""
        return await self.end(self.start(code, allow_stdin=allow_stdin))

    async def until(self, name: str, text: str) -> None:
        """Wait until a cell has written something."""
        await self.ear.until(lambda: text in self.ear.text(name))

    async def interrupted(self, code: str) -> Cell:
        """Run a cell that writes `begun`, interrupt it then, and return what became of it."""
        name = self.start(code)
        await self.until(name, "begun")
        self.kernel.interrupt()
        return await self.end(name)


@asynccontextmanager
async def node(directory: Path, *arguments: str) -> AsyncIterator[Node]:
    """Start a worker in a directory."""
    found = shutil.which("node")
    assert found is not None, "node is needed"
    program = Program(
        argv=[found, "--no-force-async-hooks-checks", MAIN, "{take}", "{tell}", *arguments],
        environment={"PATH": f"{Path(found).parent}:{os.defpath}", "LENT": "before"},
        directory=str(directory),
    )
    ear = Ear()
    kernel = await WorkerKernel.start(WorkerLaunch(program=program, limit_s=LIMIT_S, memory_kills=lambda: 0), ear)
    try:
        yield Node(kernel, ear)
    finally:
        await kernel.close()
        await kernel.spawned.bury()


async def left(kernel: WorkerKernel) -> None:
    """Let a worker end by itself."""
    async with asyncio.timeout(LIMIT_S):
        await kernel.leave(within_s=LIMIT_S)
