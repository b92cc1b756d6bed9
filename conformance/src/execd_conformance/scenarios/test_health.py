"""Whether the daemon is alive, ready, and what it is."""

from __future__ import annotations

from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.contract import FEATURE_ROUTES, FEATURES
from execd_conformance.scenarios.refusals import ask, media_type


@scenario("general", "health.ping", profiles=["compat"])
async def test_ping_is_alive(checks: Checks, raw: Raw) -> None:
    """`GET /ping` needs no token and says nothing but that it is there."""
    for token in (None, raw.token):
        reply = await raw.request("GET", "/ping", token=token)
        checks.that("health.ping", reply.status == 200 and reply.body == b"", saw=reply)


@scenario("general", "health.ready")
async def test_ready_takes_work(checks: Checks, raw: Raw) -> None:
    """`GET /ready` says no more than that it does."""
    reply = await raw.request("GET", "/ready", token=None)
    checks.that("health.ready", reply.status == 200 and reply.body == b"", saw=reply)


@scenario("general", "health.version", "health.features-closed", "health.features-served", "health.languages")
async def test_the_version_tells_what_is_there(checks: Checks, raw: Raw) -> None:
    """`GET /version` has its form, and announces what can be found."""
    reply = await raw.request("GET", "/version")
    checks.that("health.version", reply.status == 200 and media_type(reply) == "application/json", saw=reply)
    told = reply.json()
    checks.need(isinstance(told, dict), "an object from GET /version", told)
    checks.equal("health.version", sorted(told), ["api_version", "features", "languages", "version"])
    checks.that("health.version", all(is_name(told.get(name)) for name in ("version", "api_version")), saw=told)
    checks.that("health.version", is_names(told.get("languages")), saw=told.get("languages"))
    features = told.get("features")
    checks.that("health.features-closed", is_names(features) and set(features) <= FEATURES, saw=features)
    served = {name: await are_served(raw, name) for name in FEATURES & set(features if is_names(features) else ())}
    checks.that("health.features-served", all(served.values()), saw=[name for name in served if not served[name]])
    described = names_of(await raw.request("GET", "/code/languages"))
    languages = told.get("languages")
    checks.equal("health.languages", sorted(languages) if is_names(languages) else languages, described)


async def are_served(raw: Raw, feature: str) -> bool:
    """Whether the routes of a feature are there: they refuse what is asked, but not because nobody knows them."""
    replies = [await ask(raw, method, path) for method, path in FEATURE_ROUTES.get(feature, ())]
    return not any(reply.code in ("ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED") or unknown(reply) for reply in replies)


def unknown(reply: Reply) -> bool:
    """Whether a daemon without error codes does not know a route."""
    return reply.status in (404, 405) and reply.code is None


def names_of(reply: Reply) -> list[str]:
    """Return the languages that a daemon describes."""
    described = reply.json() if reply.status == 200 else []
    names = [each.get("name") for each in described if isinstance(each, dict)] if isinstance(described, list) else []
    return sorted(name for name in names if isinstance(name, str))


def is_name(value: object) -> bool:
    """Whether a value is a string that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_names(value: Any) -> bool:
    """Whether a value is a list of such strings, each once."""
    return isinstance(value, list) and all(map(is_name, value)) and len(set(value)) == len(value)
