"""The door of the room: contexts are imported and made on first use, since they cost 11 MB and a tenth of a second."""

from __future__ import annotations

import asyncio
import importlib
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from execd.errors import ShuttingDown
from execd.kernel.languages import Languages
from execd.kernel.spec import Spec
from execd.kernel.surroundings import KernelSettings, Surroundings
from execd.runs.registry import Registry

if TYPE_CHECKING:
    from execd.kernel.contexts import Contexts


class Code:
    """Contexts, when somebody asks for them."""

    def __init__(self, registry: Registry, settings: KernelSettings, surroundings: Surroundings) -> None:
        self._registry = registry
        self._settings = settings
        self._surroundings = surroundings
        self.languages = Languages(
            lambda envs: surroundings.environment(envs, ""),
            settings.working_root,
            default=settings.default_language,
            preferred=settings.preferred,
            kernels=settings.kernels_dirs,
            on_path=settings.on_path,
        )
        self._contexts: Contexts | None = None
        self._closing = False
        self._filling: asyncio.Task[None] | None = None

    async def contexts(self) -> Contexts:
        """Return the contexts; raises `ShuttingDown`."""
        if self._contexts is None:
            # In a thread: whoever asks for something else meanwhile need not wait for the import.
            module = await asyncio.to_thread(importlib.import_module, "execd.kernel.contexts")
            if self._closing:
                raise ShuttingDown("the daemon is going down")
            if self._contexts is None:
                self._contexts = module.Contexts(self._registry, self._settings, self._surroundings, self.languages)
        return self._contexts

    def fill(self) -> None:
        """Make kernels ready, where that is not to wait for their first use."""
        if self._settings.pool and not self._settings.pool_lazy:
            self._filling = asyncio.get_running_loop().create_task(self._fill())

    async def _fill(self) -> None:
        with suppress(ShuttingDown):
            (await self.contexts()).fill()

    async def apart(self, spec: Spec) -> Contexts:
        """Return contexts of their own, in which a language is served by one kernel; who asks for them closes them."""
        module = await asyncio.to_thread(importlib.import_module, "execd.kernel.contexts")
        made: Contexts = module.Contexts(
            self._registry, replace(self._settings, pool={}), self._surroundings, self.languages.preferring(spec)
        )
        return made

    async def installed(self) -> list[str]:
        """Return the names of the languages that are installed."""
        return await self.languages.installed()

    async def close(self) -> None:
        """Make nothing any more, and end what there is."""
        self._closing = True
        if self._filling is not None:
            await self._filling
        if self._contexts is not None:
            await self._contexts.close()
