"""All contexts of the daemon: made, found, listed, deleted, and given the runs that are asked of them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any, Final

import msgspec

from execd._wire import CodeContext, CreateContextRequest, LanguageInfo, RunCodeRequest
from execd.errors import (
    ContextNotFound,
    ExecdError,
    ExecutionConflict,
    ExecutionNotFound,
    InvalidRequestBody,
    LimitReached,
    ShuttingDown,
)
from execd.kernel.anykernel import KernelFailed
from execd.kernel.broadcast import Listener
from execd.kernel.context import Context, Means, Setting
from execd.kernel.languages import Languages
from execd.kernel.launcher import Launcher
from execd.kernel.requests import KIND, check_envs, order, policy
from execd.kernel.spec import ALIASES, Spec
from execd.kernel.surroundings import KernelSettings, Surroundings
from execd.kernel.told import fault, last_event, view
from execd.runs.registry import Registry
from execd.runs.run import Run

REMEMBERED: Final = 1000
"""Ids of contexts that expired, which are told from those that never were."""
_log: Final = logging.getLogger("execd.kernel")


class Contexts:
    """Makes contexts, finds them again, and ends them all."""

    def __init__(
        self, registry: Registry, settings: KernelSettings, surroundings: Surroundings, languages: Languages
    ) -> None:
        self._registry = registry
        self._limit = settings.max_contexts
        self._contexts: dict[str, Context] = {}
        self._asked: dict[str, tuple[CreateContextRequest, asyncio.Task[CodeContext]]] = {}
        """By id, what each context was asked for with; also while it is being made."""
        self._defaults: dict[str, str] = {}
        """Language → id of its default context."""
        self._ephemeral: set[Context] = set()
        self._expired: deque[str] = deque(maxlen=REMEMBERED)
        self._languages = languages
        self._launcher = Launcher(settings, surroundings, languages)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._means = Means(
            start=self._launcher.start,
            clear=surroundings.clear,
            expire=self._expire,
            idle_s=settings.context_idle_s or None,
            grace_s=settings.kill_grace_ms / 1000,
            now_ms=registry.clock.wall_ms,
        )

    # ── contexts ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def create(self, request: CreateContextRequest) -> CodeContext:
        """Return a new context, when it takes code, or the one that the same request under its id has made before.

        Raises `ExecutionConflict` where another request has that id, `LanguageNotSupported`, `InvalidRequestBody`,
        `PermissionDenied`, `LimitReached`, `ShuttingDown`, and `InternalFault` with the last words of a kernel that did
        not start.
        """
        context_id = request.context_id or uuid.uuid4().hex
        if context_id not in self._asked:
            making = asyncio.get_running_loop().create_task(self._create(context_id, request))
            making.add_done_callback(lambda made: made.cancelled() or made.exception())  # whether anybody waits or not
            self._asked[context_id] = request, making
        asked, making = self._asked[context_id]
        if asked != request:
            raise ExecutionConflict(f"context {context_id!r} was started with other fields")
        # Whoever asked first may leave: who asks again finds it all the same.
        return await asyncio.shield(making)

    async def _create(self, context_id: str, request: CreateContextRequest) -> CodeContext:
        envs = request.envs or {}
        try:
            spec = await self._languages.spec(request.language, envs)
            context = self._contexts[context_id] = self._make(spec, request.cwd, envs, context_id=context_id)
        except BaseException:
            self._asked.pop(context_id, None)
            raise
        try:
            await context.ready()
        except KernelFailed as failed:
            await self._end(context, cause="interrupted")
            raise fault(failed) from None
        return view(context)

    async def show(self, language: str | None = None) -> list[CodeContext]:
        """Return the contexts (of one language) in the order of their starts; raises `LanguageNotSupported`."""
        name = await self._languages.canonical(language) if language else None
        return [view(context) for context in self._contexts.values() if name in (None, context.setting.spec.language)]

    def get(self, context_id: str) -> CodeContext:
        """Return one context; raises `ContextNotFound`."""
        return view(self._find(context_id))

    def listen(self, context_id: str) -> Listener:
        """Return a listener to what a context says outside of its runs; raises `ContextNotFound`."""
        return self._find(context_id).listen()

    async def restart(self, context_id: str) -> CodeContext:
        """Return the context when a fresh kernel takes code; raises `ContextNotFound`, `InternalFault`."""
        context = self._find(context_id)
        try:
            await context.restart()
        except KernelFailed as failed:
            raise fault(failed) from None
        return view(context)

    async def delete(self, context_id: str) -> None:
        """End a context and return when nothing of it is left; raises `ContextNotFound`."""
        await self._end(self._find(context_id), cause="interrupted")

    async def delete_all(self, language: str) -> None:
        """End every context of a language; raises `LanguageNotSupported`."""
        name = await self._languages.canonical(language)
        ended = [context for context in self._contexts.values() if context.setting.spec.language == name]
        await asyncio.gather(*(self._end(context, cause="interrupted") for context in ended))

    async def languages(self) -> list[LanguageInfo]:
        """Return what is installed, and how much of it stands ready."""
        return [self._with_ready(info) for info in await self._languages.infos()]

    def fill(self) -> None:
        """Begin to keep kernels ready, where that was asked for from the start."""
        self._launcher.fill()

    def _with_ready(self, info: LanguageInfo) -> LanguageInfo:
        warm, size = self._launcher.ready(info.name)
        return msgspec.structs.replace(info, warm=warm, warm_memory_bytes=size) if warm else info

    async def close(self) -> None:
        """Take nothing new, and end everything; returns when nothing is left."""
        self._closing = True
        everything = [*self._contexts.values(), *self._ephemeral]
        await asyncio.gather(*(self._end(context, cause="shutting_down") for context in everything))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._launcher.close()

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, request: RunCodeRequest) -> Run:
        """Return the run of a request, put in line now, or before if its id and body are known.

        Raises what `create` raises before its kernel starts, `ContextNotFound`, `NotSupported`, `ExecutionConflict`.
        Between the registration and the return nothing waits.
        """
        if self._is_known(request.execution_id):
            return self._register(request)[0]
        choice = request.context
        if choice is not None and choice.id:
            context = self._chosen(choice.id, choice.language, request)
        else:
            context = await self._of_language(
                choice.language if choice else None, choice.cwd if choice else None, request
            )
        try:
            check_envs(request, context.setting.spec)
            run, created = self._register(request)
        except ExecdError:
            if context in self._ephemeral:
                self._keep(self._end(context, cause="interrupted"))
            raise
        if created:
            context.submit(run, order(request))
        if context in self._ephemeral:
            self._keep(self._end_after(run, context))
        return run

    async def interrupt(self, some_id: str) -> None:
        """Interrupt a run by its id, or what runs in a context by that one's; returns when it has ended.

        Raises `ContextNotFound` when neither has that id.
        """
        try:
            run = self._registry.find(some_id)
        except ExecutionNotFound:
            run = None
        if run is None or run.kind != KIND:
            await self._find(some_id).interrupt()
        elif run.control is not None:
            run.control.stop("interrupted")
            await run.ended()

    def _is_known(self, execution_id: str | None) -> bool:
        return execution_id is not None and any(run.id == execution_id for run in self._registry.runs())

    def _register(self, request: RunCodeRequest) -> tuple[Run, bool]:
        return self._registry.register(
            kind=KIND, content=request.code, body=request, policy=policy(request), execution_id=request.execution_id
        )

    def _chosen(self, context_id: str, language: str | None, request: RunCodeRequest) -> Context:
        context = self._find(context_id)
        spec = context.setting.spec
        if language and ALIASES.get(language) != spec.language:
            message = f"context.language: context {context_id} is of {spec.language}"
            raise InvalidRequestBody(message, details={"field": "context.language"})
        if request.ephemeral:
            raise InvalidRequestBody("ephemeral: not beside context.id", details={"field": "ephemeral"})
        return context

    async def _of_language(self, language: str | None, cwd: str | None, request: RunCodeRequest) -> Context:
        name = await self._languages.canonical(language)
        if not request.ephemeral and (known := self._default(name)) is not None:
            return known
        spec = await self._languages.spec(name, {})
        if request.ephemeral:
            made = self._make(spec, cwd, {})
            self._ephemeral.add(made)
            return made
        # Another first run may have made it meanwhile.
        return self._default(name) or self._make_default(spec, cwd)

    def _default(self, language: str) -> Context | None:
        return self._contexts.get(self._defaults.get(language, ""))

    def _make_default(self, spec: Spec, cwd: str | None) -> Context:
        made = self._make(spec, cwd, {})
        self._contexts[made.setting.id] = made
        self._defaults[spec.language] = made.setting.id
        return made

    # ── making and ending ────────────────────────────────────────────────────────────────────────────────────────────

    def _find(self, context_id: str) -> Context:
        context = self._contexts.get(context_id)
        if context is None:
            details = {"reason": "expired"} if context_id in self._expired else None
            raise ContextNotFound(f"no context {context_id[:64]!r}", details=details)
        return context

    def _make(self, spec: Spec, cwd: str | None, envs: Mapping[str, str], *, context_id: str | None = None) -> Context:
        if self._closing:
            raise ShuttingDown("the daemon is going down")
        limit = self._limit
        if len(self._contexts) + len(self._ephemeral) >= limit:
            raise LimitReached(f"{limit} contexts are there, the most that may be at once", details={"limit": limit})
        directory = self._launcher.directory(cwd, envs)
        return Context(
            Setting(id=context_id or uuid.uuid4().hex, spec=spec, directory=directory, envs=dict(envs)), self._means
        )

    def _expire(self, context: Context) -> None:
        self._asked.pop(context.setting.id, None)
        if self._contexts.pop(context.setting.id, None) is not None:
            self._expired.append(context.setting.id)
            self._keep(self._end(context, cause="interrupted"))

    async def _end_after(self, run: Run, context: Context) -> None:
        await run.ended()
        await self._end(context, cause="interrupted")

    async def _end(self, context: Context, *, cause: str) -> None:
        self._contexts.pop(context.setting.id, None)
        self._asked.pop(context.setting.id, None)
        self._ephemeral.discard(context)
        # Whoever asked for it may leave; it is ended all the same.
        await asyncio.shield(self._keep(context.close(cause, last_event(cause))))

    def _keep(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._kept)
        return task

    def _kept(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("fault while a context ended", exc_info=error)
