"""Mutants of plain answers: request ids, routes, queries, times, connections."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from execd_conformance.mutants.messages import Reply, Request, header
from execd_conformance.mutants.mutant import Making, Mutant, answer, refusal, steady
from execd_conformance.mutants.rewrite import Rewrite

KNOWN = {"id", "path", "after", "follow", "eof", "running", "kind", "limit", "cursor", "language", "interval_ms"}


def _replies(change: Callable[[Request, Reply], Reply]) -> Making:
    return steady(Rewrite(reply=change))


def _requests(change: Callable[[Request], Request | Reply]) -> Making:
    return steady(Rewrite(ask=change))


def _head(change: Callable[[Request, Reply], Reply]) -> Making:
    return steady(Rewrite(head=change))


def _new_id(_request: Request, reply: Reply) -> Reply:
    return reply.with_header("x-request-id", secrets.token_hex(8))


def _any_id(request: Request, reply: Reply) -> Reply:
    told = request.header("x-request-id")
    return reply if told is None else reply.with_header("x-request-id", told)


def _same_id(_token: str | None) -> Rewrite:
    """Give every request without an id the same one."""

    def head(request: Request, reply: Reply) -> Reply:
        return reply if header(request.headers, "x-request-id") else reply.with_header("x-request-id", "1")

    return Rewrite(head=head)


def _no_id_on_streams(_request: Request, reply: Reply) -> Reply:
    return reply.without_header("x-request-id") if reply.is_stream else reply


def _slash_taken(request: Request) -> Request:
    return request.with_path(request.path.rstrip("/")) if len(request.path) > 1 else request


def _slash_redirected(request: Request) -> Request | Reply:
    if not request.path.endswith("/") or request.path == "/":
        return request
    return answer(request, 307).with_header("location", request.path.rstrip("/"))


def _headless(request: Request) -> Request | Reply:
    if request.method != "HEAD":
        return request
    return Reply(status=405, headers=((b"allow", b"GET"), (b"x-request-id", b"1"), (b"content-length", b"0")))


def _plus_kept(request: Request) -> Request:
    path, mark, query = request.target.partition(b"?")
    return replace(request, target=path + mark + query.replace(b"+", b"%2B"))


def _query_strict(request: Request) -> Request | Reply:
    strange = [name for name, _ in request.query if name not in KNOWN]
    return refusal(request, 400, "INVALID_QUERY", f"unknown {strange[0]}") if strange else request


def _digits_of_any_script(request: Request) -> Request:
    """Read numbers as `int()` does."""
    return request.with_query(
        [(k, _number(v) if k in {"after", "limit", "interval_ms"} else v) for k, v in request.query]
    )


def _number(text: str) -> str:
    try:
        return str(int(text))
    except ValueError:
        return text


def _first_path_only(request: Request) -> Request:
    paths = [pair for pair in request.query if pair[0] == "path"]
    return request.with_query([pair for pair in request.query if pair[0] != "path" or pair == paths[0]])


def _told_done(_request: Request, reply: Reply) -> Reply:
    if reply.status != 200 or reply.body or reply.header("content-length") != "0":
        return reply
    return reply.with_json({}).with_header("content-type", "application/json")


def _times(change: Callable[[str], str | int]) -> Making:
    """Write the times in bodies differently."""

    def walked(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: change(v) if k.endswith("_at") and isinstance(v, str) else walked(v) for k, v in value.items()}
        return [walked(each) for each in value] if isinstance(value, list) else value

    def reply(_request: Request, reply: Reply) -> Reply:
        return reply.with_json(walked(reply.json)) if b'_at":' in reply.body else reply

    return _replies(reply)


def _chunks_refused(request: Request) -> Request | Reply:
    return refusal(request, 400, "INVALID_REQUEST_BODY") if request.header("transfer-encoding") else request


def _success_as_text(_request: Request, reply: Reply) -> Reply:
    is_json = (reply.header("content-type") or "").startswith("application/json")
    return reply.with_header("content-type", "text/plain") if reply.status < 400 and is_json else reply


MUTANTS = (
    Mutant(
        "connection-closed",
        "Every answer closes its connection.",
        ("a_connection_serves_many_requests/connection.keep-alive",),
        _head(lambda _r, reply: reply.with_header("connection", "close")),
    ),
    Mutant(
        "chunks-refused",
        "Bodies without a length are refused.",
        ("a_body_comes_in_any_framing/connection.chunked-request",),
        _requests(_chunks_refused),
    ),
    Mutant(
        "json-as-text",
        "Answers in JSON say text/plain.",
        ("what_is_served_has_its_type_and_its_id/json.answers",),
        _head(_success_as_text),
    ),
    Mutant(
        "request-id-new",
        "The request's id is not echoed.",
        ("an_id_comes_back_or_is_replaced/request-id.echoed",),
        _head(_new_id),
    ),
    Mutant(
        "request-id-any",
        "Any request id is echoed.",
        ("an_id_comes_back_or_is_replaced/request-id.replaced",),
        _head(_any_id),
    ),
    Mutant(
        "request-id-same",
        "Requests without an id all get the same.",
        ("an_id_comes_back_or_is_replaced/request-id.new",),
        _same_id,
    ),
    Mutant(
        "request-id-missing",
        "Answers have no request id.",
        ("every_answer_carries_its_id/request-id.everywhere",),
        _head(lambda _r, reply: reply.without_header("x-request-id")),
    ),
    Mutant(
        "request-id-not-on-streams",
        "Streams have no request id.",
        ("streams_and_handshakes_carry_their_id/request-id.streams",),
        _head(_no_id_on_streams),
    ),
    Mutant(
        "slash-taken",
        "A trailing slash is ignored.",
        ("a_path_is_what_it_is/query.trailing-slash",),
        _requests(_slash_taken),
    ),
    Mutant(
        "slash-redirected",
        "A trailing slash is redirected.",
        ("a_path_is_what_it_is/query.trailing-slash", "a_path_is_what_it_is/query.no-redirects"),
        _requests(_slash_redirected),
    ),
    Mutant("head-refused", "HEAD is refused.", ("head_is_get_without_its_body/errors.head",), _requests(_headless)),
    Mutant(
        "plus-kept",
        "`+` in a query is a plus.",
        (
            "deployed_clients_paths_are_understood/query.plus-is-space",
            "paths_in_queries_are_percent_encoded_bytes/query.plus-is-space",
        ),
        _requests(_plus_kept),
    ),
    Mutant(
        "query-strict",
        "Unknown parameters are refused.",
        ("paths_in_queries_are_percent_encoded_bytes/query.unknown-ignored",),
        _requests(_query_strict),
    ),
    Mutant(
        "query-digits",
        "Numbers may have signs, spaces and digits of any script.",
        ("numbers_are_ascii_digits/query.ascii-digits",),
        _requests(_digits_of_any_script),
    ),
    Mutant(
        "query-first-path",
        "Only the first of several paths counts.",
        (
            "deployed_clients_paths_are_understood/query.repeated-path",
            "paths_in_queries_are_percent_encoded_bytes/query.repeated-path",
        ),
        _requests(_first_path_only),
    ),
    Mutant(
        "empty-with-body",
        "Empty answers have a body.",
        (
            "times_and_empty_answers_are_as_clients_know_them/empty.success",
            "ping_is_alive/health.ping",
            "ready_takes_work/health.ready",
        ),
        _replies(_told_done),
    ),
    Mutant(
        "times-with-offset",
        "Times end with +00:00.",
        ("times_and_empty_answers_are_as_clients_know_them/times.bodies",),
        _times(lambda t: t.replace("Z", "+00:00")),
    ),
    Mutant(
        "times-in-seconds",
        "Times have no milliseconds.",
        ("times_and_empty_answers_are_as_clients_know_them/times.bodies",),
        _times(lambda t: re.sub(r"\.\d+", "", t)),
    ),
    Mutant(
        "times-as-numbers",
        "Times are numbers.",
        ("times_and_empty_answers_are_as_clients_know_them/times.bodies",),
        _times(lambda _t: 1_700_000_000),
    ),
)
