"""Workers of Java, and what they are prepared in."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from execd.kernel.interpreter import stamp
from execd.kernel.specs import JAVA
from execd.kernel.worker import WorkerKernel, WorkerLaunch
from execd.process.child import Program

from .nodes import Node
from .test_worker import LIMIT_S, Ear

_INSTALL_S = 300


def prepared() -> tuple[str, Path]:
    """Return the program java and what was prepared for it, once for a state of the sources."""
    found = shutil.which("java")
    if found is None:
        pytest.skip("java is needed")
    kernels = Path(tempfile.gettempdir(), f"execd-tests-{os.geteuid()}", "kernels")
    known = list(kernels.glob(f"java-*-{stamp(JAVA.sources)}/options"))
    if not known:
        command = [sys.executable, "-m", "execd", "kernels", "install", "java", "--kernels-dir", str(kernels)]
        subprocess.run(command, check=True, timeout=_INSTALL_S, stdout=subprocess.DEVNULL)
        known = list(kernels.glob(f"java-*-{stamp(JAVA.sources)}/options"))
    return found, known[0]


@asynccontextmanager
async def java(directory: Path, envs: Mapping[str, str] | None = None) -> AsyncIterator[Node]:
    """Start a worker in a directory."""
    program, options = await asyncio.to_thread(prepared)
    environment = {**JAVA.envs, "PATH": os.environ["PATH"], "LENT": "before", **(envs or {})}
    launch = WorkerLaunch(
        program=Program(
            argv=[program, f"@{options}", "{take}", "{tell}"], environment=environment, directory=str(directory)
        ),
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
