"""A container engine that is none: what it starts are daemons, or other programs, of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from docker.errors import APIError, ImageNotFound, NotFound

from .worlds import descendants

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
        assert self.process is not None
        return Log(self.process)

    def wait(self, *, timeout: float) -> dict[str, int]:
        assert self.process is not None
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
            raise refusal(404, f"No such image: {image}", ImageNotFound)

    def pull(self, image: str, *, stream: bool, decode: bool) -> Iterator[dict[str, str]]:
        assert (stream, decode) == (True, True)
        yield from self.pulling

    def create(self, **wanted: Any) -> FakeContainer:
        container = FakeContainer(self, wanted)
        self.made.append(container)
        self.there[wanted["name"]] = container
        return container

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


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    fake = FakeEngine()
    monkeypatch.setattr("docker.from_env", lambda: fake)
    yield fake
    for container in fake.made:
        container.end()
