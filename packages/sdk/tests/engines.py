"""A container engine that is none: what it starts are daemons, or other programs, of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

import docker

from .worlds import descendants

IMAGE = os.environ.get("EXECD_TEST_IMAGE", "execd:dev")
DAEMON = [sys.executable, "-m", "execd", "serve"]


def refusal(status: int, explanation: str, kind: type[APIError] = APIError) -> APIError:
    """Return what the client library raises for an answer of the engine."""
    response = requests.Response()
    response.status_code = status
    return kind(explanation, response=response, explanation=explanation)


class Log:
    """A container's log, as it is followed."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def __iter__(self) -> Iterator[bytes]:
        assert self._process.stderr is not None
        with self._process.stderr as log:
            yield from log

    def close(self) -> None:
        pass


@dataclass
class FakeContainer:
    """A container, or a name that was given for one."""

    engine: FakeEngine
    wanted: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    created: float = field(default_factory=time.time)

    @property
    def attrs(self) -> dict[str, Any]:
        return {"Created": int(self.created)}

    def remove(self, *, v: bool) -> None:
        assert v
        if self.process is not None:
            raise refusal(409, "You cannot remove a running container")
        del self.engine.there[self.wanted["name"]]

    def start(self) -> None:
        if self.engine.refusals:
            raise self.engine.refusals.pop(0)
        port = next(iter(self.wanted["ports"].values()))[1]
        self.process = subprocess.Popen(
            self.engine.program,
            env={"PATH": "/usr/bin:/bin", **self.wanted["environment"], "EXECD_PORT": str(port)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.engine.started.set()

    def logs(self, *, stream: bool, follow: bool) -> Log:
        assert (stream, follow) == (True, True)
        if self.engine.has_removed:
            assert self.process is not None
            assert self.process.stderr is not None
            self.process.stderr.close()
            raise refusal(404, "No such container", NotFound)
        assert self.process is not None
        return Log(self.process)

    def wait(self, *, timeout: float) -> dict[str, int]:
        assert self.process is not None
        if self.engine.has_removed:
            self.process.wait(20)
            raise refusal(404, "No such container", NotFound)
        return {"StatusCode": self.process.wait(timeout)}

    def end(self) -> None:
        """End all that is in it at once, as an engine does."""
        if self.process is not None:
            for pid in (self.process.pid, *descendants(self.process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(20)


class FakeEngine:
    """What `docker.from_env()` returns, as far as it is used."""

    def __init__(self) -> None:
        self.program = DAEMON
        self.has_image = True
        self.missing: type[APIError] = ImageNotFound
        self.has_removed = False
        self.pulling: Iterable[dict[str, str]] = ()
        self.refusals: list[APIError] = []
        self.removals: list[APIError] = []
        self.made: list[FakeContainer] = []
        self.there: dict[str, FakeContainer] = {}
        self.started = threading.Event()
        self.is_open = True
        self.base_url = "http+docker://localhost"
        self.api = self.images = self.containers = self

    def get(self, image: str) -> None:
        if not self.has_image:
            raise refusal(404, f"No such image: {image}", self.missing)

    def pull(self, image: str, *, stream: bool, decode: bool) -> Iterator[dict[str, str]]:
        assert (stream, decode) == (True, True)
        yield from self.pulling

    def create(self, **wanted: Any) -> FakeContainer:
        container = FakeContainer(self, wanted)
        self.made.append(container)
        self.there[wanted["name"]] = container
        return container

    def list(self, *, all: bool, filters: dict[str, str], sparse: bool) -> list[FakeContainer]:  # noqa: A002 - its name
        assert (all, filters, sparse) == (True, {"label": "execd.sandbox", "status": "created"}, True)
        return [container for container in self.there.values() if container.process is None]

    def remove_container(self, name: str, *, v: bool, force: bool) -> None:
        assert (v, force) == (True, True)
        if self.removals:
            raise self.removals.pop(0)
        if name not in self.there:
            raise refusal(404, f"No such container: {name}", NotFound)
        self.there.pop(name).end()

    def ping(self) -> bool:
        return True

    def close(self) -> None:
        self.is_open = False


def real_engine() -> docker.DockerClient:
    """Return a real one that has the image; without either the test is skipped."""
    try:
        client = docker.from_env()
    except DockerException as fault:
        pytest.skip(f"no container engine answers: {fault}")
    try:
        client.images.get(IMAGE)
    except DockerException as fault:
        client.close()
        pytest.skip(f"there is no image {IMAGE}, build docker/execd.Dockerfile: {fault}")
    return client
