"""What the SDK raises: by class, by code, with what is known, and never anybody else's exception."""

from __future__ import annotations

import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import COLOURS, connect, connected, raised
from execd_conformance.cutting import breaking
from execd_conformance.daemon import Daemons
from execd_conformance.session import Session
from opensandbox import Sandbox, exceptions
from opensandbox.exceptions import CommandFailedException, SandboxException


@scenario(
    "sdk", "sdk.failed", "sdk.failed-details", "sdk.error", "sdk.error-tree", "sdk.pickles", profiles=("full", "compat")
)
async def test_a_command_that_fails_raises(checks: Checks, sandbox: Sandbox) -> None:
    fault = await raised(sandbox.commands.run("echo out; echo first >&2; echo so long >&2; exit 3"))
    checks.need(isinstance(fault, CommandFailedException), "CommandFailedException was expected", saw=fault)
    assert isinstance(fault, CommandFailedException)  # noqa: S101 - for the type checker: it has just been seen
    checks.that("sdk.error-tree", isinstance(fault, exceptions.ProgramException), saw=type(fault).__mro__)
    execution = fault.execution
    kept = None if execution is None else (execution.exit_code, execution.stdout, execution.stderr)
    checks.equal("sdk.failed", kept, (3, "out\n", "first\nso long\n"))
    details = fault.error.details
    seen = [details.get(name) for name in ("exit_code", "signal", "cause", "stderr")]
    checks.equal("sdk.failed-details", seen, [3, None, "exited", "first\nso long\n"])
    checks.equal("sdk.error", (fault.error.code, type(details)), ("COMMAND_FAILED", dict))
    checks.that("sdk.error", "3" in fault.error.message and "so long" in fault.error.message, saw=fault.error.message)
    again = pickle.loads(pickle.dumps(fault))  # noqa: S301 - our own
    checks.equal("sdk.pickles", (type(again), again.error, again.execution), (type(fault), fault.error, execution))
    checks.equal("sdk.pickles", pickle.loads(pickle.dumps(execution)), execution)  # noqa: S301 - our own
    fault = await raised(sandbox.commands.run("kill -9 $$; sleep 5"))
    checks.that("sdk.failed", isinstance(fault, CommandFailedException), saw=fault)


@scenario("sdk", "sdk.error", "sdk.error-request-id", "sdk.error-tree", "sdk.error-pythons-words", features={"replay"})
async def test_a_refusal_is_told_by_class_and_code(checks: Checks, sandbox: Sandbox, unique: str) -> None:
    done = await sandbox.commands.run("true")
    refusals: list[tuple[Callable[[], Awaitable[Any]], type, str, int]] = [
        (
            lambda: sandbox.commands.run("true", working_dir=f"/{unique}"),
            exceptions.InvalidRequestException,
            "INVALID_REQUEST_BODY",
            400,
        ),
        (lambda: sandbox.commands.get_status(unique), exceptions.NotFoundException, "COMMAND_NOT_FOUND", 404),
        (lambda: sandbox.commands.interrupt(unique), exceptions.CommandNotFoundException, "COMMAND_NOT_FOUND", 404),
        (lambda: sandbox.commands.wait(unique), exceptions.ExecutionNotFoundException, "EXECUTION_NOT_FOUND", 404),
        (lambda: sandbox.commands.interrupt(done.id), exceptions.ConflictException, "ALREADY_FINISHED", 409),
        (lambda: sandbox.files.read_file(f"/{unique}"), exceptions.FileNotFoundException, "FILE_NOT_FOUND", 404),
    ]
    fault: BaseException | None = None
    for call, kind, code, status in refusals:
        fault = await raised(call())
        checks.that("sdk.error-tree", isinstance(fault, kind), saw=(code, fault))
        if not isinstance(fault, exceptions.SandboxApiException):
            continue
        checks.equal("sdk.error", (fault.error.code, type(fault.error.details)), (code, dict))
        checks.that("sdk.error-request-id", bool(fault.request_id) and fault.status_code == status, saw=repr(fault))
    checks.that("sdk.error-pythons-words", isinstance(fault, FileNotFoundError), saw=type(fault).__mro__)
    words = {
        exceptions.ExecutionTimeoutException: TimeoutError,
        exceptions.PermissionDeniedException: PermissionError,
        exceptions.SandboxConnectionException: ConnectionError,
        exceptions.RequestTimeoutException: TimeoutError,
    }
    for ours, theirs in words.items():
        checks.that("sdk.error-pythons-words", issubclass(ours, theirs), saw=ours.__name__)
    everyone = [each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, Exception)]
    checks.that("sdk.error-tree", all(issubclass(each, SandboxException) for each in everyone), saw=len(everyone))


