"""Where kernels come from that are to wait: from a fork server where the interpreter allows it, else from a start."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from execd.kernel.forks import ForkRefused, ForkServer
from execd.kernel.launch import Launch
from execd.kernel.spec import Adoptable
from execd.kernel.warm import MARK, Warm, changes
from execd.process.child import Child

SETTLED_S: Final = 1.0
Stamps = dict[str, tuple[int, int] | None]
_log: Final = logging.getLogger("execd.kernel")


class Source:
    """Makes kernels of one interpreter, as `model` says; `open` makes one."""

    def __init__(self, model: Launch, adoptable: Adoptable, server: ForkServer | None) -> None:
        self.model = model
        self._adoptable = adoptable
        self._server = server
        self._stamps = _stamps(server.installed if server else ())

    @classmethod
    async def open(cls, model: Launch, adoptable: Adoptable) -> Source:
        """Return a source; raises `OSError` where nothing can be started."""
        server = None
        if adoptable.fork_server is not None:
            try:
                server = await ForkServer.start(
                    [model.interpreter, adoptable.fork_server],
                    environment=dict(model.environment),
                    directory=model.directory,
                    limit_s=model.limit_s,
                )
            except ForkRefused as refused:
                _log.info("kernels of %s are not forked: %s", model.interpreter, refused)
        return cls(model, adoptable, server)

    @property
    def forks(self) -> bool:
        """Whether a kernel is quickly made."""
        return self._server is not None and self._server.lives

    @property
    def pids(self) -> list[int]:
        """The processes that it needs itself."""
        return [self._server.spawned.pid] if self._server else []

    def outdated(self) -> bool:
        """Whether something was installed or removed since it was opened, or its server has gone."""
        return (self._server is not None and not self._server.lives) or _stamps(self._stamps) != self._stamps

    async def settled(self) -> None:
        """Return when nothing has been installed or removed for a while."""
        before: Stamps = {}
        while (now := _stamps(self._stamps)) != before:
            before = now
            await asyncio.sleep(SETTLED_S)

    def suits(self, wanted: Launch) -> bool:
        """Whether its kernels can become one that is wanted."""
        before, after = self.model.environment, wanted.environment
        return (
            self.model.interpreter == wanted.interpreter
            and changes(before, after, fixed=self._adoptable.fixed) is not None
        )

    def make(self, files: str, gone: Callable[[Warm], None]) -> Warm:
        """Return a kernel that is to be started, under a mark of its own; its sockets begin with `files`."""
        mark = uuid.uuid4().hex
        launch = replace(self.model, files=files, environment={**self.model.environment, MARK: mark})
        server = self._server
        if server is None or not server.lives:
            return Warm(launch, gone)

        async def fork(command: list[str]) -> Child:
            return await server.fork(command[2:], mark=mark)

        return Warm(replace(launch, fork=fork), gone)

    async def close(self) -> None:
        """End what it needed; the kernels stay."""
        if self._server is not None:
            await self._server.close()


def _stamps(paths: Iterable[str]) -> Stamps:
    return {path: _stamp(path) for path in paths}


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
