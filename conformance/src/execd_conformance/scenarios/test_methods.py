"""Methods: those that a route does not take are named, and HEAD is GET without its body."""

from __future__ import annotations

import re
from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.bare import Bare, bare
from execd_conformance.scenarios.contract import METHODS
from execd_conformance.scenarios.refusals import REFUSALS, ask, refused

_ALL: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")
_HEADS: Final = (
    "/ping",
    "/ready",
    "/version",
    "/executions?limit=1",
    "/code/contexts",
    "/code/languages",
    "/files/info?path=/",
    "/metrics",
    "/nope",
    "/version/",
    "/files/info",
    "/files/info?path=/nonexistent",
    "/files/download?path=/",
    "/executions?limit=x",
    "/executions/none",
    "/command/status/none",
    "/code/contexts/none",
)
_SAME: Final = ("content-type", "allow", "location")


@scenario("errors", "errors.method-not-allowed", "error.method-not-allowed", *REFUSALS)
async def test_a_method_that_a_route_does_not_take_is_refused(checks: Checks, raw: Raw) -> None:
    """Every route with every method that it does not take; `Allow` has those that it does."""
    for path, methods in METHODS.items():
        for method in _ALL:
            if method in methods:
                continue
            reply = await ask(raw, method, path)
            refused(checks, "error.method-not-allowed", reply, 405, "METHOD_NOT_ALLOWED", of=f"{method} {path}")
            allowed = set(re.findall(r"[A-Z]+", reply.headers.get("allow", "")))
            checks.that("errors.method-not-allowed", allowed - {"HEAD"} == methods, saw=(path, method, sorted(allowed)))
            checks.that("errors.method-not-allowed", "GET" in methods or "HEAD" not in allowed, saw=(path, allowed))


@scenario("errors", "errors.head")
async def test_head_is_get_without_its_body(checks: Checks, raw: Raw) -> None:
    """Status and headers of GET, no body, and a connection that can go on."""
    for path in _HEADS:
        get = await raw.request("GET", path)
        async with bare(raw) as connection:
            await connection.send(connection.head("HEAD", path))
            head = await connection.answer(head=True)
            checks.equal("errors.head", head.status, get.status)
            for name in _SAME:
                checks.equal("errors.head", head.headers.get(name), get.headers.get(name))
            checks.that("errors.head", await goes_on(connection), saw=(path, connection.rest))


async def goes_on(connection: Bare) -> bool:
    """Whether nothing is left of the last answer: the next request on the connection is answered as it ought to be."""
    await connection.send(connection.head("GET", "/version", "Connection: close"))
    reply = await connection.answer_or_end()
    return reply is not None and reply.status == 200 and reply.body.startswith(b"{")
