"""Request ids: the client's own comes back, on whatever answer; anything else is replaced."""

from __future__ import annotations

from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.bare import HANDSHAKE, bare
from execd_conformance.scenarios.contract import OPEN, ROUTES
from execd_conformance.scenarios.refusals import ask, ids, is_new

_GOOD: Final = ("a", "-", ".", "_", "0", "A.b_c-9", "x" * 128, "..", "--")
_BAD: Final = ("", "x" * 129, "a b", "a,b", "a/b", "a:b", 'a"b', "a\tb", "ü", "a;b", "{}", "a!", "x" * 5000)


@scenario("general", "request-id.echoed", "request-id.replaced", "request-id.new")
async def test_an_id_comes_back_or_is_replaced(checks: Checks, raw: Raw) -> None:
    """Good ones as they are, others never."""
    for given in _GOOD:
        reply = await identified(raw, f"X-Request-ID: {given}")
        checks.equal("request-id.echoed", ids(reply), [given])
    for name in ("x-request-id", "X-REQUEST-ID"):
        checks.equal("request-id.echoed", ids(await identified(raw, f"{name}: mine")), ["mine"])
    for given in _BAD:
        reply = await identified(raw, f"X-Request-ID: {given}")
        checks.that("request-id.replaced", is_new(reply) and ids(reply) != [given], saw=(given, ids(reply)))
    replies = [await identified(raw) for _ in range(5)]
    checks.that("request-id.new", all(map(is_new, replies)), saw=list(map(ids, replies)))
    checks.that("request-id.new", len({str(ids(reply)) for reply in replies}) == 5, saw=list(map(ids, replies)))


@scenario("general", "request-id.everywhere", limit_s=60)
async def test_every_answer_carries_its_id(checks: Checks, raw: Raw, unique: str) -> None:
    """On every route, with the token and without, for HEAD, for routes and methods that are not there."""
    other = (("GET", "/nope"), ("PUT", "/command"), ("HEAD", "/version"), ("HEAD", "/nope"), ("GET", "/version/"))
    for number, (method, path) in enumerate((*(("GET", path) for path in OPEN), *ROUTES, *other)):
        for token in (raw.token, "mistaken-identity"):
            mine = f"{unique}.{number}"
            reply = await ask(raw, method, path, token=token, headers={"X-Request-ID": mine})
            checks.that("request-id.everywhere", ids(reply) == [mine], saw=(method, path, reply.status, ids(reply)))
            reply = await ask(raw, method, path, token=token)
            checks.that("request-id.everywhere", is_new(reply), saw=(method, path, reply.status, ids(reply)))


@scenario("general", "request-id.streams", "request-id.handshakes")
async def test_streams_and_handshakes_carry_their_id(checks: Checks, raw: Raw, unique: str) -> None:
    """Those answers that are no plain ones."""
    for method, path, body in (("POST", "/command", '{"command":"true"}'), ("GET", "/metrics/watch", "")):
        async with raw.stream(method, path, headers={"X-Request-ID": unique}, content=body) as stream:
            checks.that("request-id.streams", stream.status == 200 and ids(stream) == [unique], saw=stream.headers)
    async with raw.stream("POST", "/command", json={"command": "true"}) as stream:
        checks.that("request-id.streams", is_new(stream), saw=stream.headers)
    for token in (True, False):
        async with bare(raw) as connection:
            lines = (*HANDSHAKE, f"X-Request-ID: {unique}")
            await connection.send(connection.head("GET", "/pty/none/ws", *lines, token=token))
            checks.equal("request-id.handshakes", ids(await connection.answer()), [unique])


async def identified(raw: Raw, *lines: str) -> Reply:
    """Return the answer to `GET /version` with these header lines."""
    async with bare(raw) as connection:
        await connection.send(connection.head("GET", "/version", *lines))
        return await connection.answer()
