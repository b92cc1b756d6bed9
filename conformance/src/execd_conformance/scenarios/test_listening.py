"""Where a daemon listens: loopback without a token, everywhere with one, a Unix socket, and what it refuses."""

from __future__ import annotations

import asyncio
import socket
import stat
from contextlib import suppress
from pathlib import Path

import httpx

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import TOKEN_HEADER
from execd_conformance.scenarios.programs import Program, program, refusal
from execd_conformance.session import Session

_ELSEWHERE = ("127.0.0.2", "::1")
"""Addresses of this machine that are not 127.0.0.1."""


@scenario("operation", "listen.loopback-without-token", "operation.port-0", needs=("host",))
async def test_without_a_token_only_loopback_is_listened_on(checks: Checks, target: Session) -> None:
    """On a free port, which the ready line tells."""
    async with program(target, "serve") as first, program(target, "serve") as second:
        for execd in (first, second):
            checks.that("operation.port-0", port_of(execd) > 0, saw=execd.ready)
            checks.equal("listen.loopback-without-token", execd.ready.get("url"), f"http://127.0.0.1:{port_of(execd)}")
            checks.equal("operation.port-0", (await execd.raw.request("GET", "/ping")).status, 200)
            found = [host for host in _ELSEWHERE if await answers(host, port_of(execd))]
            checks.equal("listen.loopback-without-token", found, [])
        checks.that("operation.port-0", port_of(first) != port_of(second), saw=(first.ready, second.ready))


@scenario("operation", "listen.all-interfaces-with-token", "operation.both-families", needs=("host",))
async def test_with_a_token_all_interfaces_are_listened_on(checks: Checks, target: Session) -> None:
    """Of IPv4 and, where the machine has it, of IPv6."""
    async with program(target, "serve", "--access-token", "the-token") as execd:
        for host in ("127.0.0.1", "127.0.0.2"):
            checks.that("listen.all-interfaces-with-token", await answers(host, port_of(execd)), saw=host)
        checks.that("operation.both-families", not has_ipv6() or await answers("::1", port_of(execd)))


@scenario("operation", "listen.insecure", "listen.insecure-logged", needs=("host",))
async def test_insecure_listens_everywhere_and_warns(checks: Checks, target: Session) -> None:
    """By flag and by variable."""
    for flags, variables in ((("--insecure",), {}), ((), {"EXECD_INSECURE": "1"})):
        async with program(target, "serve", "--host", "0.0.0.0", *flags, variables=variables) as execd:  # noqa: S104
            checks.that("listen.insecure", await answers("127.0.0.2", port_of(execd)), saw=flags)
            checks.equal("listen.insecure", (await execd.raw.request("GET", "/version")).status, 200)
            logged = execd.log.read_text()
            checks.that("listen.insecure-logged", "warn" in logged.lower(), saw=logged[-500:])


@scenario("operation", "listen.beyond-loopback-refused", "listen.beyond-loopback-told", needs=("host",), limit_s=60)
async def test_beyond_loopback_without_a_token_is_refused(checks: Checks, target: Session) -> None:
    """Whatever the address is called; the line names both ways on."""
    for host in ("0.0.0.0", "::", "192.0.2.1"):  # noqa: S104 - what has to be refused
        came = await refusal(target, "serve", "--port", "0", "--host", host)
        checks.that("listen.beyond-loopback-refused", came.status == 2, saw=(host, came))
        helps = "--access-token" in came.err and "--insecure" in came.err
        checks.that("listen.beyond-loopback-told", came.is_one_line and helps, saw=(host, came))
    came = await refusal(target, "serve", variables={"EXECD_HOST": "0.0.0.0", "EXECD_PORT": "0"})  # noqa: S104
    checks.that("listen.beyond-loopback-refused", came.status == 2, saw=came)


@scenario(
    "operation",
    "listen.unix-socket",
    "listen.unix-socket-mode",
    "operation.stale-socket",
    "operation.live-socket",
    "operation.socket-removed",
    needs=("host",),
)
async def test_a_unix_socket_is_the_daemons_own(checks: Checks, target: Session, tmp_path: Path) -> None:
    """It takes the place of a stale one, is left alone by another daemon, and goes with its own."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    async with program(target, "serve", "--uds", str(path), "--access-token", "the-token") as execd:
        checks.equal("operation.stale-socket", await asked(path, "the-token"), 200)
        checks.equal("listen.unix-socket", [await asked(path, each) for each in ("the-token", "another")], [200, 401])
        checks.equal("listen.unix-socket", str(execd.ready.get("url")), f"unix:{path}")
        checks.equal("listen.unix-socket-mode", oct(stat.S_IMODE(path.stat().st_mode)), "0o600")
        came = await refusal(target, "serve", "--uds", str(path))
        checks.that("operation.live-socket", came.status == 1 and came.is_one_line, saw=came)
        checks.equal("operation.live-socket", await asked(path, "the-token"), 200)
        execd.process.terminate()
        await execd.ended()
        checks.that("operation.socket-removed", not path.exists())


async def asked(path: Path, token: str) -> int | None:
    """Return the status of `GET /version` at a Unix socket, None where nobody answers."""
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with httpx.AsyncClient(transport=transport, headers={TOKEN_HEADER: token}, timeout=10) as client:
        try:
            return (await client.get("http://daemon/version")).status_code
        except httpx.TransportError:
            return None


async def answers(host: str, port: int) -> bool:
    """Whether something takes a connection there."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(5.0):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return True
    return False


def has_ipv6() -> bool:
    """Whether this machine has a loopback of IPv6."""
    with suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def port_of(execd: Program) -> int:
    """Return the port that a ready line tells, 0 where it tells none."""
    digits = str(execd.ready.get("url")).rpartition(":")[2]
    return int(digits) if digits.isdecimal() else 0
