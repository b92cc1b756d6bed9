"""Who may ask: the token on every route, before anything else is looked at."""

from __future__ import annotations

from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.raw import TOKEN_HEADER, Raw
from execd_conformance.scenarios.bare import HANDSHAKE, bare
from execd_conformance.scenarios.contract import OPEN, ROUTES
from execd_conformance.scenarios.refusals import REFUSALS, ask, refused

_COMPAT_ROUTES: Final = (
    ("POST", "/command"),
    ("DELETE", "/command?id=none"),
    ("GET", "/files/info?path=/"),
    ("POST", "/files/upload"),
    ("GET", "/files/download?path=/"),
    ("GET", "/metrics"),
)


@scenario(
    "auth",
    "auth.missing-token",
    "auth.wrong-token",
    "auth.right-token",
    "auth.ping-open",
    profiles=("compat",),
)
async def test_deployed_clients_need_the_token(checks: Checks, raw: Raw) -> None:
    """By the status alone, on routes that they use."""
    token = the_token(checks, raw)
    for method, path in _COMPAT_ROUTES:
        for wrong, requirement in ((None, "auth.missing-token"), (f"{token}x", "auth.wrong-token")):
            reply = await ask(raw, method, path, token=wrong)
            checks.that(requirement, reply.status == 401, saw=(method, path, reply))
    checks.equal("auth.right-token", (await raw.request("GET", "/metrics")).status, 200)
    checks.equal("auth.ping-open", (await raw.request("GET", "/ping", token=None)).status, 200)


@scenario("auth", "auth.missing-token", "auth.wrong-token", *REFUSALS, limit_s=60)
async def test_every_route_wants_the_token(checks: Checks, raw: Raw) -> None:
    """Without one, and with one whose last letter is wrong."""
    token = the_token(checks, raw)
    for method, path in ROUTES:
        reply = await ask(raw, method, path, token=None)
        refused(checks, "auth.missing-token", reply, 401, "UNAUTHORIZED", of=f"{method} {path}")
        reply = await ask(raw, method, path, token=f"{token[:-1]}{'b' if token.endswith('a') else 'a'}")
        refused(checks, "auth.wrong-token", reply, 401, "UNAUTHORIZED", of=f"{method} {path}")
        if method == "GET":
            head = await raw.request("HEAD", path, token=None)
            checks.that("auth.missing-token", head.status == 401, saw=(f"HEAD {path}", head))


@scenario(
    "auth",
    "auth.right-token",
    "auth.wrong-token",
    "auth.header-only",
    "auth.every-request",
    "auth.token-not-repeated",
    *REFUSALS,
)
async def test_only_the_token_itself_opens(checks: Checks, raw: Raw) -> None:
    """No part of it, nothing like it, nowhere else, and each request anew."""
    token = the_token(checks, raw)
    for wrong in wrong_tokens(token):
        async with bare(raw) as connection:
            lines = [f"{TOKEN_HEADER}: {each}" for each in wrong]
            await connection.send(connection.head("GET", "/version", *lines, token=False))
            reply = await connection.answer()
        refused(checks, "auth.wrong-token", reply, 401, "UNAUTHORIZED", of=wrong)
        told = reply.text + str(reply.headers)
        checks.that("auth.token-not-repeated", token not in told and "mistaken-identity" not in told, saw=reply)
    for name in (TOKEN_HEADER, TOKEN_HEADER.lower(), TOKEN_HEADER.title()):
        async with bare(raw) as connection:
            await connection.send(connection.head("GET", "/version", f"{name}: {token}", token=False))
            checks.equal("auth.right-token", (await connection.answer()).status, 200)
    async with bare(raw) as connection:
        for given, status in ((token, 200), (None, 401), ("mistaken-identity", 401), (token, 200)):
            line = [] if given is None else [f"{TOKEN_HEADER}: {given}"]
            await connection.send(connection.head("GET", "/version", *line, token=False))
            requirement = "auth.right-token" if status == 200 else "auth.every-request"
            checks.equal(requirement, (await connection.answer()).status, status)
    for elsewhere in ("Authorization: Bearer ", "X-Access-Token: ", "Cookie: X-EXECD-ACCESS-TOKEN=", "X-API-Key: "):
        async with bare(raw) as connection:
            await connection.send(connection.head("GET", "/version", elsewhere + token, token=False))
            refused(checks, "auth.header-only", await connection.answer(), 401, "UNAUTHORIZED", of=elsewhere)
    for name in ("token", "access_token", TOKEN_HEADER):
        reply = await raw.request("GET", "/version", params={name: token}, token=None)
        refused(checks, "auth.header-only", reply, 401, "UNAUTHORIZED", of=f"?{name}=")


def wrong_tokens(token: str) -> list[list[str]]:
    """Return what is not the token: the values of its header, mostly one."""
    swapped = token.swapcase() if token.swapcase() != token else f"{token}-"
    single = ["", token[:-1], token[1:], f"{token}x", f"x{token}", swapped, f"{token},{token}", f"{token} {token}"]
    single += [f"Bearer {token}", f'"{token}"', token * 2, "*", "mistaken-identity", "\xff\xfe", "x" * 5000]
    return [*([each] for each in single), ["mistaken-identity", "mistaken-identity"], ["", ""]]


