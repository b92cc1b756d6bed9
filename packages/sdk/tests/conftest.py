"""A real daemon, shared by all tests that want one, and an engine that is none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .engines import FakeEngine

TOKEN = "a-token-for-tests"


@dataclass(frozen=True)
class RunningDaemon:
    """An execd that listens on a port of its own."""

    url: str
    token: str
    root: Path

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 0)


@pytest.fixture(scope="session")
def execd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    root = tmp_path_factory.mktemp("root")
    arguments = ["--port", "0", "--working-root", str(root), "--state-dir", str(tmp_path_factory.mktemp("state"))]
    with (
        open(root.with_suffix(".log"), "wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "execd", "serve", *arguments],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "EXECD_ACCESS_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, root.with_suffix(".log").read_text()
        yield RunningDaemon(url=json.loads(line)["url"], token=TOKEN, root=root)
        process.terminate()
        process.wait(20)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """What `docker.from_env()` returns in a test."""
    fake = FakeEngine()
    monkeypatch.setattr("docker.from_env", lambda: fake)
    yield fake
    for container in fake.made:
        container.end()
