"""A container's start and removal whatever comes between, and the lease that its daemon holds of its client."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException, ImageNotFound

import docker
import opensandbox
from opensandbox import Sandbox
from opensandbox._container.engine import Container
from opensandbox._container.lease import Lease
from opensandbox._core.container import blueprint
from opensandbox.exceptions import ExecdNotReadyException

from .engines import FakeEngine, engine, refusal  # noqa: F401 - a fixture

IMAGE = os.environ.get("EXECD_TEST_IMAGE", "execd:dev")
TAKEN = "driver failed programming external connectivity: Bind for 127.0.0.1:20001 failed: port is already allocated"


def container(**options: Any) -> Container:
    return Container(blueprint("execd:dev", **{"lease": 60, **options}))


# ── start and removal ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_port_that_is_taken_meanwhile_is_given_up_for_another(engine: FakeEngine) -> None:  # noqa: F811 - the fixture
    engine.refusals = [refusal(500, TAKEN), refusal(500, "listen tcp4 127.0.0.1:1: bind: address already in use")]
    one = container()
    one.start()
    ports = [next(iter(made.wanted["ports"].values())) for made in engine.made]
    assert len(set(ports)) == 3
    assert ports[-1] == ("127.0.0.1", one.port)
    assert list(engine.there) == [one.name]
    one.remove()
    assert engine.there == {}


def test_another_refusal_is_told_in_the_engines_words(engine: FakeEngine) -> None:  # noqa: F811
    engine.refusals = [refusal(400, "minimum memory limit allowed is 6MB")]
    one = container()
    with pytest.raises(ExecdNotReadyException, match="could not start the container: minimum memory limit"):
        one.start()
    one.remove()
    assert engine.there == {}


def test_a_removal_that_the_engine_is_at_already_is_waited_for(engine: FakeEngine) -> None:  # noqa: F811
    one = container()
    one.start()
    engine.removals = [refusal(409, "removal of container execd-1 is already in progress")] * 3
    one.remove()
    assert engine.there == {}
    one.remove()


def test_a_removal_that_fails_says_so(engine: FakeEngine) -> None:  # noqa: F811
    one = container()
    one.start()
    engine.removals = [refusal(500, "driver failed")]
    with pytest.raises(ExecdNotReadyException, match=f"remove the container {one.name}: driver failed"):
        one.remove()


def test_what_is_made_after_an_interrupt_is_removed_too(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    create = engine.create
    late: list[threading.Timer] = []

    def interrupted(**wanted: Any) -> None:
        late.append(threading.Timer(0.1, create, kwargs=wanted))
        late[0].start()
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "create", interrupted)
    one = container()
    with pytest.raises(KeyboardInterrupt):
        one.start()
    one.remove()
    late[0].join()
    assert len(engine.made) == 1
    assert engine.there == {}


def test_a_fork_leaves_its_parents_container_alone(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    one = container()
    one.start()
    mine = os.getpid()
    monkeypatch.setattr("os.getpid", lambda: mine + 1)
    one.remove()
    assert list(engine.there) == [one.name]
    monkeypatch.undo()


async def test_a_start_that_is_cancelled_while_it_pulls_leaves_nothing(engine: FakeEngine) -> None:  # noqa: F811
    begun = threading.Event()

    def pulling() -> Iterator[dict[str, str]]:
        while True:  # it would take for ever
            yield {"status": "Pulling"}
            begun.set()

    engine.has_image = False
    engine.pulling = pulling()
    starting = asyncio.ensure_future(Sandbox.docker("execd:dev"))
    await asyncio.to_thread(begun.wait, 20)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert engine.made == []
    assert not engine.is_open


async def test_a_start_that_is_cancelled_while_it_is_made_ready_leaves_nothing(engine: FakeEngine) -> None:  # noqa: F811
    engine.program = ["/bin/sleep", "1000"]
    starting = asyncio.ensure_future(Sandbox.docker("execd:dev"))
    await asyncio.to_thread(engine.started.wait, 20)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert engine.there == {}


# ── engines ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(ExecdNotReadyException, match=r"pip install 'execd-sdk\[docker\]'"):
        container().start()


# The library does not close a socket that it could not connect; the interpreter does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_an_engine_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(ExecdNotReadyException, match="no container engine answers"):
        container().start()
    gc.collect()


def test_an_engine_elsewhere_is_refused(engine: FakeEngine) -> None:  # noqa: F811
    engine.base_url = "http://10.0.0.7:2375"
    with pytest.raises(ExecdNotReadyException, match=r"runs on 10\.0\.0\.7: .*use Sandbox\.connect"):
        container().start()
    assert not engine.is_open


def test_the_package_needs_no_engine_to_be_imported() -> None:
    code = "import sys; sys.modules['docker'] = None; import opensandbox; assert 'requests' not in sys.modules"
    source = Path(opensandbox.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(source)}, timeout=60, check=True)


# ── the lease ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Asked(HTTPServer):
    """Counts who asks, and refuses the first time."""

    def __init__(self, *, is_open: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), Answer, bind_and_activate=False)
        self.seen: list[tuple[str, str | None]] = []
        self.enough = threading.Event()
        self.server_bind()
        if is_open:
            self.open()

    def open(self) -> None:
        self.server_activate()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    server: Asked

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers["X-EXECD-ACCESS-TOKEN"]))
        self.send_response(503 if len(self.server.seen) == 1 else 200)
        self.end_headers()
        if len(self.server.seen) == 3:
            self.server.enough.set()

    def log_message(self, *arguments: Any) -> None:
        pass


def test_a_lease_is_asked_for_again_and_again_until_it_is_closed() -> None:
    with Asked() as daemon:
        lease = Lease(daemon.server_port, token="secret", lease_s=0.2)
        assert daemon.enough.wait(20)
        lease.close()
        daemon.shutdown()
    assert set(daemon.seen) == {("/version", "secret")}


def test_a_lease_waits_for_a_daemon_that_does_not_answer_yet() -> None:
    with Asked(is_open=False) as daemon:
        lease = Lease(daemon.server_port, token="secret", lease_s=0.2)
        lease._over.wait(0.3)  # refused meanwhile, again and again
        daemon.open()
        assert daemon.enough.wait(20)
        lease.close()
        daemon.shutdown()


# ── with a real engine ───────────────────────────────────────────────────────────────────────────────────────────────

CLIENT = """
import os, sys, time
from opensandbox import SandboxSync
with SandboxSync.docker(sys.argv[1], memory="128m", lease=2) as sandbox:
    if "fork" in sys.argv and os.fork() == 0:
        time.sleep(600)
    print(sandbox.commands.run("hostname").stdout, end="", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("arguments", [[], ["fork"]])
def test_a_killed_clients_container_ends_by_its_lease_and_is_removed(arguments: list[str]) -> None:
    try:
        engine = docker.from_env()
        engine.images.get(IMAGE)
    except ImageNotFound:
        pytest.skip(f"there is no image {IMAGE}: build docker/execd.Dockerfile")
    except DockerException as fault:
        pytest.skip(f"no container engine answers: {fault}")
    source = Path(opensandbox.__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, IMAGE, *arguments],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as client:
        assert client.stdout is not None
        name = client.stdout.readline().decode().strip()
        container = engine.containers.get(name)
        client.kill()
        with suppress(docker.errors.NotFound):
            container.wait(condition="removed", timeout=90)
        with pytest.raises(docker.errors.NotFound):
            container.reload()
        with suppress(ProcessLookupError):
            os.killpg(client.pid, 9)
    engine.close()
