"""Mutants of what a daemon says of itself: health, version, features."""

from __future__ import annotations

from typing import Any

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, refusal, steady
from execd_conformance.mutants.rewrite import Rewrite, route


def _version(**changed: Any) -> Making:
    """Change what /version tells."""

    def reply(_request: Request, reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        merged = {**reply.mapping, **{key: value(reply.mapping.get(key, [])) for key, value in changed.items()}}
        return reply.with_json({key: value for key, value in merged.items() if value is not None})

    return steady(Rewrite(where=route("GET", "/version"), reply=reply))


def _unready(request: Request) -> Reply:
    return refusal(request, 503, "EXECD_NOT_READY")


MUTANTS = (
    Mutant(
        "feature-unknown",
        "A feature is announced that the contract has not.",
        ("the_version_tells_what_is_there/health.features-closed",),
        _version(features=lambda seen: [*seen, "telepathy"]),
    ),
    Mutant(
        "feature-not-there",
        "A feature is announced that is not served.",
        ("the_version_tells_what_is_there/health.features-served",),
        _version(features=lambda seen: [*seen, "archive", "pty", "sign"]),
    ),
    Mutant(
        "feature-twice",
        "A feature is announced twice.",
        ("the_version_tells_what_is_there/health.features-closed",),
        _version(features=lambda seen: [*seen, *seen[:1]]),
    ),
    Mutant(
        "version-without-languages",
        "/version does not tell languages.",
        ("the_version_tells_what_is_there/health.version", "the_version_tells_what_is_there/health.languages"),
        _version(languages=lambda _l: None),
    ),
    Mutant(
        "languages-more",
        "/version tells a language that is not served.",
        ("the_version_tells_what_is_there/health.languages",),
        _version(languages=lambda seen: [*seen, "cobol"]),
    ),
    Mutant(
        "never-ready",
        "/ready is 503 for ever.",
        ("ready_takes_work/health.ready", "health_is_open_and_nothing_else/auth.ready-open"),
        steady(Rewrite(where=route("GET", "/ready"), ask=_unready)),
    ),
    Mutant(
        "ping-talks",
        "/ping has a body.",
        ("ping_is_alive/health.ping",),
        steady(Rewrite(where=route("GET", "/ping"), reply=lambda _r, reply: reply.with_body(b"pong"))),
    ),
)