MISUSES: list[tuple[type[Exception], Callable[[Any], Any]]] = [
    (ValueError, lambda sandbox: sandbox.commands.run("")),
    (ValueError, lambda sandbox: sandbox.commands.run("  ")),
    (ValueError, lambda sandbox: sandbox.commands.run([])),
    (ValueError, lambda sandbox: sandbox.commands.run("a\0b")),
    (ValueError, lambda sandbox: sandbox.commands.run("true", timeout=0)),
    (ValueError, lambda sandbox: sandbox.commands.run("true", timeout=-1)),
    (ValueError, lambda sandbox: sandbox.commands.run("true", gid=1)),
    (ValueError, lambda sandbox: sandbox.commands.run("true", envs={"A=B": "1"})),
    (ValueError, lambda sandbox: sandbox.commands.run("true", envs={"": "1"})),
    (TypeError, lambda sandbox: sandbox.commands.run(b"true")),
    (TypeError, lambda sandbox: sandbox.commands.run(7)),
    (TypeError, lambda sandbox: sandbox.commands.run(["echo", 7])),
    (TypeError, lambda sandbox: sandbox.commands.run("true", envs={"A": 1})),
    (TypeError, lambda sandbox: sandbox.commands.run("true", "/tmp")),
    (TypeError, lambda sandbox: sandbox.commands.run("cat", stdin=7)),  # the last: not every daemon takes input
]


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.misuse", "sdk.timeout-misuse", profiles=("full", "compat"))
async def test_misuse_is_told_before_anything_is_sent(checks: Checks, target: Session, colour: str) -> None:
    async with breaking(target.url) as line, connected(colour, line.url, target.token) as sandbox:
        before = line.sent
        takes_input = "stdin" in target.features
        for number, (kind, call) in enumerate(MISUSES if takes_input else MISUSES[:-1]):
            try:
                fault = await raised(call(sandbox))
            except (TypeError, ValueError) as at_once:
                fault = at_once
            checks.that("sdk.misuse", isinstance(fault, kind), saw=(number, fault))
            checks.that("sdk.timeout-misuse", number not in {4, 5} or isinstance(fault, ValueError), saw=fault)
        checks.equal("sdk.misuse", line.sent - before, 0)


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.no-foreign-exceptions", "sdk.healthy", limit_s=60)
async def test_only_its_own_exceptions_come_out(checks: Checks, target: Session, colour: str) -> None:
    async with breaking(target.url) as line, connected(colour, line.url, target.token) as sandbox:
        for cuts in ([0, 1] * 40, [20, 21, 5, 40] * 20):
            for call in (sandbox.get_metrics, sandbox.version, lambda: sandbox.commands.get_status("x")):
                line.cut(cuts)
                fault = await raised(call())
                checks.that("sdk.no-foreign-exceptions", isinstance(fault, SandboxException), saw=(cuts[:4], fault))
        line.cut([1] * 40)
        checks.that("sdk.healthy", await sandbox.is_healthy() is False)
        line.cut([])
        checks.that("sdk.healthy", await sandbox.is_healthy() is True)
    for address in ("http://127.0.0.1:1", "http://host.invalid:1"):
        fault = await raised(connect(colour, address, ready_timeout=0.1))
        checks.that("sdk.no-foreign-exceptions", isinstance(fault, SandboxException), saw=fault)


@pytest.mark.parametrize("colour", COLOURS)
@scenario("sdk", "sdk.no-check-daemon", "sdk.error", needs={"start"})
async def test_an_end_by_the_daemon_is_raised_whatever_is_checked(
    checks: Checks, daemons: Daemons, colour: str
) -> None:
    seen: list[str] = []
    async with daemons() as daemon, connected(colour, daemon.url, daemon.token) as sandbox:

        async def read() -> None:
            async for line in sandbox.commands.run_stream("echo begun; exec sleep 300", check=False):
                seen.append(line.text)
                await daemon.terminate()

        fault = await raised(read())
    checks.that("sdk.no-check-daemon", isinstance(fault, exceptions.ShuttingDownException), saw=fault)
    code = fault.error.code if isinstance(fault, SandboxException) else None
    checks.equal("sdk.error", (code, seen), ("SHUTTING_DOWN", ["begun"]))
