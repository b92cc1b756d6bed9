"""Mutants of how the bodies of requests are read."""

from __future__ import annotations

import json
from typing import Any

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, refusal, steady
from execd_conformance.mutants.rewrite import Rewrite

_RUN = {"execution_id", "timeout", "envs", "on_disconnect", "disconnect_grace_ms", "on_overflow"}
_PROGRAM = {"command", "argv", "cwd", "background", "uid", "gid", "user", "stdin", "max_output_bytes", "output"}
FIELDS = {
    "/command": _RUN | _PROGRAM,
    "/code": _RUN | {"code", "context", "ephemeral", "allow_stdin"},
    "/code/context": {"language", "cwd", "envs"},
}


def _takes_json(request: Request) -> bool:
    return request.method == "POST" and request.path in FIELDS


def _bodies(change: Any) -> Making:
    return steady(Rewrite(where=_takes_json, whole=change))


def _stripped(request: Request) -> Request:
    body = request.json
    if not isinstance(body, dict):
        return request
    kept = {key: value for key, value in body.items() if key in FIELDS[request.path]}
    return request if kept == body else request.with_json(kept)


def _first_value(request: Request) -> Request:
    """Read one JSON value and let the rest be."""
    try:
        text = request.body.decode().lstrip()
        end = json.JSONDecoder().raw_decode(text)[1]
    except (ValueError, RecursionError):
        return request
    return request.with_body(text[:end].encode())


def _lax(request: Request) -> Request:
    """Take numbers that are written as text, and text that is written as numbers."""
    body = request.json
    if not isinstance(body, dict):
        return request
    lax = {key: _converted(key, value) for key, value in body.items()}
    return request if lax == body else request.with_json(lax)


def _converted(key: str, value: Any) -> Any:
    is_number = key in {"timeout", "uid", "gid", "disconnect_grace_ms"}
    if is_number and not isinstance(value, int):
        return int(value) if isinstance(value, float) or (isinstance(value, str) and value.isdigit()) else None
    if not is_number and isinstance(value, bool | int | float) and key in {"command", "cwd", "code", "user", "output"}:
        return str(value)
    if (key in {"envs", "context"} and not isinstance(value, dict)) or (key == "argv" and not isinstance(value, list)):
        return None
    return value


def _mended(request: Request) -> Request:
    """Read bytes that are no UTF-8 as well as can be."""
    try:
        request.body.decode()
    except UnicodeDecodeError:
        return request.with_body(request.body.decode("utf-8", "replace").encode())
    return request


def _null_refused(request: Request) -> Request | Reply:
    body = request.json
    if not isinstance(body, dict) or None not in body.values():
        return request
    return refusal(request, 400, "INVALID_REQUEST_BODY", "null is no value")


def _last_of_list(request: Request) -> Request:
    """Take the object out of a list of one."""
    body = request.json
    return request.with_json(body[0]) if isinstance(body, list) and len(body) == 1 else request


def _white_refused(request: Request) -> Request | Reply:
    if request.body == request.body.strip():
        return request
    return refusal(request, 400, "INVALID_REQUEST_BODY", "white space")


MUTANTS = (
    Mutant(
        "unknown-field-taken",
        "Unknown fields are ignored.",
        ("a_wrong_field_is_refused_and_named/json.unknown-field",),
        _bodies(_stripped),
    ),
    Mutant(
        "trailing-bytes-taken",
        "What follows the JSON value is ignored.",
        (
            "a_body_is_one_value_in_utf_8/json.trailing-bytes",
            "a_body_is_one_value_in_utf_8/json.refused-without-effect",
        ),
        _bodies(_first_value),
    ),
    Mutant(
        "types-converted",
        "Values of the wrong type are converted.",
        ("a_wrong_field_is_refused_and_named/json.wrong-type",),
        _bodies(_lax),
    ),
    Mutant(
        "bytes-mended",
        "Bodies that are no UTF-8 are taken.",
        ("a_body_is_one_value_in_utf_8/json.utf-8", "a_body_is_one_value_in_utf_8/json.refused-without-effect"),
        _bodies(_mended),
    ),
    Mutant(
        "null-refused",
        "null is not the same as absent.",
        (
            "null_is_absent_for_extensions_too/json.null-absent",
            "a_body_is_taken_with_white_space_and_nulls/json.null-absent",
        ),
        _bodies(_null_refused),
    ),
    Mutant(
        "list-taken",
        "An object may come in a list.",
        ("a_body_is_one_value_in_utf_8/json.one-value",),
        _bodies(_last_of_list),
    ),
    Mutant(
        "white-refused",
        "White space around the value is refused.",
        ("a_body_is_taken_with_white_space_and_nulls/json.null-absent",),
        _bodies(_white_refused),
    ),
)
