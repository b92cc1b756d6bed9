"""Workers of Go, and what they are prepared in."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from execd.kernel.interpreter import stamp
from execd.kernel.specs import GO
from execd.kernel.worker import WorkerKernel, WorkerLaunch
from execd.process.child import Program

from .nodes import Node
from .test_worker import LIMIT_S, Ear

INSTALL_S = 900


def prepared() -> tuple[str, Path]:
    """Return the program go and what was prepared for it; it takes a minute, once for a state of the sources."""
    found = shutil.which("go")
    if found is None:
        pytest.skip("go is needed")
    kernels = Path(tempfile.gettempdir(), f"execd-tests-{os.geteuid()}", "kernels")
    known = list(kernels.glob(f"go-*-{stamp(GO.sources)}"))
    if not known:
        for outdated in kernels.glob("go-*"):
            shutil.rmtree(outdated)
        command = [sys.executable, "-m", "execd", "kernels", "install", "go", "--kernels-dir", str(kernels)]
        subprocess.run(command, check=True, timeout=INSTALL_S, stdout=subprocess.DEVNULL)
        known = list(kernels.glob(f"go-*-{stamp(GO.sources)}"))
    return found, known[0]


@asynccontextmanager
async def go(directory: Path) -> AsyncIterator[Node]:
    """Start a worker in a directory."""
    program, place = await asyncio.to_thread(prepared)
    scratch = directory / "scratch"
    scratch.mkdir()
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(scratch), "LENT": "before"}
    argv = [str(place / "worker"), "{take}", "{tell}", program]
    launch = WorkerLaunch(
        program=Program(argv=argv, environment=environment, directory=str(directory)),
        limit_s=LIMIT_S,
        memory_kills=lambda: 0,
    )
    ear = Ear()
    kernel = await WorkerKernel.start(launch, ear)
    try:
        yield Node(kernel, ear)
    finally:
        await kernel.close()
        await kernel.spawned.bury()