@scenario("auth", "auth.ping-open", "auth.ready-open", "auth.nothing-else-open", *REFUSALS)
async def test_health_is_open_and_nothing_else(checks: Checks, raw: Raw) -> None:
    """No other method there, and no path that looks like one of the two."""
    the_token(checks, raw)
    for path, requirement in zip(OPEN, ("auth.ping-open", "auth.ready-open"), strict=True):
        for token in (None, "", "mistaken-identity"):
            checks.equal(requirement, (await raw.request("GET", path, token=token)).status, 200)
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            reply = await raw.request(method, path, token=None)
            refused(checks, "auth.nothing-else-open", reply, 401, "UNAUTHORIZED", of=f"{method} {path}")
    look_alikes = ("/PING", "/pingx", "/ping%20", "/ping%0A", "/ping;version", "/ping/version", "/ping/../version")
    for target in (*look_alikes, "/ping%2F..%2Fversion", "/ping%00", "/ready/x", "//ping", "/./version", "/"):
        async with bare(raw) as connection:
            await connection.send(connection.head("GET", target, token=False))
            reply = await connection.answer()
        refused(checks, "auth.nothing-else-open", reply, 401, "UNAUTHORIZED", of=target)


@scenario("auth", "auth.before-404", "auth.before-405", "auth.before-redirect", *REFUSALS)
async def test_nothing_answers_before_the_token(checks: Checks, raw: Raw) -> None:
    """Whoever has none learns nothing about what is there."""
    the_token(checks, raw)
    for path in ("/nope", "/", "/executions/none/nope", "/index.html", "/openapi.json", "/docs", "/debug/pprof/"):
        reply = await raw.request("GET", path, token=None)
        refused(checks, "auth.before-404", reply, 401, "UNAUTHORIZED", of=path)
    for method, path in (("PUT", "/command"), ("DELETE", "/version"), ("PATCH", "/files/info"), ("OPTIONS", "/code")):
        reply = await raw.request(method, path, token=None)
        refused(checks, "auth.before-405", reply, 401, "UNAUTHORIZED", of=f"{method} {path}")
    for path in ("/version/", "/command/", "//version", "/files/../version", "/ping/", "/Version"):
        reply = await raw.request("GET", path.encode(), token=None)
        refused(checks, "auth.before-redirect", reply, 401, "UNAUTHORIZED", of=path)
        checks.that("auth.before-redirect", "location" not in reply.headers, saw=reply.headers.get("location"))


@scenario("auth", "auth.before-body", "auth.handshake", *REFUSALS)
async def test_the_token_comes_before_the_body(checks: Checks, raw: Raw) -> None:
    """A body that is wrong, too large or still on its way, and a handshake."""
    the_token(checks, raw)
    framings = (
        ("Content-Length: 1", b"{"),
        ("Content-Length: 99999999999", b""),
        ("Content-Length: 20", b'{"comm'),
        ("Transfer-Encoding: chunked", b"5\r\n{"),
    )
    for framing, body in framings:
        async with bare(raw) as connection:
            await connection.send(connection.head("POST", "/command", framing, token=False) + body)
            reply = await connection.answer()
        refused(checks, "auth.before-body", reply, 401, "UNAUTHORIZED", of=framing)
    async with bare(raw) as connection:
        await connection.send(connection.head("GET", "/pty/none/ws", *HANDSHAKE, token=False))
        refused(checks, "auth.handshake", await connection.answer(), 401, "UNAUTHORIZED")


@scenario("auth", "auth.refused-without-effect", profiles=("compat",))
async def test_what_is_refused_is_not_done(checks: Checks, raw: Raw, folder: str) -> None:
    """A directory that a refused command would have made is not there."""
    token = the_token(checks, raw)
    for wrong in (None, f"{token}x"):
        await ask(raw, "POST", "/command", json={"command": f"mkdir {folder}/ran"}, token=wrong)
    ran = await raw.run(f"ls {folder}")
    checks.equal("auth.refused-without-effect", ran.stdout, "")


@scenario("auth", "auth.rotation", "auth.wrong-token", *REFUSALS, needs=("start",))
async def test_several_tokens_each_open(checks: Checks, daemons: Daemons) -> None:
    """As during a rotation; the list of them is no token."""
    tokens = ("first-token", "second-token")
    async with daemons(token=",".join(tokens)) as other:
        for token in tokens:
            checks.equal("auth.rotation", (await other.raw.request("GET", "/version", token=token)).status, 200)
        for wrong in ("first-token,second-token", "first-tokensecond-token", ",", "third-token", "", None):
            reply = await other.raw.request("GET", "/version", token=wrong)
            refused(checks, "auth.wrong-token", reply, 401, "UNAUTHORIZED", of=wrong)


def the_token(checks: Checks, raw: Raw) -> str:
    """Return the daemon's token; without one there is nothing to see here."""
    checks.need(raw.token, "a token is needed to see whether it is asked for (--token)")
    return raw.token or ""
