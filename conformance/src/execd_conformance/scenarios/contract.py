"""The contract's routes and error codes as tables, for scenarios that go through all of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

OPEN: Final = ("/ping", "/ready")
"""Answered without a token, to GET."""

ROUTES: Final[tuple[tuple[str, str], ...]] = (
    ("GET", "/version"),
    ("POST", "/command"),
    ("DELETE", "/command?id=none"),
    ("GET", "/command/status/none"),
    ("GET", "/command/none/logs"),
    ("POST", "/session/none/run"),
    ("DELETE", "/session/none"),
    ("GET", "/executions"),
    ("GET", "/executions/none"),
    ("DELETE", "/executions/none"),
    ("GET", "/executions/none/events"),
    ("POST", "/executions/none/stdin"),
    ("POST", "/executions/none/signal"),
    ("POST", "/code/context"),
    ("GET", "/code/contexts"),
    ("DELETE", "/code/contexts?language=none"),
    ("GET", "/code/contexts/none"),
    ("DELETE", "/code/contexts/none"),
    ("POST", "/code/contexts/none/restart"),
    ("GET", "/code/contexts/none/events"),
    ("POST", "/code"),
    ("DELETE", "/code?id=none"),
    ("GET", "/code/languages"),
    ("GET", "/files/info?path=/"),
    ("POST", "/files/upload"),
    ("GET", "/files/download?path=/"),
    ("GET", "/metrics"),
    ("GET", "/metrics/watch"),
)
"""Every route that wants a token, asked in a way that changes nothing: no such id, no body."""

METHODS: Final[dict[str, frozenset[str]]] = {
    "/ping": frozenset({"GET"}),
    "/ready": frozenset({"GET"}),
    "/version": frozenset({"GET"}),
    "/command": frozenset({"POST", "DELETE"}),
    "/command/status/none": frozenset({"GET"}),
    "/command/none/logs": frozenset({"GET"}),
    "/session": frozenset({"POST"}),
    "/session/none": frozenset({"DELETE"}),
    "/session/none/run": frozenset({"POST"}),
    "/executions": frozenset({"GET"}),
    "/executions/none": frozenset({"GET", "DELETE"}),
    "/executions/none/events": frozenset({"GET"}),
    "/executions/none/stdin": frozenset({"POST"}),
    "/executions/none/signal": frozenset({"POST"}),
    "/code/context": frozenset({"POST"}),
    "/code/contexts": frozenset({"GET", "DELETE"}),
    "/code/contexts/none": frozenset({"GET", "DELETE"}),
    "/code/contexts/none/restart": frozenset({"POST"}),
    "/code/contexts/none/events": frozenset({"GET"}),
    "/code": frozenset({"POST", "DELETE"}),
    "/code/languages": frozenset({"GET"}),
    "/files/info": frozenset({"GET"}),
    "/files/upload": frozenset({"POST"}),
    "/files/download": frozenset({"GET"}),
    "/metrics": frozenset({"GET"}),
    "/metrics/watch": frozenset({"GET"}),
}
"""What each path takes, HEAD beside GET apart."""

_EXTENSIONS: Final = (
    (r"/executions/[^/]+/stdin", "stdin"),
    (r"/executions/[^/]+(/signal)?", "signal"),
    (r"/executions.*", "replay"),
    (r"/code/contexts/[^/]+/restart", "restart"),
    (r"/ready|/version|/code/languages|/code/contexts/[^/]+/events", None),
)
"""Routes that deployed clients do not know, and what announces each; None: whoever announces anything."""


def is_offered(path: str, features: Collection[str]) -> bool:
    """Whether a daemon that announces these features has the route of a path; all have those of deployed clients."""
    bare = path.partition("?")[0]
    needs = next((feature for route, feature in _EXTENSIONS if re.fullmatch(route, bare)), "")
    return bool(features) if needs is None else not needs or needs in features


FEATURES: Final = frozenset(
    {
        "execution_id",
        "output",
        "replay",
        "disconnect",
        "overflow",
        "stdin",
        "user",
        "create_mode",
        "ephemeral",
        "restart",
        "max_output_bytes",
        "chunked_upload",
        "archive",
        "watch",
        "sign",
        "proxy",
        "pty",
        "ports",
        "logs",
        "signal",
        "sessions",
        "run_limits",
        "write_id",
        "context_id",
        "directories",
        "fsync",
    }
)
"""Every extension that the contract has a name for."""

FEATURE_ROUTES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "replay": (("GET", "/executions"), ("GET", "/executions/none/events")),
    "stdin": (("POST", "/executions/none/stdin"),),
    "logs": (("GET", "/command/none/logs"),),
    "signal": (("POST", "/executions/none/signal"),),
    "sessions": (("POST", "/session/none/run"),),
    "restart": (("POST", "/code/contexts/none/restart"),),
    "archive": (("GET", "/directories/archive"),),
    "watch": (("GET", "/files/watch"),),
    "sign": (("POST", "/sign"),),
    "proxy": (("GET", "/proxy/1/"),),
    "pty": (("GET", "/pty/none"),),
    "ports": (("GET", "/ports"),),
    "chunked_upload": (("GET", "/files/uploads/none"),),
}
"""Routes that are there where a feature is announced."""

STATUS_OF: Final[dict[str, int]] = {
    code: status
    for status, codes in {
        400: "INVALID_REQUEST_BODY MISSING_QUERY INVALID_QUERY INVALID_FILE INVALID_FILE_METADATA"
        " INVALID_FILE_CONTENT LANGUAGE_NOT_SUPPORTED",
        401: "UNAUTHORIZED",
        403: "PERMISSION_DENIED FORBIDDEN_ORIGIN",
        404: "FILE_NOT_FOUND COMMAND_NOT_FOUND CONTEXT_NOT_FOUND SESSION_NOT_FOUND EXECUTION_NOT_FOUND"
        " UPLOAD_NOT_FOUND ROUTE_NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
        408: "BODY_TIMEOUT",
        409: "PATH_EXISTS NOT_A_DIRECTORY IS_A_DIRECTORY DIRECTORY_NOT_EMPTY ALREADY_FINISHED ALREADY_CONNECTED"
        " EXECUTION_CONFLICT STDIN_CLOSED OFFSET_MISMATCH",
        413: "PAYLOAD_TOO_LARGE",
        416: "RANGE_NOT_SATISFIABLE",
        429: "LIMIT_REACHED",
        500: "RUNTIME_ERROR",
        501: "NOT_SUPPORTED",
        502: "BAD_GATEWAY",
        503: "EXECD_NOT_READY SHUTTING_DOWN",
        507: "NO_SPACE",
    }.items()
    for code in codes.split()
}
"""The closed list of error codes, each with its status."""
