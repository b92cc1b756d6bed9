"""Mutants of errors: their status, their body, their code, and what they give away."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, refusal, steady
from execd_conformance.mutants.rewrite import Rewrite

TRACE = 'Traceback (most recent call last):\n  File "/opt/daemon/app.py", line 1, in run\nValueError: no'


def _errors(change: Callable[[Request, Reply], Reply]) -> Making:
    """Change the bodies of errors."""
    return steady(Rewrite(reply=lambda request, reply: change(request, reply) if reply.status >= 400 else reply))


def _without(name: str) -> Callable[[Request, Reply], Reply]:
    return lambda _r, reply: reply.with_json({key: value for key, value in reply.mapping.items() if key != name})


def _as_page(_request: Request, reply: Reply) -> Reply:
    return reply.with_body(f"<h1>{reply.status}</h1>".encode()).with_header("content-type", "text/html")


def _as_text(_request: Request, reply: Reply) -> Reply:
    return reply.with_header("content-type", "text/plain")


def _with_trace(_request: Request, reply: Reply) -> Reply:
    return reply.with_json({**reply.mapping, "details": {"trace": TRACE}})


def _as_200(_request: Request, reply: Reply) -> Reply:
    return reply.with_status(200)


def _as_500(request: Request, reply: Reply) -> Reply:
    return refusal(request, 500, "RUNTIME_ERROR") if reply.status == 400 else reply


def _lower_code(_request: Request, reply: Reply) -> Reply:
    return reply.with_json({**reply.mapping, "code": str(reply.mapping.get("code", "")).lower()})


def _code(old: str, new: str) -> Making:
    """Give an error another code."""

    def change(_request: Request, reply: Reply) -> Reply:
        return reply.with_json({**reply.mapping, "code": new}) if reply.mapping.get("code") == old else reply

    return _errors(change)


def _silent(_request: Request, reply: Reply) -> Reply:
    return reply.with_json({**reply.mapping, "message": "invalid request"})


def _detailless(_request: Request, reply: Reply) -> Reply:
    return reply.with_json({**reply.mapping, "details": None})


def _other_id_in_body(_request: Request, reply: Reply) -> Reply:
    return reply.with_json({**reply.mapping, "request_id": secrets.token_hex(8)})


def _unallowed(_request: Request, reply: Reply) -> Reply:
    return reply.without_header("allow") if reply.status == 405 else reply


def _method_unknown(request: Request, reply: Reply) -> Reply:
    return refusal(request, 404, "ROUTE_NOT_FOUND") if reply.status == 405 else reply


def _more(**more: object) -> Callable[[Request, Reply], Reply]:
    return lambda _request, reply: reply.with_json({**reply.mapping, **more})


MUTANTS = (
    Mutant(
        "error-with-more",
        "Error bodies have a field more.",
        ("what_is_asked_wrongly_is_refused_by_its_code/errors.body",),
        _errors(_more(status="error")),
    ),
    Mutant(
        "error-message-empty",
        "Messages are empty.",
        ("what_is_asked_wrongly_is_refused_by_its_code/errors.body",),
        _errors(_more(message="")),
    ),
    Mutant(
        "error-as-200",
        "Errors are answered 200.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.status",
            "what_is_missing_or_cannot_be_read_is_named/query.missing",
            "runs_are_refused_by_their_codes/errors.status",
        ),
        _errors(_as_200),
    ),
    Mutant(
        "error-as-500",
        "Faults of the caller are answered 500.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/error.invalid-request-body",
            "what_is_missing_or_cannot_be_read_is_named/query.missing",
        ),
        _errors(_as_500),
    ),
    Mutant(
        "error-as-page",
        "Errors are HTML.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.body",
            "what_is_asked_wrongly_is_refused_by_its_code/errors.content-type",
        ),
        _errors(_as_page),
    ),
    Mutant(
        "error-as-text",
        "Errors say text/plain.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.content-type",
            "runs_are_refused_by_their_codes/errors.content-type",
        ),
        _errors(_as_text),
    ),
    Mutant(
        "error-without-request-id",
        "Error bodies have no request_id.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.body",
            "what_is_asked_wrongly_is_refused_by_its_code/errors.request-id",
        ),
        _errors(_without("request_id")),
    ),
    Mutant(
        "error-without-code",
        "Error bodies have no code.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.body",
            "what_is_asked_wrongly_is_refused_by_its_code/errors.closed-codes",
        ),
        _errors(_without("code")),
    ),
    Mutant(
        "error-without-message",
        "Error bodies have no message.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.body",
            "what_is_missing_or_cannot_be_read_is_named/query.missing-named",
        ),
        _errors(_without("message")),
    ),
    Mutant(
        "error-with-trace",
        "Error bodies have a stack trace.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.no-stack-trace",
            "runs_are_refused_by_their_codes/errors.no-stack-trace",
        ),
        _errors(_with_trace),
    ),
    Mutant(
        "error-in-lower-case",
        "Error codes are in lower case.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.closed-codes",
            "what_is_asked_wrongly_is_refused_by_its_code/error.unauthorized",
        ),
        _errors(_lower_code),
    ),
    Mutant(
        "error-says-nothing",
        "Messages do not name the field.",
        (
            "what_is_missing_or_cannot_be_read_is_named/query.missing-named",
            "what_is_missing_or_cannot_be_read_is_named/query.unparsable-named",
        ),
        _errors(_silent),
    ),
    Mutant(
        "error-without-details",
        "details are missing.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.body",
            "what_is_asked_wrongly_is_refused_by_its_code/error.language-not-supported",
        ),
        _errors(_detailless),
    ),
    Mutant(
        "error-of-other-request",
        "Body and header tell different request ids.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/errors.request-id",
            "runs_are_refused_by_their_codes/errors.request-id",
        ),
        _errors(_other_id_in_body),
    ),
    Mutant(
        "query-missing-unnamed",
        "A missing parameter is INVALID_QUERY.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/error.missing-query",
            "what_is_missing_or_cannot_be_read_is_named/query.missing",
        ),
        _code("MISSING_QUERY", "INVALID_QUERY"),
    ),
    Mutant(
        "conflict-renamed",
        "A conflict of ids has another code.",
        ("runs_are_refused_by_their_codes/error.execution-conflict",),
        _code("EXECUTION_CONFLICT", "PATH_EXISTS"),
    ),
    Mutant(
        "allow-missing",
        "405 does not say what is allowed.",
        ("a_method_that_a_route_does_not_take_is_refused/errors.method-not-allowed",),
        _errors(_unallowed),
    ),
    Mutant(
        "method-as-404",
        "A wrong method is 404.",
        (
            "what_is_asked_wrongly_is_refused_by_its_code/error.method-not-allowed",
            "a_method_that_a_route_does_not_take_is_refused/errors.method-not-allowed",
        ),
        _errors(_method_unknown),
    ),
)
