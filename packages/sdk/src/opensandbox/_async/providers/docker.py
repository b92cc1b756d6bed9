"""A daemon in a container of one's own, which ends with its block, or by its lease when the client was killed."""

from __future__ import annotations

from typing import Final

from opensandbox._acompat import afinish, ain_thread
from opensandbox._container.engine import Container
from opensandbox._container.lease import Lease
from opensandbox._core.config import Config, configure
from opensandbox._core.container import Blueprint

_STOP_WITHIN_S: Final = 15.0


class DockerDaemon:
    """A running container, and the lease that its daemon holds of us."""

    def __init__(self, wanted: Blueprint) -> None:
        self._wanted = wanted
        self._container = Container(wanted)
        self._lease: Lease | None = None

    @classmethod
    async def start(cls, wanted: Blueprint) -> DockerDaemon:
        """Start a container; its daemon need not be ready yet."""
        daemon = cls(wanted)
        try:
            await daemon._begin()
        except BaseException:
            await afinish(daemon.aclose, grace=_STOP_WITHIN_S)
            raise
        return daemon

    @property
    def config(self) -> Config:
        """Where it is, and its token."""
        endpoint = f"http://127.0.0.1:{self._container.port}"
        return configure(endpoint, access_token=self._container.token, headers=None, environ={})

    def is_gone(self) -> bool:
        """Whether the container has ended."""
        return self._container.is_gone()

    def last_words(self) -> str:
        """Tell how it ended and what it said last."""
        return self._container.last_words()

    async def aclose(self) -> None:
        """Remove the container and everything in it."""
        if self._lease is not None:
            self._lease.close()
        await ain_thread(self._container.remove)

    async def _begin(self) -> None:
        await ain_thread(self._container.start)
        self._lease = Lease(self._container.port, token=self._container.token, lease_s=self._wanted.lease_s)
