"""One container, from its creation to its removal, by way of the engine's own client library.

The engine removes it when it ends (`auto_remove`), so its log is read from the start: afterwards there is none.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from opensandbox._container.faults import mapped_faults
from opensandbox._container.lease import Lease
from opensandbox._container.leftovers import remove_leftovers
from opensandbox._container.pull import pull
from opensandbox._core.container import Blueprint, creation, last_lines
from opensandbox.exceptions import ExecdNotReadyException

if TYPE_CHECKING:
    from docker.models.containers import Container as EngineContainer

    import docker

_LOG_BYTES: Final = 16384
_PORTS: Final = (20_000, 30_000)
"""Below those that the kernel hands out, so that the port is still free when the engine publishes it anew."""
_PORT_TRIES: Final = 20
_PROBES: Final = 100
_TAKEN: Final = ("already allocated", "already in use")
_ENDS_WITHIN_S: Final = 5
_GONE_WITHIN_S: Final = 10.0
_MADE_WITHIN_S: Final = 2.0
_POLL_S: Final = 0.05
_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1", "localnpipe", "localunixsocket"})


class Container:
    """A container with a daemon in it; nothing is there before `start`, and nothing after `remove`.

    All of it blocks. `remove` may be called from another thread, and waits for what `start` is at.
    """

    def __init__(self, wanted: Blueprint) -> None:
        self.name = f"execd-{secrets.token_hex(8)}"
        self.token = ""
        self.port = 0
        self._wanted = wanted
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._is_unwanted = False
        self._is_asked_for = False
        self._is_there = False
        self._client: docker.DockerClient | None = None
        self._log = b""
        self._lease: Lease | None = None
        self._reading: threading.Thread | None = None
        self._exit_code: int | None = None
        self._is_gone = False
        self._is_log_lost = False

    def start(self) -> None:
        """Start it, on a port of the loopback that stays the same for its life; raises `ExecdNotReadyException`."""
        with self._lock, mapped_faults("start the container"):
            self._go_on()
            self._client = client = _connect()
            remove_leftovers(client)
            self._find_image(client)
            for _ in range(_PORT_TRIES):
                self._go_on()
                if self._run(client):
                    return
        raise _no_free_port()

    def give_up(self) -> None:
        """Let `start` end at its next step; does not block."""
        self._is_unwanted = True

    def remove(self) -> None:
        """Remove it and everything in it; more than once does no harm, nor does a fork.

        One that failed can be tried again.
        """
        if os.getpid() != self._process:
            return  # it is the parent's
        self.give_up()
        with self._lock:
            if self._lease is not None:
                self._lease.close()
            client = self._client
            if client is None:
                return
            try:
                if self._is_asked_for:
                    self._remove(client)
                self._client = None
            finally:
                client.close()  # the library opens it again where it is used again
        if self._reading is not None:
            self._reading.join(_ENDS_WITHIN_S)

    def is_gone(self) -> bool:
        """Whether the container has ended."""
        return self._is_gone

    def last_words(self) -> str:
        """Tell how it ended and what it said last, for a person."""
        if self._reading is not None and self._is_gone:
            self._reading.join(_ENDS_WITHIN_S)
        status = "" if self._exit_code is None else f"exit status {self._exit_code}: "
        return status + (last_lines(self._log) or f"its log is {'gone' if self._is_log_lost else 'empty'}")

    def _find_image(self, client: docker.DockerClient) -> None:
        from docker.errors import NotFound  # noqa: PLC0415 - an extra

        try:
            client.images.get(self._wanted.image)
        except NotFound:  # `ImageNotFound` by the words of some engines only
            is_here = False
        else:
            is_here = True
        if not is_here:
            pull(client, self._wanted.image, go_on=self._go_on)

    def _run(self, client: docker.DockerClient) -> bool:
        """Create and start it; False when its port is taken."""
        from docker.errors import APIError  # noqa: PLC0415 - an extra

        # The token is of this try only: a port that is taken meanwhile belongs to somebody who may read what comes.
        self.port, self.token = _free_port(), secrets.token_urlsafe(32)
        self._is_asked_for = True
        wanted = creation(self._wanted, name=self.name, port=self.port, token=self.token)
        container = client.containers.create(**wanted)
        self._is_there = True
        self._go_on()
        # From now on: a busy engine may say so late that it has started the container.
        self._lease = Lease(self.port, token=self.token, lease_s=self._wanted.lease_s)
        try:
            container.start()
        except APIError as refusal:
            if not any(word in str(refusal.explanation) for word in _TAKEN):
                raise
            self._lease.close()
            self._remove(client)
            return False
        self._reading = threading.Thread(target=self._read, args=(container,), name="opensandbox-log", daemon=True)
        self._reading.start()
        return True

    def _go_on(self) -> None:
        if self._is_unwanted:
            raise ExecdNotReadyException("the container is not wanted any more")

    def _read(self, container: EngineContainer) -> None:
        """Keep the end of the log until it ends, and then wait for the container: some logs cannot be followed."""
        try:
            self._follow(container)
        except Exception:  # noqa: BLE001 - whatever breaks it, as its removal does: the next question tells the truth
            self._is_log_lost = True
        self._is_gone = self._has_ended(container)

    def _follow(self, container: EngineContainer) -> None:
        log = container.logs(stream=True, follow=True)
        try:
            for said in log:
                self._log = (self._log + said)[-_LOG_BYTES:]
        finally:
            log.close()

    def _has_ended(self, container: EngineContainer) -> bool:
        from docker.errors import NotFound  # noqa: PLC0415 - an extra

        try:
            self._exit_code = int(container.wait(timeout=None)["StatusCode"])
        except NotFound:
            return True
        except Exception:  # noqa: BLE001 - an engine that does not answer says nothing about the container
            return False
        return True

    def _remove(self, client: docker.DockerClient) -> None:
        began = time.monotonic()
        with mapped_faults(f"remove the container {self.name}"):
            while not self._is_removed(client, waited=time.monotonic() - began):
                time.sleep(_POLL_S)

    def _is_removed(self, client: docker.DockerClient, *, waited: float) -> bool:
        from docker.errors import APIError  # noqa: PLC0415 - an extra

        try:
            client.api.remove_container(self.name, v=True, force=True)
        except APIError as refusal:
            if refusal.status_code == HTTPStatus.NOT_FOUND:
                # Interrupted before the engine answered: it may be about to make it.
                return self._is_there or waited > _MADE_WITHIN_S
            if refusal.status_code == HTTPStatus.CONFLICT and waited < _GONE_WITHIN_S:
                return False  # the engine is removing it by itself
            raise
        return True


def _connect() -> docker.DockerClient:
    try:
        import docker  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise ExecdNotReadyException(
            "Sandbox.docker() needs the engine's client library: pip install 'execd-sdk[docker]'"
        ) from missing
    client: docker.DockerClient | None = None
    try:
        client = docker.from_env()
        client.ping()
    except Exception as fault:
        if client is not None:
            client.close()
        host = os.environ.get("DOCKER_HOST")
        where = f"DOCKER_HOST is {host}" if host else "DOCKER_HOST is not set, and contexts are not looked at"
        raise ExecdNotReadyException(f"no container engine answers ({where}): {fault}") from fault
    host = urlsplit(client.api.base_url).hostname or ""
    if host not in _LOCAL_HOSTS:
        client.close()
        raise ExecdNotReadyException(
            f"the container engine runs on {host}: Sandbox.docker() reaches containers of this machine only;"
            " start one there and use Sandbox.connect()"
        )
    return client


def _free_port() -> int:
    for _ in range(_PROBES):
        port = _PORTS[0] + secrets.randbelow(_PORTS[1] - _PORTS[0])
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise _no_free_port()


def _no_free_port() -> ExecdNotReadyException:
    return ExecdNotReadyException(f"found no free port for the container from {_PORTS[0]} to {_PORTS[1] - 1}")
