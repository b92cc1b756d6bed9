# Generated from packages/sdk/src/opensandbox/_async/providers/docker.py by tools/unasync.py; do not edit.
"""A daemon in a container of one's own, which ends with its block, or by its lease when the client was killed."""

from __future__ import annotations

from typing import Final

from opensandbox._acompat import finish, in_thread
from opensandbox._container.engine import Container
from opensandbox._core.config import Config, configure
from opensandbox._core.container import Blueprint

_STOP_WITHIN_S: Final = 15.0


class DockerDaemon:
    """A running container."""

    def __init__(self, wanted: Blueprint) -> None:
        self._container = Container(wanted)

    @classmethod
    def start(cls, wanted: Blueprint) -> DockerDaemon:
        """Start a container; its daemon need not be ready yet."""
        daemon = cls(wanted)
        try:
            in_thread(daemon._container.start)
        except BaseException:
            finish(daemon.close, grace=_STOP_WITHIN_S)
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

    def close(self) -> None:
        """Remove the container and everything in it."""
        self._container.give_up()  # at once: the thread may be long in coming
        in_thread(self._container.remove)
