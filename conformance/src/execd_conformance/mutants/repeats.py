"""Mutants of what is sent again: writes to standard input, readers that come back on another connection."""

from __future__ import annotations

from dataclasses import replace

from execd_conformance.mutants.messages import Reply, Request, without
from execd_conformance.mutants.mutant import Mutant, answer, steady
from execd_conformance.mutants.rewrite import Rewrite

_READER = "X-EXECD-READER"


def _is_stdin(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/stdin")


def _is_stream(request: Request) -> bool:
    return request.path == "/command" or request.path.endswith("/events")


def _nameless(request: Request) -> Request:
    return request.with_query([(key, value) for key, value in request.query if key not in {"write_id", "offset"}])


def _gap_is_fine(request: Request, reply: Reply) -> Reply:
    return answer(request, 200) if reply.mapping.get("code") == "OFFSET_MISMATCH" else reply


def _any_name(request: Request, reply: Reply) -> Reply:
    return answer(request, 200) if reply.mapping.get("code") == "INVALID_QUERY" else reply


def _unknown_reader(request: Request) -> Request:
    return replace(request, headers=without(request.headers, _READER))


def _one_reader(request: Request) -> Request:
    return request.with_header(_READER, "me")


MUTANTS = (
    Mutant(
        "stdin-taken-twice",
        "A write that is sent again is taken again.",
        ("a_write_that_is_sent_again_is_taken_once/stdin.repeated",),
        steady(Rewrite(where=_is_stdin, ask=_nameless)),
    ),
    Mutant(
        "stdin-gap-fine",
        "A part of a write that leaves a gap is 200.",
        (
            "a_write_that_is_sent_again_is_taken_once/stdin.offset",
            "a_write_that_is_sent_again_is_taken_once/error.offset-mismatch",
        ),
        steady(Rewrite(where=_is_stdin, reply=_gap_is_fine)),
    ),
    Mutant(
        "stdin-any-write-id",
        "Any name of a write will do.",
        ("a_write_that_is_sent_again_is_taken_once/stdin.write-id",),
        steady(Rewrite(where=_is_stdin, reply=_any_name)),
    ),
    Mutant(
        "reader-waited-for-twice",
        "A reader that comes back is waited for on its dead connection.",
        ("who_comes_back_under_its_name_is_waited_for_once/reader.replaced",),
        steady(Rewrite(where=_is_stream, ask=_unknown_reader)),
    ),
    Mutant(
        "reader-of-any-name",
        "Any reader takes the place of any other.",
        ("who_comes_back_under_its_name_is_waited_for_once/reader.others",),
        steady(Rewrite(where=_is_stream, ask=_one_reader)),
    ),
)
