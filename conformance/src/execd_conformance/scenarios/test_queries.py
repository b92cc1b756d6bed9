"""Query strings: bytes by percent-encoding, numbers by digits, and no path but the one that is asked for."""

from __future__ import annotations

import base64
from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.bare import bare
from execd_conformance.scenarios.contract import METHODS, OPEN
from execd_conformance.scenarios.refusals import REFUSALS, ask, message, refused

_MISSING: Final = (
    ("DELETE", "/command", "id"),
    ("DELETE", "/code", "id"),
    ("DELETE", "/code/contexts", "language"),
    ("GET", "/files/info", "path"),
    ("GET", "/files/download", "path"),
)
_NO_NUMBERS: Final = (
    "x",
    "-1",
    "%2B5",
    "+5",
    "5+",
    "1.0",
    "1e1",
    "0x5",
    "1_0",
    "5x",
    "%D9%A1",
    "%EF%BC%95",
    "%C2%B2",
    "%00",
)
_UNPARSABLE: Final = (
    ("/executions?running=maybe", "running"),
    ("/executions?running=%FF", "running"),
    ("/executions?kind=nope", "kind"),
    ("/executions?cursor=nope", "cursor"),
    ("/executions?limit=0", "limit"),
    ("/executions?limit=99999999999999999999999999", "limit"),
    ("/metrics/watch?interval_ms=99999999999999999999", "interval_ms"),
)


@scenario("general", "query.plus-is-space", "query.repeated-path", "query.path-bytes", "query.unknown-ignored")
async def test_paths_in_queries_are_percent_encoded_bytes(checks: Checks, raw: Raw, folder: str) -> None:
    """Spaces and pluses, several at once, bytes that are no UTF-8, and parameters that nobody knows."""
    await raw.run(f"cd {folder} && touch 'a b' a+b ab 'ü' \"$(printf '\\377\\376')\"")
    base = f"/files/info?path={folder}/"
    asked = (("a+b", "a b"), ("a%20b", "a b"), ("a%2Bb", "a+b"), ("a%2bb", "a+b"), ("ab", "ab"), ("%C3%BC", "ü"))
    for sent, meant in asked:
        reply = await raw.request("GET", (base + sent).encode())
        requirement = "query.path-bytes" if "ü" in meant or meant == "ab" else "query.plus-is-space"
        checks.equal(requirement, paths(reply), [f"{folder}/{meant}"])
    reply = await raw.request("GET", f"{base}%FF%FE".encode())
    checks.that("query.path-bytes", names_bytes(reply, folder.encode() + b"/\xff\xfe"), saw=reply)
    reply = await raw.request("GET", f"{base}ab&path={folder}/a+b&path={folder}/a%2Bb".encode())
    checks.equal("query.repeated-path", paths(reply), [f"{folder}/{name}" for name in ("a b", "a+b", "ab")])
    for more in ("&nope=1", "&nope", "&=", "&&", "&nope=%FF", "&nope=%zz", "&Path=x"):
        reply = await raw.request("GET", f"{base}ab{more}".encode())
        checks.that("query.unknown-ignored", paths(reply) == [f"{folder}/ab"], saw=(more, reply))
    for path in ("/version?nope=1", "/executions?nope=%FF&limit=1", "/ping?nope", "/metrics?x=1&x=2"):
        checks.that("query.unknown-ignored", (await raw.request("GET", path.encode())).status == 200, saw=path)


@scenario("general", "query.plus-is-space", "query.repeated-path", profiles=("compat",))
async def test_deployed_clients_paths_are_understood(checks: Checks, raw: Raw, folder: str) -> None:
    """`+` for a space, and several paths."""
    await raw.run(f"cd {folder} && touch 'a b' ab")
    reply = await raw.request("GET", f"/files/info?path={folder}/a+b".encode())
    checks.equal("query.plus-is-space", paths(reply), [f"{folder}/a b"])
    reply = await raw.request("GET", f"/files/info?path={folder}/ab&path={folder}/a+b".encode())
    checks.equal("query.repeated-path", paths(reply), [f"{folder}/a b", f"{folder}/ab"])


def paths(reply: Reply) -> list[str] | None:
    """Return the paths that an answer tells about, in order; None where it tells about none."""
    told = reply.json() if reply.status == 200 else None
    return sorted(told) if isinstance(told, dict) else None


def names_bytes(reply: Reply, path: bytes) -> bool:
    """Whether an answer tells about one path that is not UTF-8, and gives its bytes."""
    told = reply.json() if reply.status == 200 else None
    if not isinstance(told, dict) or len(told) != 1:
        return False
    (info,) = told.values()
    return isinstance(info, dict) and info.get("path_b64") == base64.b64encode(path).decode()


@scenario("general", "query.ascii-digits", *REFUSALS, features=("replay",))
async def test_numbers_are_ascii_digits(checks: Checks, raw: Raw) -> None:
    """No signs, no fractions, no other script's digits."""
    for number in _NO_NUMBERS:
        for path, name in (("/executions", "limit"), ("/metrics/watch", "interval_ms")):
            reply = await ask(raw, "GET", f"{path}?{name}={number}")
            refused(checks, "query.ascii-digits", reply, 400, "INVALID_QUERY", of=(path, number))
    ran = await raw.run("true")
    for number in _NO_NUMBERS:
        reply = await ask(raw, "GET", f"/executions/{ran.id}/events?after={number}")
        refused(checks, "query.ascii-digits", reply, 400, "INVALID_QUERY", of=("after", number))
    for number in ("1", "007", "1000"):
        checks.equal("query.ascii-digits", (await raw.request("GET", f"/executions?limit={number}")).status, 200)


@scenario("general", "query.missing", "query.missing-named", "query.unparsable", "query.unparsable-named", *REFUSALS)
async def test_what_is_missing_or_cannot_be_read_is_named(checks: Checks, raw: Raw) -> None:
    """Required parameters that are not there, and values that make no sense."""
    for method, path, name in _MISSING:
        for query in ("", "?", f"?{name}x=1", f"?{name.upper()}=1"):
            reply = await raw.request(method, (path + query).encode())
            refused(checks, "query.missing", reply, 400, "MISSING_QUERY", of=(method, path + query))
            checks.that("query.missing-named", name in message(reply), saw=reply)
    for path, name in _UNPARSABLE:
        reply = await ask(raw, "GET", path)
        refused(checks, "query.unparsable", reply, 400, "INVALID_QUERY", of=path)
        checks.that("query.unparsable-named", name in message(reply), saw=reply)


@scenario("general", "query.trailing-slash", "query.no-redirects", *REFUSALS)
async def test_a_path_is_what_it_is(checks: Checks, raw: Raw) -> None:
    """A slash too many, dots, other case: no such route, and no redirect to one."""
    for path, methods in (*METHODS.items(), *((path, {"GET"}) for path in OPEN)):
        method = min(methods)
        reply = await raw.request(method, f"{path}/".encode())
        refused(checks, "query.trailing-slash", reply, 404, "ROUTE_NOT_FOUND", of=f"{method} {path}/")
        checks.that("query.no-redirects", "location" not in reply.headers, saw=(path, reply))
    for target in (
        "//version",
        "/files//info",
        "/x/../version",
        "/./version",
        "/Version",
        "/version%20",
        "/version%0A",
        "/",
    ):
        async with bare(raw) as connection:
            await connection.send(connection.head("GET", target))
            reply = await connection.answer()
        refused(checks, "query.no-redirects", reply, 404, "ROUTE_NOT_FOUND", of=target)
        checks.that("query.no-redirects", "location" not in reply.headers, saw=(target, reply))
