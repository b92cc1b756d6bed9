"""`Sandbox.docker` of both colours: what it starts, how it says that it could not, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any, cast

import pytest

import docker
from execd_conformance.checks import Checks, scenario
from execd_conformance.clock import in_thread
from execd_conformance.colours import COLOURS
from execd_conformance.polling import eventually
from execd_conformance.scenarios.boxes import pause, source
from execd_conformance.sdk import Adapted
from execd_conformance.session import Session
from opensandbox import Sandbox, SandboxSync
from opensandbox.exceptions import ExecdNotReadyException

CLIENT = """
import asyncio, sys, time
from opensandbox import Sandbox, SandboxSync
image, label, colour = sys.argv[1:]
if colour == "async":
    async def main():
        async with await Sandbox.docker(image, memory="128m", lease=2, labels={label: "1"}) as sandbox:
            print((await sandbox.commands.run("hostname")).stdout, end="", flush=True)
            await asyncio.sleep(600)
    asyncio.run(main())
else:
    with SandboxSync.docker(image, memory="128m", lease=2, labels={label: "1"}) as sandbox:
        print(sandbox.commands.run("hostname").stdout, end="", flush=True)
        time.sleep(600)
"""


async def start(colour: str, target: Session, label: str, **options: Any) -> Sandbox:
    """Return `Sandbox.docker(…)` of a colour, with a label to find it by."""
    image = options.pop("image", source(target).image)
    options = {"memory": "256m", "labels": {label: "1"}, **options}
    if colour == "async":
        return await Sandbox.docker(image, **options)
    return cast("Sandbox", Adapted(await in_thread(SandboxSync.docker, image, **options), Sandbox))


async def containers(label: str) -> list[dict[str, Any]]:
    """Return what the engine says of the containers with a label."""

    def ask() -> list[dict[str, Any]]:
        engine = docker.from_env()
        try:
            found = engine.containers.list(all=True, filters={"label": label}, ignore_removed=True)
            return [dict(container.attrs) for container in found]
        finally:
            engine.close()

    return await in_thread(ask)


async def gone(label: str) -> bool:
    """Whether there is no container with a label."""
    return not await containers(label)


@pytest.mark.parametrize("colour", COLOURS)
@scenario(
    "sdk",
    "sandbox-docker.runs",
    "sandbox-docker.limits",
    "sandbox-docker.loopback-only",
    "sandbox-docker.removed",
    needs={"container"},
    limit_s=60,
)
async def test_a_container_of_ones_own(
    checks: Checks, target: Session, unique: str, colour: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Start one with every option, look at it from inside and outside, and leave the block."""
    outside = await in_thread(tmp_path_factory.mktemp, "outside")
    await in_thread((outside / "file").write_text, "from outside")
    await in_thread(outside.chmod, 0o755)
    async with await start(
        colour, target, unique, envs={"A": "b"}, memory="128m", cpus=0.5, pids_limit=64, working_dir="/tmp",
        volumes={str(outside): ("/outside", "ro")}, user="4242:4242",
    ) as sandbox:  # fmt: skip
        ran = await sandbox.commands.run("echo $A; id -u; pwd; cat /outside/file; ! touch /outside/new")
        checks.equal("sandbox-docker.runs", ran.stdout, "b\n4242\n/tmp\nfrom outside")
        metrics = await sandbox.get_metrics()
        figures = (metrics.cpu_count, metrics.memory_total_in_mib, metrics.pids_limit)
        checks.equal("sandbox-docker.limits", figures, (0.5, 128.0, 64))
        seen = await containers(unique)
        checks.need(len(seen) == 1, "one container", len(seen))
        host = seen[0]["HostConfig"]
        checks.equal("sandbox-docker.limits", host["MemorySwap"], 128 << 20)
        bound = [each["HostIp"] for ports in host["PortBindings"].values() for each in ports]
        checks.equal("sandbox-docker.loopback-only", bound, ["127.0.0.1"])
        checks.equal("sandbox-docker.removed", host["AutoRemove"], want=True)
    checks.equal("sandbox-docker.removed", await containers(unique), [])


