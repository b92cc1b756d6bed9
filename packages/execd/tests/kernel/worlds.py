"""Contexts with real kernels, in this process, and what the tests say to them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from execd._wire import ContextChoice, CreateContextRequest, RunCodeRequest
from execd.kernel.contexts import Contexts
from execd.kernel.launcher import KernelSettings, Surroundings
from execd.process.clearing import clear
from execd.process.members import MARK
from execd.process.sweep import Survey
from execd.runs.registry import Registry, Retention
from execd.runs.run import Clock, Run
from execd.runs.spool import Spool

from ..runs.test_store import parse

ENDS = ("error", "execution_complete")
LIMIT_S = 30.0


class World:
    """The contexts under test, and the registry that they write to."""

    def __init__(
        self, root: Path, *, grace_ms: int = 2000, max_contexts: int = 64, envs: Mapping[str, str] = {}
    ) -> None:
        self.root = root
        self.kills = 0
        clock = Clock(wall_ms=lambda: time.time_ns() // 1_000_000, mono_ms=lambda: time.monotonic_ns() // 1_000_000)
        self.registry = Registry(retention=Retention(), spool=Spool(None), clock=clock)
        base = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(root), **envs}
        settings = KernelSettings(
            working_root=str(root),
            runtime_dirs=(),
            kill_grace_ms=grace_ms,
            max_contexts=max_contexts,
            default_language=None,
        )
        surroundings = Surroundings(
            environment=lambda given, mark: {**base, **given, MARK: mark},
            clear=partial(clear, survey=Survey(), grace_s=2.0),
            memory_kills=lambda: self.kills,
        )
        self.contexts = Contexts(self.registry, settings, surroundings)

    async def create(self, **fields: Any) -> str:
        """Return the id of a new context."""
        return (await self.contexts.create(CreateContextRequest(**{"language": "python", **fields}))).id

    async def start(self, code: str, context_id: str | None = None, **fields: Any) -> Follower:
        """Start a run in a context, or in the default one, and follow it."""
        choice = ContextChoice(id=context_id) if context_id else ContextChoice(language="python")
        run = await self.contexts.run(RunCodeRequest(**{"code": code, "context": choice, **fields}))
        return Follower(self.registry, run)

    async def run(self, code: str, context_id: str | None = None, **fields: Any) -> Told:
        """Run code to its end."""
        return await (await self.start(code, context_id, **fields)).ended()


class Told(list[dict[str, Any]]):
    """The events of a run, without what changes from run to run."""

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self]

    @property
    def end(self) -> dict[str, Any]:
        return self[-1]

    @property
    def stdout(self) -> str:
        return "".join(event["text"] for event in self if event["type"] == "stdout")

    @property
    def stderr(self) -> str:
        return "".join(event["text"] for event in self if event["type"] == "stderr")

    @property
    def result(self) -> str:
        (found,) = [event["results"]["text"] for event in self if event["type"] == "result"]
        return str(found)

    @property
    def statuses(self) -> list[str]:
        return [event["text"] for event in self if event["type"] == "status"]


class Follower:
    """A reader of one run, from its first event."""

    def __init__(self, registry: Registry, run: Run) -> None:
        self.run = run
        self.told = Told()
        self.reader = registry.attach(run)

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return the first event of a type that has these fields, waiting for it."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                for event in self.told:
                    if event["type"] == kind and fields.items() <= event.items():
                        return event
                assert not self.reader.done, f"no {kind} in {self.told}"
                await self._more()

    async def until_text(self, text: str) -> None:
        """Return when standard output holds some text."""
        async with asyncio.timeout(LIMIT_S):
            while text not in self.told.stdout:
                assert not self.reader.done, f"no {text!r} in {self.told}"
                await self._more()

    async def ended(self) -> Told:
        """Return all events, when the run has ended."""
        async with asyncio.timeout(LIMIT_S):
            while not self.reader.done:
                await self._more()
        self.reader.close()
        assert [kind for kind in self.told.types if kind in ENDS] == [self.told.end["type"]]
        return self.told

    async def _more(self) -> None:
        if frames := self.reader.take(1 << 20):
            self.told += [event for _, event in parse(frames)]
        else:
            await self.reader.wait(1)


@asynccontextmanager
async def world(root: Path, **options: Any) -> AsyncIterator[World]:
    """A world whose kernels are all gone afterwards."""
    made = World(root, **options)
    try:
        yield made
    finally:
        await made.registry.close()
        await made.contexts.close()
