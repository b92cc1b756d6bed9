"""One container, from its creation to its removal, by way of the engine's own client library.

The engine removes it when it ends (`auto_remove`), so its log is read from the start: afterwards there is none.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from opensandbox._core.container import Blueprint, creation, last_lines
from opensandbox.exceptions import ExecdNotReadyException

if TYPE_CHECKING:
    from docker.models.containers import Container as EngineContainer

    import docker

_LOG_BYTES: Final = 16384
_PORTS: Final = (20_000, 32_768)
"""Below those that the kernel hands out, so that the port is still free when the engine publishes it anew."""
_PORT_TRIES: Final = 20
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
        self.token = secrets.token_urlsafe(32)
        self.port = 0
        self._wanted = wanted
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._is_unwanted = False
        self._is_asked_for = False
        self._is_there = False
        self._client: docker.DockerClient | None = None
        self._log = b""
        self._reading: threading.Thread | None = None
        self._exit_code: int | None = None
        self._is_gone = False

    def start(self) -> None:
        """Start it, on a port of the loopback that stays the same for its life; raises `ExecdNotReadyException`."""
        with self._lock, _mapped_faults("start the container"):
            self._go_on()
            self._client = client = _connect()
            self._find_image(client)
            for _ in range(_PORT_TRIES):
                self._go_on()
                if self._run(client):
                    return
        raise ExecdNotReadyException("found no free port for the container")

    def remove(self) -> None:
        """Remove it and everything in it; more than once does no harm, nor does a fork."""
        if os.getpid() != self._process:
            return  # it is the parent's
        self._is_unwanted = True
        with self._lock:
            client, self._client = self._client, None
            if client is None:
                return
            try:
                if self._is_asked_for:
                    self._remove(client)
            finally:
                client.close()
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
        return status + (last_lines(self._log) or "its log is empty")

    def _find_image(self, client: docker.DockerClient) -> None:
        from docker.errors import ImageNotFound  # noqa: PLC0415 - an extra

        try:
            client.images.get(self._wanted.image)
        except ImageNotFound:
            with _mapped_faults(f"pull the image {self._wanted.image!r}, which is not here"):
                for progress in client.api.pull(self._wanted.image, stream=True, decode=True):
                    self._go_on()
                    if "error" in progress:
                        raise ExecdNotReadyException(
                            f"the image {self._wanted.image!r} is not here, and pulling it failed: {progress['error']}"
                        ) from None

    def _run(self, client: docker.DockerClient) -> bool:
        """Create and start it; False when its port is taken."""
        from docker.errors import APIError  # noqa: PLC0415 - an extra

        self.port = _free_port()
        self._is_asked_for = True
        wanted = creation(self._wanted, name=self.name, port=self.port, token=self.token)
        container = client.containers.create(**wanted)
        self._is_there = True
        self._go_on()
        try:
            container.start()
        except APIError as refusal:
            if not any(word in str(refusal.explanation) for word in _TAKEN):
                raise
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
        with suppress(Exception):  # whatever breaks it: the next question tells the truth
            log = container.logs(stream=True, follow=True)
            try:
                for said in log:
                    self._log = (self._log + said)[-_LOG_BYTES:]
            finally:
                log.close()
        self._is_gone = self._has_ended(container)

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
        with _mapped_faults(f"remove the container {self.name}"):
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
        raise ExecdNotReadyException(f"no container engine answers: {fault}") from fault
    host = urlsplit(client.api.base_url).hostname or ""
    if host not in _LOCAL_HOSTS:
        client.close()
        raise ExecdNotReadyException(
            f"the container engine runs on {host}: Sandbox.docker() reaches containers of this machine only;"
            " start one there and use Sandbox.connect()"
        )
    return client


@contextmanager
def _mapped_faults(doing: str) -> Iterator[None]:
    """Turn the exceptions of the client library and of what it is built on into ours."""
    try:
        yield
    except (ExecdNotReadyException, ImportError):
        raise
    except Exception as fault:
        if not _is_foreign(fault):
            raise
        why: Any = getattr(fault, "explanation", None) or fault
        raise ExecdNotReadyException(f"the container engine could not {doing}: {why}") from fault


def _is_foreign(fault: Exception) -> bool:
    return isinstance(fault, OSError) or type(fault).__module__.split(".")[0] in ("docker", "requests", "urllib3")


def _free_port() -> int:
    while True:
        port = _PORTS[0] + secrets.randbelow(_PORTS[1] - _PORTS[0])
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
