"""Mutants of who is let in, and what is told to those who are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from execd_conformance.mutants.blocks import Block
from execd_conformance.mutants.messages import Reply, Request, without
from execd_conformance.mutants.mutant import Making, Mutant, refusal, steady
from execd_conformance.mutants.rewrite import Blocks, Rewrite, everything, route

TOKEN = "x-execd-access-token"  # noqa: S105 - a header's name

REFUSED = "x-mutant-refused"

ROUTES = ("/ping", "/ready", "/version", "/command", "/executions", "/code", "/files/", "/metrics")


def _opened(when: Callable[[Request, str], bool], where: Callable[[Request], bool] = everything) -> Making:
    """Let in whom the condition takes, as if the token had been right."""

    def made(token: str | None) -> Rewrite:
        def ask(request: Request) -> Request:
            if token is None or not when(request, token):
                return request
            return replace(request, headers=(*without(request.headers, TOKEN), (TOKEN.encode(), token.encode())))

        return Rewrite(where=where, ask=ask)

    return made


def _sent(request: Request) -> str:
    return request.header(TOKEN) or ""


def _in_query(request: Request, token: str) -> bool:
    return any(value == token for _, value in request.query)


def _in_other_header(request: Request, token: str) -> bool:
    given = request.header("authorization") or ""
    return given.removeprefix("Bearer ") == token or request.header("x-access-token") == token


def _once_right(token: str | None) -> Rewrite:
    """Ask a connection for the token until it was right once."""
    known: set[int] = set()

    def ask(request: Request) -> Request:
        if token is not None and _sent(request) == token:
            known.add(request.connection)
        if token is None or request.connection not in known:
            return request
        return request.with_header(TOKEN, token)

    return Rewrite(ask=ask)


def _done_all_the_same(token: str | None) -> Rewrite:
    """Do what is asked, then say 401."""

    def ask(request: Request) -> Request:
        if token is None or _sent(request) == token or request.path in {"/ping", "/ready"}:
            return request
        headers = (*without(request.headers, TOKEN), (TOKEN.encode(), token.encode()), (REFUSED.encode(), b"1"))
        return replace(request, headers=headers)

    def reply(request: Request, reply: Reply) -> Reply:
        return _unauthorized(request) if request.header(REFUSED) else reply

    def head(request: Request, reply: Reply) -> Reply:
        if not request.header(REFUSED) or not reply.is_stream:
            return reply
        return reply.with_status(401).with_header("content-type", "application/json")

    async def events(request: Request, blocks: Blocks) -> Blocks:
        said = False
        async for event in blocks:
            if not request.header(REFUSED):
                yield event
            elif not said:
                said = True
                yield Block(_unauthorized(request).body)

    return Rewrite(ask=ask, reply=reply, head=head, events=events)


def _unauthorized(request: Request) -> Reply:
    return refusal(request, 401, "UNAUTHORIZED", "the access token is missing or wrong")


def _first_other(token: str | None, *, known: Callable[[Request], bool], other: Callable[[Request], Reply]) -> Rewrite:
    """Give those who may not come in another answer than 401, where something is wrong besides."""

    def ask(request: Request) -> Request | Reply:
        return request if token is None or _sent(request) == token or known(request) else other(request)

    return Rewrite(ask=ask)


def _is_route(request: Request) -> bool:
    return request.path.startswith(ROUTES) and not request.path.endswith("/")


def _missing_first(token: str | None) -> Rewrite:
    def other(request: Request) -> Reply:
        return refusal(request, 404, "ROUTE_NOT_FOUND", "there is no such route")

    return _first_other(token, known=_is_route, other=other)


def _method_first(token: str | None) -> Rewrite:
    def known(request: Request) -> bool:
        return request.path not in {"/command", "/version", "/metrics"} or request.method not in {"PUT", "PATCH"}

    def other(request: Request) -> Reply:
        return refusal(request, 405, "METHOD_NOT_ALLOWED", "another method").with_header("allow", "GET, POST")

    return _first_other(token, known=known, other=other)


def _body_first(token: str | None) -> Rewrite:
    def known(request: Request) -> bool:
        return (
            request.path != "/command"
            or request.method != "POST"
            or (isinstance(request.json, dict) and request.json != {})
        )

    def other(request: Request) -> Reply:
        return refusal(request, 400, "INVALID_REQUEST_BODY", "the body is no JSON")

    return Rewrite(whole=_first_other(token, known=known, other=other).ask)


def _ping_guarded(token: str | None) -> Rewrite:
    def known(request: Request) -> bool:
        return request.path not in {"/ping", "/ready"}

    return _first_other(token, known=known, other=_unauthorized)


def _token_told(token: str | None) -> Rewrite:
    def reply(request: Request, reply: Reply) -> Reply:
        if reply.status != 401 or token is None:
            return reply
        return reply.with_json({**reply.mapping, "message": f"{_sent(request)!r} is not {token!r}"})

    return Rewrite(reply=reply)


def _not_unauthorized(request: Request, reply: Reply) -> Reply:
    return refusal(request, 403, "PERMISSION_DENIED") if reply.status == 401 else reply


MUTANTS = (
    Mutant(
        "token-ignored",
        "Nobody needs the token.",
        (
            "deployed_clients_need_the_token/auth.missing-token",
            "deployed_clients_need_the_token/auth.wrong-token",
            "nothing_answers_before_the_token/auth.before-404",
        ),
        _opened(lambda _r, _t: True),
    ),
    Mutant(
        "token-ignored-once",
        "GET /metrics needs no token.",
        ("every_route_wants_the_token/auth.missing-token", "deployed_clients_need_the_token/auth.missing-token"),
        _opened(lambda _r, _t: True, route("GET", "/metrics")),
    ),
    Mutant(
        "token-any",
        "Any token opens the daemon.",
        ("deployed_clients_need_the_token/auth.wrong-token", "only_the_token_itself_opens/auth.wrong-token"),
        _opened(lambda r, _t: _sent(r) != ""),
    ),
    Mutant(
        "token-empty",
        "An empty token opens the daemon.",
        ("only_the_token_itself_opens/auth.wrong-token",),
        _opened(lambda r, _t: r.header(TOKEN) == ""),
    ),
    Mutant(
        "token-prefix",
        "The beginning of the token will do.",
        ("only_the_token_itself_opens/auth.wrong-token",),
        _opened(lambda r, t: _sent(r) != "" and t.startswith(_sent(r))),
    ),
    Mutant(
        "token-longer",
        "What begins with the token will do.",
        ("deployed_clients_need_the_token/auth.wrong-token", "only_the_token_itself_opens/auth.wrong-token"),
        _opened(lambda r, t: _sent(r).startswith(t)),
    ),
    Mutant(
        "token-caseless",
        "The token's case does not matter.",
        ("only_the_token_itself_opens/auth.wrong-token",),
        _opened(lambda r, t: _sent(r).lower() == t.lower()),
    ),
    Mutant(
        "token-in-query",
        "The token may stand in the query.",
        ("only_the_token_itself_opens/auth.header-only",),
        _opened(_in_query),
    ),
    Mutant(
        "token-in-other-header",
        "The token may stand in other headers.",
        ("only_the_token_itself_opens/auth.header-only",),
        _opened(_in_other_header),
    ),
    Mutant(
        "token-once",
        "A connection needs the token once.",
        ("only_the_token_itself_opens/auth.every-request",),
        _once_right,
    ),
    Mutant(
        "token-told",
        "A refusal tells the right token.",
        ("only_the_token_itself_opens/auth.token-not-repeated",),
        _token_told,
    ),
    Mutant(
        "refused-but-done",
        "What is refused with 401 is done all the same.",
        ("what_is_refused_is_not_done/auth.refused-without-effect",),
        _done_all_the_same,
    ),
    Mutant(
        "refused-with-403",
        "A missing token is 403.",
        ("deployed_clients_need_the_token/auth.missing-token", "nothing_answers_before_the_token/auth.before-404"),
        steady(Rewrite(reply=_not_unauthorized)),
    ),
    Mutant(
        "missing-before-token",
        "Unknown routes are 404 without a token.",
        ("nothing_answers_before_the_token/auth.before-404", "nothing_answers_before_the_token/auth.before-redirect"),
        _missing_first,
    ),
    Mutant(
        "method-before-token",
        "Wrong methods are 405 without a token.",
        ("nothing_answers_before_the_token/auth.before-405",),
        _method_first,
    ),
    Mutant(
        "body-before-token",
        "A malformed body is 400 without a token.",
        ("the_token_comes_before_the_body/auth.before-body",),
        _body_first,
    ),
    Mutant(
        "health-guarded",
        "/ping and /ready need the token.",
        ("deployed_clients_need_the_token/auth.ping-open", "health_is_open_and_nothing_else/auth.ready-open"),
        _ping_guarded,
    ),
)
