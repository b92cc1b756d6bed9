"""The daemon as its operator sees it: what it says, how it ends, and why it does not start."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.programs import program, refusal
from execd_conformance.scenarios.refusals import REFUSALS, ask, details, fields, refused
from execd_conformance.session import Session

_BAD_USAGE: Final = (
    ("serve", "--port", "x"),
    ("serve", "--port", "70000"),
    ("serve", "--port"),
    ("serve", "--no-such-flag", "1"),
    ("serve", "stray"),
    ("stray",),
    ("serve", "--heartbeat-s", "10"),
    ("serve", "--heartbeat-s", "0"),
    ("serve", "--log-level", "loud"),
    ("serve", "--log-format", "xml"),
    ("serve", "--max-executions", "-1"),
)


@scenario(
    "operation",
    "operation.ready-line",
    "operation.ready-means-ready",
    "operation.pid",
    "operation.logs",
    "operation.exit-after-sigterm",
    "operation.working-root",
    needs=("host",),
)
async def test_it_says_once_that_it_is_ready_and_serves(checks: Checks, target: Session) -> None:
    """One line on standard output, logs on standard error, exit status 0 after SIGTERM."""
    async with program(target, "serve") as execd:
        checks.equal("operation.ready-means-ready", (await execd.raw.request("GET", "/ready")).status, 200)
        version = fields(await execd.raw.request("GET", "/version", headers={"X-Request-ID": "seen-in-the-log"}))
        checks.that("operation.ready-line", set(execd.ready) == {"event", "url", "pid", "version"}, saw=execd.ready)
        told = (execd.ready.get("event"), execd.ready.get("version"))
        checks.equal("operation.ready-line", told, ("ready", version.get("version")))
        parent, where = (await execd.raw.run("echo $PPID; pwd -P")).stdout.split()
        checks.equal("operation.pid", execd.ready.get("pid"), int(parent))
        checks.equal("operation.working-root", where, str(execd.directory.resolve()))
        execd.process.terminate()
        status, more = await execd.ended()
        checks.equal("operation.exit-after-sigterm", status, 0)
        checks.equal("operation.ready-line", more, b"")
        checks.that("operation.logs", "seen-in-the-log" in execd.log.read_text(), saw=execd.log.read_text()[-300:])


@scenario("operation", "operation.serve-by-default", "operation.exit-after-sigint", needs=("host",))
async def test_to_serve_need_not_be_said(checks: Checks, target: Session) -> None:
    """`execd` alone serves, and SIGINT ends it well."""
    async with program(target) as execd:
        checks.equal("operation.serve-by-default", (await execd.raw.request("GET", "/ping")).status, 200)
        execd.process.send_signal(signal.SIGINT)
        checks.equal("operation.exit-after-sigint", (await execd.ended())[0], 0)


@scenario("operation", "operation.exit-bad-usage", "operation.bad-usage-told", needs=("host",), limit_s=90)
async def test_bad_usage_is_one_line_and_status_2(checks: Checks, target: Session, tmp_path: Path) -> None:
    """Flags, variables and files that make no sense."""
    unknown, broken = tmp_path / "unknown.toml", tmp_path / "broken.toml"
    unknown.write_text("no_such_key = 1\n")
    broken.write_text("port = = 1\n")
    files = (("serve", "--config", str(unknown)), ("serve", "--config", str(broken)))
    for arguments in (*_BAD_USAGE, *files):
        came = await refusal(target, *arguments)
        checks.that("operation.exit-bad-usage", came.status == 2, saw=(arguments, came))
        checks.that("operation.bad-usage-told", came.is_one_line, saw=(arguments, came))
    came = await refusal(target, "serve", variables={"EXECD_PORT": "x"})
    checks.that("operation.exit-bad-usage", came.status == 2, saw=("EXECD_PORT=x", came))


@scenario("operation", "operation.exit-cannot-start", "operation.cannot-start-told", needs=("host",), limit_s=60)
async def test_what_cannot_start_is_one_line_and_status_1(checks: Checks, target: Session) -> None:
    """A port that is taken, and places that are not there."""
    taken = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = str(taken.sockets[0].getsockname()[1])
    async with taken:
        for arguments, named in (
            (("--port", port, "--host", "127.0.0.1"), port),
            (("--port", "0", "--working-root", "/nonexistent"), "/nonexistent"),
            (("--port", "0", "--state-dir", "/dev/null/state"), "/dev/null/state"),
            (("--port", "0", "--access-token-file", "/nonexistent"), "/nonexistent"),
            (("--port", "0", "--config", "/nonexistent"), "/nonexistent"),
        ):
            came = await refusal(target, "serve", *arguments)
            checks.that("operation.exit-cannot-start", came.status == 1, saw=(arguments, came))
            checks.that("operation.cannot-start-told", came.is_one_line and named in came.err, saw=(arguments, came))


@scenario("operation", "health.not-ready", "error.execd-not-ready", "error.shutting-down", *REFUSALS, needs=("start",))
async def test_while_it_ends_it_takes_nothing_new(checks: Checks, daemons: Daemons) -> None:
    """A program that ignores its end holds the daemon's up for the grace."""
    async with daemons(kill_grace_ms=5000) as other:
        command = "trap '' TERM; echo up; while :; do sleep 60; done"
        async with other.raw.stream("POST", "/command", json={"command": command}) as stream:
            await stream.until(lambda event: event.get("text") == "up")
            await other.terminate()
            reply = await until_not_ready(other.raw)
            refused(checks, "error.execd-not-ready", reply, 503, "EXECD_NOT_READY")
            waiting = details(reply).get("waiting_for")
            fine = isinstance(waiting, list) and bool(waiting) and all(isinstance(each, str) for each in waiting)
            checks.that("health.not-ready", reply.status == 503 and fine, saw=reply)
            reply = await ask(other.raw, "POST", "/command", json={"command": "true"})
            refused(checks, "error.shutting-down", reply, 503, "SHUTTING_DOWN")
            checks.equal("health.not-ready", (await other.raw.request("GET", "/ping")).status, 200)
            await other.kill()


async def until_not_ready(raw: Raw) -> Reply:
    """Ask until the daemon is not ready any more; return its last answer."""
    reply = await raw.request("GET", "/ready")
    async with asyncio.timeout(5.0):
        while reply.status == 200:
            reply = await raw.request("GET", "/ready")
    return reply


@scenario("operation", "operation.lease", "operation.lease-renewed", needs=("host",), limit_s=60)
async def test_a_lease_ends_a_daemon_that_nobody_asks(checks: Checks, target: Session) -> None:
    """An open stream holds it for longer than the lease; without one it is soon over."""
    async with program(target, "serve", "--lease-s", "1.5") as execd:
        ran = await execd.raw.run("sleep 2.5; echo held")
        checks.equal("operation.lease-renewed", ran.stdout, "held\n")
        checks.equal("operation.lease-renewed", (await execd.raw.request("GET", "/version")).status, 200)
        checks.equal("operation.lease", (await execd.ended(10.0))[0], 0)
