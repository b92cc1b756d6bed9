"""Web pages: a daemon without a token is not driven by one, whatever name leads to it."""

from __future__ import annotations

from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.bare import HANDSHAKE, bare
from execd_conformance.scenarios.contract import ROUTES
from execd_conformance.scenarios.refusals import REFUSALS, ask, refused

_FOREIGN_ORIGINS: Final = (
    "http://evil.example",
    "https://evil.example:44772",
    "null",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "file://",
)
_FOREIGN_HOSTS: Final = (
    "evil.example",
    "evil.example:44772",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "notlocalhost",
    "evil.example.",
    "127.0.0.1@evil.example",
)
_OWN_HOSTS: Final = ("localhost", "localhost:1", "LOCALHOST:44772", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:1")
_ADDRESSES: Final = ("10.1.2.3", "192.168.0.9:44772", "[fe80::1]:44772")


@scenario("auth", "browsers.foreign-origin", "browsers.foreign-host", *REFUSALS, needs=("start", "host"))
async def test_a_web_page_reaches_nothing_without_a_token(checks: Checks, daemons: Daemons) -> None:
    """Every route, from many origins and for many names."""
    async with daemons(token=None) as other:
        for method, path in (("GET", "/ping"), ("GET", "/ready"), ("GET", "/nope"), ("PUT", "/command"), *ROUTES):
            reply = await ask(other.raw, method, path, headers={"Origin": _FOREIGN_ORIGINS[0]})
            refused(checks, "browsers.foreign-origin", reply, 403, "FORBIDDEN_ORIGIN", of=f"{method} {path}")
            reply = await ask(other.raw, method, path, headers={"Host": _FOREIGN_HOSTS[0]})
            refused(checks, "browsers.foreign-host", reply, 403, "FORBIDDEN_ORIGIN", of=f"{method} {path}")
        for origin in _FOREIGN_ORIGINS:
            reply = await ask_as(other.raw, f"Origin: {origin}")
            refused(checks, "browsers.foreign-origin", reply, 403, "FORBIDDEN_ORIGIN", of=origin)
            checks.that("browsers.foreign-origin", "access-control-allow-origin" not in reply.headers, saw=reply)
        for host in _FOREIGN_HOSTS:
            reply = await ask_as(other.raw, host=host)
            refused(checks, "browsers.foreign-host", reply, 403, "FORBIDDEN_ORIGIN", of=host)


@scenario("auth", "browsers.own-host", "browsers.refused-without-effect", needs=("start", "host"))
async def test_a_local_daemon_answers_to_its_own_names(checks: Checks, daemons: Daemons, folder: str) -> None:
    """Loopback names and addresses; what a page sends blindly is not done."""
    async with daemons(token=None) as other:
        for host in (*_OWN_HOSTS, *_ADDRESSES):
            checks.that("browsers.own-host", (await ask_as(other.raw, host=host)).status == 200, saw=host)
        # What a page may send without asking first: a plain POST, whose answer it cannot see.
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            plain = {"Content-Type": "text/plain", **headers}
            await ask(other.raw, "POST", "/command", content=f'{{"command":"mkdir {folder}/ran"}}', headers=plain)
        ran = await other.raw.run(f"ls {folder}")
        checks.equal("browsers.refused-without-effect", ran.stdout, "")


@scenario(
    "auth", "browsers.allow-origin", "browsers.allow-host", "browsers.foreign-host", *REFUSALS, needs=("start", "host")
)
async def test_what_is_allowed_and_nothing_else_may_call(checks: Checks, daemons: Daemons) -> None:
    """Two origins and two hosts, and what is nearly one of them."""
    allowed = {"allow_origin": "https://good.example,http://also.example:8080", "allow_host": "execd.local,Other.local"}
    async with daemons(token=None, **allowed) as other:
        for origin in ("https://good.example", "http://also.example:8080"):
            checks.equal("browsers.allow-origin", (await ask_as(other.raw, f"Origin: {origin}")).status, 200)
        near = (
            "http://good.example",
            "https://good.example.evil",
            "https://good.example:8443",
            "https://xgood.example",
        )
        for origin in (*near, "null"):
            reply = await ask_as(other.raw, f"Origin: {origin}")
            refused(checks, "browsers.allow-origin", reply, 403, "FORBIDDEN_ORIGIN", of=origin)
        for host in ("execd.local", "execd.local:44772", "EXECD.local", "other.local"):
            checks.equal("browsers.allow-host", (await ask_as(other.raw, host=host)).status, 200)
        for host in ("execd.local.evil", "xexecd.local", "local"):
            refused(checks, "browsers.allow-host", await ask_as(other.raw, host=host), 403, "FORBIDDEN_ORIGIN", of=host)
        reply = await ask_as(other.raw, "Origin: https://good.example", host="evil.example")
        refused(checks, "browsers.foreign-host", reply, 403, "FORBIDDEN_ORIGIN", of="an allowed origin, a foreign host")


@scenario(
    "auth",
    "browsers.any-host-with-token",
    "browsers.any-origin-with-token",
    "browsers.handshake-origin",
    *REFUSALS,
)
async def test_a_token_lets_any_name_in_but_no_foreign_handshake(checks: Checks, raw: Raw) -> None:
    """Service names and web applications that have the token."""
    checks.need(raw.token, "a token is needed to see what it lets in (--token)")
    for host in ("execd.sandbox.svc.cluster.local", "execd", "evil.example:1"):
        checks.equal("browsers.any-host-with-token", (await ask_as(raw, host=host)).status, 200)
    for origin in ("https://app.example", "null"):
        checks.equal("browsers.any-origin-with-token", (await ask_as(raw, f"Origin: {origin}")).status, 200)
    for origin in ("https://evil.example", "null"):
        async with bare(raw) as connection:
            await connection.send(connection.head("GET", "/pty/none/ws", *HANDSHAKE, f"Origin: {origin}"))
            reply = await connection.answer()
        refused(checks, "browsers.handshake-origin", reply, 403, "FORBIDDEN_ORIGIN", of=origin)


@scenario("auth", "browsers.any-host-insecure", "browsers.foreign-origin", *REFUSALS, needs=("start", "host"))
async def test_insecure_on_an_address_of_its_own_answers_to_any_name(checks: Checks, daemons: Daemons) -> None:
    """As original deployments do; web pages stay outside."""
    async with daemons(token=None, insecure=True, host="0.0.0.0") as other:  # noqa: S104 - the setting under test
        for host in ("execd.sandbox.svc.cluster.local", "execd"):
            checks.equal("browsers.any-host-insecure", (await ask_as(other.raw, host=host)).status, 200)
        reply = await ask_as(other.raw, "Origin: http://evil.example")
        refused(checks, "browsers.foreign-origin", reply, 403, "FORBIDDEN_ORIGIN", of="with --insecure")


async def ask_as(raw: Raw, *lines: str, host: str | None = None) -> Reply:
    """Return the answer to `GET /version` with these header lines, or for this host."""
    async with bare(raw) as connection:
        await connection.send(connection.head("GET", "/version", *lines, host=host))
        return await connection.answer()
