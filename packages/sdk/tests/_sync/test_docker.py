# Generated from packages/sdk/tests/_async/test_docker.py by tools/unasync.py; do not edit.
"""A sandbox in a container: by an engine that is none, and (slow) by a real one with a real image."""

# ruff: noqa: ASYNC240, ASYNC251 - a caller that blocks its loop is what some of them are about

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import DockerException, ImageNotFound

import docker
from opensandbox import SandboxSync
from opensandbox.exceptions import ExecdNotReadyException, StreamInterruptedException

from ..engines import FakeEngine, engine  # noqa: F401 - a fixture

IMAGE = os.environ.get("EXECD_TEST_IMAGE", "execd:dev")
MINE = f"execd.test.{os.getpid()}"


# ── with an engine that is none ──────────────────────────────────────────────────────────────────────────────────────


def test_leaving_the_block_removes_the_container(engine: FakeEngine) -> None:  # noqa: F811 - the fixture
    with SandboxSync.docker("execd:dev", envs={"A": "b"}) as sandbox:
        execution = sandbox.commands.run("echo $A")
        assert execution.stdout == "b\n"
        assert len(engine.there) == 1
    assert engine.there == {}
    assert not engine.is_open


def test_a_container_that_ends_early_tells_its_last_words(engine: FakeEngine) -> None:  # noqa: F811
    engine.program = ["/bin/sh", "-c", "echo no daemon in this image >&2; exit 7"]
    with pytest.raises(ExecdNotReadyException, match="ended before it was ready: exit status 7: no daemon in this"):
        SandboxSync.docker("execd:dev")
    assert engine.there == {}


def test_a_daemon_that_is_never_ready_leaves_no_container(engine: FakeEngine) -> None:  # noqa: F811
    engine.program = ["/bin/sleep", "1000"]
    with pytest.raises(ExecdNotReadyException, match="was not ready after"):
        SandboxSync.docker("execd:dev", ready_timeout=0.2)
    assert engine.there == {}


def test_a_container_that_dies_breaks_its_streams_at_once(engine: FakeEngine) -> None:  # noqa: F811
    with SandboxSync.docker("execd:dev") as sandbox:
        lines = sandbox.commands.run_stream("echo begun; sleep 1000")

        def read() -> None:
            for line in lines:
                assert line == "begun"
                engine.made[0].end()

        with pytest.raises(StreamInterruptedException):
            read()


def test_a_client_that_blocks_its_loop_keeps_its_sandbox(engine: FakeEngine) -> None:  # noqa: F811
    with SandboxSync.docker("execd:dev", lease=2) as sandbox:
        time.sleep(3)
        assert (sandbox.commands.run("echo here")).stdout == "here\n"


def test_without_an_image_nothing_is_made(engine: FakeEngine) -> None:  # noqa: F811
    engine.has_image = False
    engine.pulling = [{"status": "Pulling"}, {"error": "no such thing"}]
    with pytest.raises(ExecdNotReadyException, match="'nosuch:dev' is not here, and pulling it failed: no such thing"):
        SandboxSync.docker("nosuch:dev")
    assert engine.made == []


def test_misuse_is_told_before_any_engine_is_asked() -> None:
    with pytest.raises(ValueError, match="memory"):
        SandboxSync.docker("execd:dev", memory="much")


# ── with a real one ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def real() -> Iterator[docker.DockerClient]:
    client = None
    try:
        client = docker.from_env()
        client.images.get(IMAGE)
    except ImageNotFound:
        pytest.skip(f"there is no image {IMAGE}: build docker/execd.Dockerfile")
    except DockerException as fault:
        pytest.skip(f"no container engine answers: {fault}")
    try:
        yield client
    finally:
        client.close()


def mine(real: docker.DockerClient) -> list[str]:
    """Return the containers of these tests."""
    found = real.containers.list(all=True, filters={"label": MINE}, ignore_removed=True)
    return [str(container.id) for container in found]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_real_container_has_what_was_asked_for(real: docker.DockerClient, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from outside")
    tmp_path.chmod(0o755)
    with SandboxSync.docker(
        IMAGE,
        envs={"A": "b"},
        memory="128m",
        cpus=0.5,
        pids_limit=64,
        volumes={str(tmp_path): ("/outside", "ro")},
        working_dir="/tmp",
        user="4242:4242",
        labels={MINE: "1"},
    ) as sandbox:
        ran = sandbox.commands.run("echo $A; id -u; pwd; cat /outside/file; touch /outside/new", check=False)
        assert ran.stdout == "b\n4242\n/tmp\nfrom outside"
        assert "Read-only" in ran.stderr
        metrics = sandbox.get_metrics()
        assert (metrics.cpu_count, metrics.memory_total_in_mib, metrics.pids_limit) == (0.5, 128.0, 64)
        [name] = mine(real)
        host = real.api.inspect_container(name)["HostConfig"]
        assert (host["AutoRemove"], host["Memory"], host["MemorySwap"]) == (True, 128 << 20, 128 << 20)
        assert [each["HostIp"] for each in host["PortBindings"]["44772/tcp"]] == ["127.0.0.1"]
    assert mine(real) == []


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_real_container_that_ends_early_tells_its_last_words(real: docker.DockerClient) -> None:
    with pytest.raises(ExecdNotReadyException, match=r"exit status 2: .*heartbeat"):
        SandboxSync.docker(IMAGE, envs={"EXECD_HEARTBEAT_S": "99"}, memory="128m", labels={MINE: "1"})
    assert mine(real) == []


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_an_unknown_image_says_so(real: docker.DockerClient) -> None:
    with pytest.raises(ExecdNotReadyException, match=r"could not pull the image 'localhost:1/nosuch:dev'"):
        SandboxSync.docker("localhost:1/nosuch:dev", labels={MINE: "1"})
    assert mine(real) == []
