"""Daemons in containers of one image, each with limits, on a port of this machine's loopback that stays its own.

All containers and networks of one process of the suite have a label in common. A process beside it waits for its end,
however that comes, and removes what still has the label.
"""

from __future__ import annotations

import atexit
import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.models.networks import Network

import docker
from execd_conformance.targets import Place, Unreachable

LABEL: Final = "execd.conformance"
PORT: Final = 44772
"""Where the daemon listens inside."""
LIMITS: Final[Mapping[str, Any]] = {
    "mem_limit": "1g",
    "memswap_limit": "1g",
    "nano_cpus": 2_000_000_000,
    "pids_limit": 1024,
}
"""What a container gets that asks for nothing else."""

_READY_WITHIN_S: Final = 60.0
_SWEEP_S: Final = 30.0
_POLL_S: Final = 0.05
_PORTS: Final = (20_000, 32_768)
"""Below those that the kernel hands out, so that the port is still free when the engine publishes it anew."""
_PORT_TRIES: Final = 20
_TAKEN: Final = ("already allocated", "already in use")
_SWEEP: Final = """
import sys
sys.stdin.buffer.read()
import docker
from contextlib import suppress
engine, mine = docker.from_env(), {"label": sys.argv[1]}
for each in engine.containers.list(all=True, filters=mine, ignore_removed=True):
    with suppress(Exception):
        each.remove(force=True, v=True)
for each in engine.networks.list(filters=mine):
    with suppress(Exception):
        each.remove()
"""


@dataclass(slots=True)
class DockerDaemon:
    """A container with a daemon in it, until it is closed."""

    container: Container
    place: Place

    def await_ready(self) -> None:
        """Wait until it takes work; `Unreachable` with its last words where it ends, or takes too long."""
        give_up = time.monotonic() + _READY_WITHIN_S
        while not self._is_ready():
            self.container.reload()
            if self.container.status in ("exited", "dead"):
                raise Unreachable(f"the daemon's container ended with {self.wait(5.0)}: {self._last_words()}")
            if time.monotonic() > give_up:
                raise Unreachable(f"the daemon was not ready after {_READY_WITHIN_S:.0f} s: {self._last_words()}")
            time.sleep(_POLL_S)

    def terminate(self) -> None:
        """Ask it to end."""
        self.container.kill("TERM")

    def kill(self) -> None:
        """End the container without asking."""
        self.container.kill("KILL")

    def wait(self, limit_s: float) -> int:
        """Wait for the container's end and return its exit status."""
        try:
            return int(self.container.wait(timeout=limit_s)["StatusCode"])
        except requests.exceptions.RequestException as fault:
            if isinstance(fault, APIError):
                raise
            raise TimeoutError(f"the container did not end within {limit_s:.0f} s") from None

    def log(self) -> str:
        """Return what it has logged so far."""
        with suppress(DockerException, OSError):
            return self.container.logs(tail=1000).decode("utf-8", "replace")
        return ""

    def close(self) -> None:
        """Remove the container."""
        with suppress(NotFound):
            self.container.remove(force=True, v=True)

    def _is_ready(self) -> bool:
        host, _, port = self.place.url.removeprefix("http://").partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=5.0)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status in (http.client.OK, http.client.NOT_FOUND)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _last_words(self) -> str:
        return " | ".join(self.log().strip().splitlines()[-3:]) or "it said nothing"


class DockerTarget:
    """Daemons of an image."""

    offers: frozenset[str] = frozenset({"start", "container"})

    def __init__(self, image: str) -> None:
        self.image = image

    def start(self, settings: Mapping[str, str], *, token: str | None) -> DockerDaemon:
        """Start one and wait until it takes work."""
        daemon = self.run(settings, token=token)
        try:
            daemon.await_ready()
        except BaseException:
            daemon.close()
            raise
        return daemon

    def refused(self, settings: Mapping[str, str], *, token: str | None) -> tuple[int, str]:
        """Start one that ends at once."""
        daemon = self.run(settings, token=token)
        try:
            return daemon.wait(_READY_WITHIN_S), daemon.log()
        except TimeoutError:
            raise Unreachable("a daemon that was to refuse its settings runs") from None
        finally:
            daemon.close()

    def run(
        self, settings: Mapping[str, str], *, token: str | None, options: Mapping[str, Any] | None = None
    ) -> DockerDaemon:
        """Start one and wait for nothing; `options` are what the engine's client library takes for a container."""
        wanted = {**LIMITS, **(options or {})}
        environment = {**wanted.pop("environment", {}), **settings}
        if token is not None:
            environment["EXECD_ACCESS_TOKEN"] = token
        for _ in range(_PORT_TRIES):
            port = _free_port()
            container = self._create(environment, port, wanted)
            try:
                container.start()
            except APIError as refusal:
                container.remove(force=True, v=True)
                if not any(word in str(refusal.explanation) for word in _TAKEN):
                    raise Unreachable(f"the engine could not start the container: {refusal.explanation}") from None
            else:
                place = Place(url=f"http://127.0.0.1:{port}", token=token, facts={"container": str(container.id)})
                return DockerDaemon(container, place)
        raise Unreachable("found no free port for a container")

    def network(self) -> Network:
        """Make a network that is removed with the suite, or before."""
        name = f"execd-conformance-{secrets.token_hex(4)}"
        return _engine().client.networks.create(name, labels=_engine().labels)

    def _create(self, environment: Mapping[str, str], port: int, options: Mapping[str, Any]) -> Container:
        engine = _engine()
        try:
            return engine.client.containers.create(
                **{
                    "image": self.image,
                    "ports": {f"{PORT}/tcp": ("127.0.0.1", port)},
                    "environment": dict(environment),
                    "labels": engine.labels,
                    **options,
                }
            )
        except ImageNotFound:
            raise Unreachable(f"there is no image {self.image}: build it or pull it") from None
        except APIError as refusal:
            raise Unreachable(f"the engine could not create the container: {refusal.explanation}") from None


@dataclass(frozen=True, slots=True)
class _Engine:
    """The engine, and what this process calls its own there."""

    client: docker.DockerClient
    labels: dict[str, str]


@cache
def _engine() -> _Engine:
    """Connect with the first use: most processes of the suite start nothing."""
    try:
        client = docker.from_env()
        client.ping()
    except (DockerException, OSError) as fault:
        raise Unreachable(f"no container engine answers: {fault}") from None
    mine = f"{LABEL}.{secrets.token_hex(8)}"
    sweeper = subprocess.Popen(
        [sys.executable, "-c", _SWEEP, mine],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # whatever ends the suite is not for it
    )
    atexit.register(_sweep, client, sweeper)
    return _Engine(client, {mine: str(os.getpid()), LABEL: "1"})


def _sweep(client: docker.DockerClient, sweeper: subprocess.Popen[bytes]) -> None:
    """Let what is left be removed, and wait for that."""
    client.close()
    with suppress(subprocess.TimeoutExpired):
        sweeper.communicate(timeout=_SWEEP_S)


def _free_port() -> int:
    while True:
        port = _PORTS[0] + secrets.randbelow(_PORTS[1] - _PORTS[0])
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
