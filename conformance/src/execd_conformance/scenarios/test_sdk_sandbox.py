"""Getting a sandbox: connecting to a daemon, starting one here, and what is told when that fails."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import time
from urllib.parse import unquote, urlsplit

import pytest

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import COLOURS, connect, raised, start_local
from execd_conformance.daemon import Daemons
from execd_conformance.polling import eventually
from execd_conformance.raw import Raw
from execd_conformance.session import Session
from opensandbox import Sandbox, SandboxSync
from opensandbox.exceptions import ExecdNotReadyException, SandboxException, UnauthorizedException


@scenario("sdk", "sdk.connect", "sdk.endpoint", "sdk.healthy", "sdk.version", profiles=("full", "compat"))
async def test_a_sandbox_is_connected_to(checks: Checks, sandbox: Sandbox, target: Session) -> None:
    checks.that("sdk.healthy", await sandbox.is_healthy())
    version = await sandbox.version()
    checks.equal("sdk.version", version.features, target.features)
    checks.equal("sdk.version", version.version, str(target.version.get("version", "")))
    checks.equal("sdk.endpoint", sandbox.get_endpoint(), target.url)
    execution = await sandbox.commands.run("echo hi")
    checks.equal("sdk.connect", (execution.stdout, execution.exit_code), ("hi\n", 0))
    shown = repr(sandbox)
    checks.that("sdk.connect", not target.token or target.token not in shown, saw=shown)


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.connect-environment", "sdk.connect")
async def test_the_environment_says_where(
    checks: Checks, target: Session, colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXECD_ENDPOINT", target.url)
    monkeypatch.setenv("EXECD_ACCESS_TOKEN", target.token or "")
    async with await connect(colour, None) as sandbox:
        checks.equal("sdk.connect-environment", sandbox.get_endpoint(), target.url)
        checks.equal("sdk.connect-environment", (await sandbox.commands.run("echo hi")).stdout, "hi\n")
    monkeypatch.delenv("EXECD_ENDPOINT")
    checks.that("sdk.connect", isinstance(await raised(connect(colour, None)), ValueError))


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.wrong-token", "sdk.connect", needs={"start"})
async def test_a_wrong_token_shows_when_connecting(checks: Checks, daemons: Daemons, colour: str) -> None:
    async with daemons(token="one,two") as daemon:  # noqa: S106 - nobody's
        for token in ("wrong", "one,two", ""):
            fault = await raised(connect(colour, daemon.url, token))
            checks.that("sdk.wrong-token", isinstance(fault, UnauthorizedException), saw=(token, fault))
            code = fault.error.code if isinstance(fault, SandboxException) else None
            checks.equal("sdk.wrong-token", code, "UNAUTHORIZED")
        for token in ("one", "two\n"):
            async with await connect(colour, daemon.url, token) as sandbox:
                checks.equal("sdk.connect", (await sandbox.commands.run("echo hi")).stdout, "hi\n")


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.ready-timeout", profiles=("full", "compat"))
async def test_nobody_there_is_told_in_time(checks: Checks, colour: str) -> None:
    with socket.socket() as taken:
        # Bound and never listening: nobody answers there, and nobody else can come to.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        began = time.monotonic()
        fault = await raised(connect(colour, f"http://127.0.0.1:{port}", ready_timeout=0.5))
        took = time.monotonic() - began
    checks.that("sdk.ready-timeout", isinstance(fault, ExecdNotReadyException) and took < 8, saw=(fault, took))
    if isinstance(fault, SandboxException):
        told = fault.error
        waited = told.details.get("waited_s", -1)
        checks.that(
            "sdk.ready-timeout", 0 <= waited < 8 and str(port) in told.message, saw=(told.message, told.details)
        )
        checks.equal("sdk.ready-timeout", told.code, "EXECD_NOT_READY")


@scenario("sdk", "sdk.sync-in-a-loop", "sdk.both-colours", profiles=("full", "compat"))
async def test_the_synchronous_client_works_inside_a_running_loop(checks: Checks, target: Session) -> None:
    # Blocks this loop on purpose, as a cell of a notebook does.
    with SandboxSync.connect(target.url, access_token=target.token) as sandbox:
        checks.equal("sdk.sync-in-a-loop", sandbox.commands.run("echo hi").stdout, "hi\n")
        lines = [line.text for line in sandbox.commands.run_stream("seq 3")]
        checks.equal("sdk.sync-in-a-loop", lines, ["1", "2", "3"])
        commands = type(sandbox.commands)
    async with await Sandbox.connect(target.url, access_token=target.token) as twin:
        pairs = [(Sandbox, SandboxSync), (type(twin.commands), commands), (type(twin.files), type(sandbox.files))]
    for ours, theirs in pairs:
        for name in (name for name in vars(ours) if not name.startswith("_")):
            there = name.replace("aclose", "close")
            like = hasattr(theirs, there) and _arguments(ours, name) == _arguments(theirs, there)
            checks.that("sdk.both-colours", like, saw=f"{ours.__name__}.{name}")


def _arguments(kind: type, name: str) -> list[str] | None:
    member = getattr(kind, name)
    return list(inspect.signature(member).parameters) if callable(member) else None


@scenario("sdk", "sdk.no-limit-on-connections", features={"execution_id"})
async def test_as_many_runs_at_once_as_are_wanted(checks: Checks, sandbox: Sandbox, raw: Raw, folder: str) -> None:
    many = 40
    wait = "echo > $N; until [ -e go ]; do sleep 0.1; done; echo $N"
    runs = [sandbox.commands.run(wait, working_dir=folder, envs={"N": str(number)}) for number in range(many)]
    tasks = [asyncio.ensure_future(run) for run in runs]

    async def count() -> bool:
        return (await raw.run("ls | wc -l", cwd=folder)).stdout.strip() == str(many)

    checks.that("sdk.no-limit-on-connections", await eventually(count, limit_s=15))
    await raw.run("echo > go", cwd=folder)
    said = [(await task).stdout for task in tasks]
    checks.equal("sdk.no-limit-on-connections", said, [f"{number}\n" for number in range(many)])


@pytest.mark.parametrize("colour", COLOURS)
@scenario(
    "sdk",
    "sdk.local",
    "sdk.local-directory",
    "sdk.local-environment",
    "sdk.local-socket",
    "sdk.local-endpoint",
    "sdk.closing-stops",
    needs={"host"},
)
async def test_a_local_sandbox_is_private_and_ends_with_its_block(
    checks: Checks, colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMEBODYS_API_KEY", "secret-of-the-caller")
    async with await start_local(colour, envs={"GREETING": "hi there"}) as sandbox:
        endpoint = urlsplit(sandbox.get_endpoint())
        path = unquote(endpoint.netloc)
        checks.equal("sdk.local-endpoint", endpoint.scheme, "http+unix")
        checks.that("sdk.local-socket", len(os.fsencode(path)) < 108 and not path.startswith("/tmp/"), saw=path)
        fault = await raised(connect(colour, sandbox.get_endpoint(), "guess"))
        checks.that("sdk.local-endpoint", isinstance(fault, UnauthorizedException), saw=fault)
        told = await sandbox.commands.run("pwd; ls -A; stat -c %a .; env; tr '\\0' '\\n' < /proc/$PPID/environ")
        where, mode = told.logs.stdout[0].text, told.logs.stdout[1].text
        checks.equal("sdk.local-directory", mode, "700")
        leaked = [line for line in told.logs.stdout if "secret-of-the-caller" in line]
        checks.equal("sdk.local-environment", leaked, [])
        checks.that("sdk.local-environment", "GREETING=hi there" in told.stdout and "PATH=" in told.stdout)
        left = await sandbox.commands.run(
            "echo > file; sleep 300 >/dev/null 2>&1 & setsid sleep 301 >/dev/null 2>&1 & echo $!"
        )
        pid = left.stdout.strip()
        checks.that("sdk.local", _runs(pid), saw=pid)
    checks.that("sdk.closing-stops", not _runs(pid), saw=pid)
    checks.that("sdk.local-directory", not _exists(where), saw=where)
    checks.that("sdk.local-socket", not _exists(path), saw=path)


def _exists(path: str) -> bool:
    return os.path.lexists(path)


def _runs(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.local-directory", "sdk.closing-stops", needs={"host"})
async def test_a_directory_of_the_callers_stays(
    checks: Checks, colour: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = str(tmp_path_factory.mktemp("mine"))

    async def fail_inside() -> None:
        async with await start_local(colour, directory) as sandbox:
            pids.append(
                (await sandbox.commands.run("echo kept > file; sleep 300 >/dev/null 2>&1 & echo $!")).stdout.strip()
            )
            raise KeyError("inside")

    pids: list[str] = []
    checks.that("sdk.closing-stops", type(await raised(fail_inside())) is KeyError)
    checks.that("sdk.closing-stops", len(pids) == 1 and not _runs(pids[0]), saw=pids)
    checks.equal("sdk.local-directory", os.listdir(directory), ["file"])