@pytest.mark.parametrize("colour", COLOURS)
@scenario(
    "sdk", "sandbox-docker.last-words", "sandbox-docker.missing-image", "sandbox-docker.failed-start-leaves-none",
    needs={"container"}, limit_s=60,
)  # fmt: skip
async def test_a_start_that_fails_says_why(checks: Checks, target: Session, unique: str, colour: str) -> None:
    """Start one whose daemon refuses its settings, one that is never ready, and one whose image is nowhere."""
    with pytest.raises(ExecdNotReadyException) as refused:
        await start(colour, target, unique, envs={"EXECD_HEARTBEAT_S": "99"})
    checks.that("sandbox-docker.last-words", "heartbeat" in str(refused.value), refused.value)
    checks.that("sandbox-docker.last-words", "exit status 2" in str(refused.value), refused.value)
    with pytest.raises(ExecdNotReadyException) as missing:
        await start(colour, target, unique, image=f"localhost:1/{unique}:dev")
    checks.that("sandbox-docker.missing-image", unique in str(missing.value), missing.value)
    with pytest.raises(ExecdNotReadyException):
        await start(colour, target, unique, ready_timeout=0.001)
    checks.equal("sandbox-docker.failed-start-leaves-none", await containers(unique), [])


@scenario("sdk", "sandbox-docker.cancelled-start-leaves-none", needs={"container"}, limit_s=60)
async def test_a_start_that_is_cancelled_leaves_nothing(checks: Checks, target: Session, unique: str) -> None:
    """Cancel starts at once, and as soon as there is a container."""
    for wait in (False, True):
        starting = asyncio.ensure_future(start("async", target, unique))
        await asyncio.sleep(0)
        if wait:
            await eventually(lambda: containers(unique))
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        checks.equal("sandbox-docker.cancelled-start-leaves-none", await containers(unique), [])


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sandbox-docker.killed-client", needs={"container"}, limit_s=60)
async def test_a_killed_client_leaves_no_container(checks: Checks, target: Session, unique: str, colour: str) -> None:
    """Kill a client, whose lease is 2 s, and wait for the engine to have removed its container."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, source(target).image, unique, colour, stdout=asyncio.subprocess.PIPE
    )
    assert client.stdout is not None  # noqa: S101 - it was asked for
    try:
        name = (await client.stdout.readline()).decode().strip()
        seen = await containers(unique)
        checks.that("sandbox-docker.killed-client", [each["Id"][:12] for each in seen] == [name], (name, len(seen)))
    finally:
        client.kill()
        await client.wait()
    checks.that("sandbox-docker.killed-client", await eventually(lambda: gone(unique), limit_s=20.0))


@pytest.mark.parametrize("colour", COLOURS)
@scenario(
    "sdk",
    "sandbox-docker.blocked-client",
    "sandbox-docker.paused",
    "sandbox-docker.same-port",
    needs={"container"},
    limit_s=60,
)
async def test_a_client_that_lives_keeps_its_container(
    checks: Checks, target: Session, unique: str, colour: str
) -> None:
    """Block the event loop for longer than the lease, pause the container for as long, and wire its network anew."""
    async with await start(colour, target, unique, lease=2) as sandbox:
        time.sleep(2.7)  # noqa: ASYNC251 - a client that does something else meanwhile
        checks.equal("sandbox-docker.blocked-client", (await sandbox.commands.run("echo on")).stdout, "on\n")
        engine = await in_thread(docker.from_env)
        try:
            container = engine.containers.get((await containers(unique))[0]["Id"])
            await in_thread(pause, container)
            time.sleep(2.7)  # noqa: ASYNC251 - the same
            await in_thread(container.unpause)
            checks.equal("sandbox-docker.paused", (await sandbox.commands.run("echo on")).stdout, "on\n")
            has_gone = await eventually(lambda: gone(unique), limit_s=1.5)
            checks.that("sandbox-docker.paused", not has_gone)
            network = engine.networks.get("bridge")
            await in_thread(network.disconnect, container)
            checks.equal("sandbox-docker.same-port", await sandbox.is_healthy(), want=False)
            await in_thread(network.connect, container)
            checks.that("sandbox-docker.same-port", await eventually(sandbox.is_healthy))
        finally:
            await in_thread(engine.close)
