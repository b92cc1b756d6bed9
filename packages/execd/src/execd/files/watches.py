"""Watches as runs: each has its events by number, its readers, and an end."""

from __future__ import annotations

import asyncio
import logging
import os
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from execd.errors import ExecdError, InvalidRequestBody, StdinClosed
from execd.files.changed import Change
from execd.files.refusals import shown
from execd.files.watch import Watch
from execd.runs.ends import End
from execd.runs.registry import Registry
from execd.runs.run import Policy, Run

T = TypeVar("T")
KIND: Final = "watch"
GRACE_MS: Final = 30_000
"""How long a watch goes on when its last reader has left."""
_POLICY: Final = Policy(mode="whole", on_disconnect="kill", disconnect_grace_ms=GRACE_MS, on_overflow="drop_oldest")
_CODES: Final = {"interrupted": "INTERRUPTED", "cancelled": "CANCELLED", "shutting_down": "SHUTTING_DOWN"}
_log: Final = logging.getLogger("execd.files")


class InThread(Protocol):
    """Runs a blocking call in a thread; a cancellation is passed on when the call has ended."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]:
        """Return what the call returns."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What is watched."""

    root: str
    recursive: bool


class Watches:
    """Starts watches."""

    def __init__(self, registry: Registry, run: InThread) -> None:
        self._registry = registry
        self._run = run
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, wish: Wish, *, execution_id: str | None) -> Run:
        """Return the run of a watch that has begun, a new one unless its id is known; raises the wire's refusals."""
        if execution_id is not None and any(run.id == execution_id for run in self._registry.runs()):
            return self._register(wish, execution_id)[0]
        watch = await self._run(lambda: Watch(wish.root, recursive=wish.recursive))
        try:
            run, created = self._register(wish, execution_id)
        except ExecdError:
            watch.close()
            raise
        if not created:
            watch.close()
            return run
        task = asyncio.get_running_loop().create_task(Watching(run, watch, self._run).go_on())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    def _register(self, wish: Wish, execution_id: str | None) -> tuple[Run, bool]:
        return self._registry.register(
            kind=KIND, content=shown(wish.root), body=wish, policy=_POLICY, execution_id=execution_id
        )


class Watching:
    """One watch that goes on: the `Control` of its run."""

    def __init__(self, run: Run, watch: Watch, in_thread: InThread) -> None:
        self._run = run
        self._watch = watch
        self._in_thread = in_thread
        self._cause = ""
        self._news = asyncio.Event()
        run.control = self

    async def go_on(self) -> None:
        """Tell every change until somebody ends it, or the directory is gone."""
        loop = asyncio.get_running_loop()
        try:
            while not (self._cause or self._watch.over):
                if not self._watch.behind:
                    loop.add_reader(self._watch.fd, self._news.set)
                    await self._news.wait()
                    self._news.clear()
                    loop.remove_reader(self._watch.fd)
                if not self._cause:
                    for change in await self._in_thread(self._watch.changes):
                        self._run.emit(self._event(change))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this run and of no other
            _log.error("fault in watch %s", self._run.id, exc_info=error)
            self._cause = self._cause or "internal_error"
        finally:
            loop.remove_reader(self._watch.fd)
            self._watch.close()
            self._run.control = None
            self._run.finish(self._end())

    def _event(self, change: Change) -> dict[str, Any]:
        if change.type == "overflow":
            return {"type": "overflow"}
        if change.type == "moved":
            return {"type": "moved", **self._named("src", change.path), **self._named("dest", change.dest)}
        return {"type": change.type, **self._named("path", change.path)}

    def _named(self, field: str, path: str) -> dict[str, str]:
        whole = f"{self._watch.root}/{path}" if path else self._watch.root or "/"
        told = {field: shown(whole)}
        if told[field] != whole:
            told[f"{field}_b64"] = b64encode(os.fsencode(whole)).decode()
        return told

    def _end(self) -> End:
        if not self._cause:
            return End(cause="completed")
        code = _CODES.get(self._cause, "RUNTIME_ERROR")
        return End(
            cause=self._cause, code=code, ename=code, evalue=self._cause, traceback=(f"the watch: {self._cause}",)
        )

    # ── what others ask of it ────────────────────────────────────────────────────────────────────────────────────────

    def stop(self, cause: str) -> None:
        """End it."""
        self._cause = self._cause or cause
        self._news.set()

    def send_signal(self, name: str) -> None:
        """Refuse: there is no program."""
        raise InvalidRequestBody(f"signal: a watch takes no {name[:32]}", details={"field": "signal"})

    async def write_stdin(self, data: bytes) -> None:
        """Refuse: there is no program."""
        raise StdinClosed("a watch has no standard input")

    def close_stdin(self) -> None:
        """Refuse: there is no program."""
        raise StdinClosed("a watch has no standard input")
