"""Contexts with real kernels, in this process, and what the tests say to them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from execd._wire import ContextChoice, CreateContextRequest, RunCodeRequest
from execd.kernel.broadcast import Listener
from execd.kernel.contexts import Contexts
from execd.kernel.languages import Languages
from execd.kernel.surroundings import KernelSettings, Surroundings
from execd.process.clearing import clear
from execd.process.members import MARK
from execd.process.newcomers import Newcomers
from execd.process.sweep import Survey
from execd.runs.clock import Clock
from execd.runs.registry import Registry, Retention
from execd.runs.run import Run
from execd.runs.spool import Spool

from ..runs.test_store import parse

ENDS = ("error", "execution_complete")
LIMIT_S = 30.0


class World:
    """The contexts under test, and the registry that they write to."""

    def __init__(
        self,
        root: Path,
        *,
        grace_ms: int = 2000,
        max_contexts: int = 64,
        max_live: int = 1000,
        start_limit_s: float = 30.0,
        context_idle_s: float = 0,
        run_bytes: int = 1 << 28,
        envs: Mapping[str, str] | None = None,
        default_language: str | None = None,
        pool: int = 0,
        pool_lazy: bool = False,
    ) -> None:
        self.root = root
        self.kills = 0
        self.memory_left = 1.0
        self.memory_looks = 0
        clock = Clock(wall_ms=lambda: time.time_ns() // 1_000_000, mono_ms=lambda: time.monotonic_ns() // 1_000_000)
        self.registry = Registry(
            retention=Retention(run_bytes=run_bytes, max_live=max_live), spool=_Healthy(), clock=clock
        )
        base = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(root), **(envs or {})}
        settings = KernelSettings(
            working_root=str(root),
            runtime_dirs=(),
            kill_grace_ms=grace_ms,
            max_contexts=max_contexts,
            default_language=default_language,
            start_limit_s=start_limit_s,
            context_idle_s=context_idle_s,
            pool={"python": pool} if pool else {},
            pool_lazy=pool_lazy,
        )
        surroundings = Surroundings(
            environment=lambda given, mark: {**base, **given, MARK: mark},
            clear=partial(clear, survey=Survey(), grace_s=2.0),
            newcomers=lambda child, mark: Newcomers(child, mark, Survey()),
            memory_kills=lambda: self.kills,
            memory_left=self._look_at_memory,
        )
        languages = Languages(lambda given: surroundings.environment(given, ""), str(root), default=default_language)
        self.contexts = Contexts(self.registry, settings, surroundings, languages)

    def _look_at_memory(self) -> float:
        self.memory_looks += 1
        return self.memory_left

    async def create(self, **fields: Any) -> str:
        """Return the id of a new context."""
        return (await self.contexts.create(CreateContextRequest(**{"language": "python", **fields}))).id

    async def start(self, code: str, context_id: str | None = None, **fields: Any) -> Follower:
        """Start a run in a context, or in the default one, and follow it."""
        choice = ContextChoice(id=context_id) if context_id else ContextChoice(language="python")
        request = msgspec.convert({"code": code, "context": msgspec.to_builtins(choice), **fields}, RunCodeRequest)
        run = await self.contexts.run(request)
        return Follower(self.registry, run)

    async def run(self, code: str, context_id: str | None = None, **fields: Any) -> Told:
        """Run code to its end."""
        return await (await self.start(code, context_id, **fields)).ended()

    async def hear(self, events: Listener, kind: str, **fields: Any) -> dict[str, Any]:
        """Return the next event of a context's own stream that has these fields."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                for _, event in parse(events.take()):
                    if event["type"] == kind and fields.items() <= event.items():
                        return event
                assert not events.done, f"no {kind}"
                await events.wait(1)


class _Healthy(Spool):
    """A spool in memory that counts as healthy, so that the bounds under test are the configured ones."""

    def __init__(self) -> None:
        super().__init__(None)
        self.healthy = True


def alive(pid: int | None) -> bool:
    """Return whether a process runs: who waits to be reaped does not."""
    return state(pid) not in ("", "Z", "X")


def state(pid: int | None) -> str:
    """Return the letter of a process's state, none when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


async def settles(settled: Callable[[], bool]) -> bool:
    """Return True as soon as something has become so, False when it does not in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LIMIT_S):
            while not settled():  # noqa: ASYNC110 - /proc tells nobody
                await asyncio.sleep(0.01)
            return True
    return False


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
