"""What holds of every refusal, whoever refuses: checked along the way by each scenario that meets one.

A scenario that calls `refused` or `well_formed` declares `REFUSALS` beside its own ids.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, Unpack

from execd_conformance.broken import Broken
from execd_conformance.checks import Checks
from execd_conformance.raw import Raw, Reply, Sending
from execd_conformance.scenarios.contract import STATUS_OF
from execd_conformance.stream import Stream

REFUSALS: Final = (
    "errors.body",
    "errors.content-type",
    "errors.request-id",
    "errors.status",
    "errors.no-stack-trace",
    "errors.closed-codes",
)

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_FIELDS: Final = {"code", "message", "details", "request_id"}
_TRACE: Final = re.compile(
    r"Traceback|File \\?\"|\.py\b|goroutine|\.go:\d|panic:|\bat [\w.$]+\(|<(html|body|pre|!doctype)\b", re.IGNORECASE
)
_STREAMS: Final = ("/metrics/watch", "/events", "/command", "/code")


async def ask(raw: Raw, method: str, path: str, *, timeout_s: float = 10.0, **sending: Unpack[Sending]) -> Reply:
    """Return the answer to a request that ought to be refused; of a stream that comes all the same only its head."""
    if not path.partition("?")[0].endswith(_STREAMS) or method == "HEAD":
        return await raw.request(method, path, timeout_s=timeout_s, **sending)
    async with raw.stream(method, path, timeout_s=timeout_s, **sending) as stream:
        return stream.problem or Reply(stream.status, stream.headers, b"")


def refused(checks: Checks, requirement: str, reply: Reply, status: int, code: str, *, of: object = None) -> bool:
    """Check that a request was refused with this status and code, and as all refusals are; `of` says which it was."""
    well_formed(checks, reply)
    return checks.that(requirement, (reply.status, reply.code) == (status, code), saw=_saw(reply, of))


def well_formed(checks: Checks, reply: Reply, *, of: object = None) -> None:
    """Check what holds of every answer outside 2xx that has a body (`REFUSALS`)."""
    if 200 <= reply.status < 300 and reply.code is None:
        # The caller's own check says that this ought to have been refused; no form of a refusal was seen.
        for requirement in REFUSALS:
            checks.that(requirement, ok=True)
        return
    body = fields(reply)
    saw = _saw(reply, of)
    checks.that("errors.content-type", media_type(reply) == "application/json", saw=reply.headers.get("content-type"))
    checks.that("errors.body", is_error_body(body), saw=saw)
    checks.that("errors.no-stack-trace", not _TRACE.search(reply.text), saw=saw)
    checks.that("errors.request-id", ids(reply) == [body.get("request_id")], saw=(ids(reply), saw))
    checks.that("errors.closed-codes", reply.code in STATUS_OF, saw=saw)
    checks.that("errors.status", STATUS_OF.get(reply.code or "", reply.status) == reply.status, saw=saw)


def is_error_body(body: dict[str, Any]) -> bool:
    """Whether a body is an error's: code, message and request id, perhaps details, and nothing else."""
    if not set(body) <= _FIELDS:
        return False
    message, told, details = body.get("message"), body.get("request_id"), body.get("details", {})
    said = isinstance(body.get("code"), str) and isinstance(message, str) and bool(message.strip())
    return said and isinstance(told, str) and bool(REQUEST_ID.fullmatch(told)) and isinstance(details, dict)


def media_type(reply: Reply) -> str:
    """Return the content type without its parameters."""
    return str(reply.headers.get("content-type", "")).partition(";")[0].strip().lower()


def ids(reply: Reply | Stream) -> list[str]:
    """Return the request ids that an answer carries: there ought to be one."""
    return reply.headers.get_list("x-request-id")


def is_new(reply: Reply | Stream) -> bool:
    """Whether an answer carries one request id, of the form that they have."""
    return len(ids(reply)) == 1 and REQUEST_ID.fullmatch(ids(reply)[0]) is not None


def fields(reply: Reply) -> dict[str, Any]:
    """Return the object that a body is, empty where it is none."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def message(reply: Reply) -> str:
    """Return an error's message, empty where it has none."""
    told = fields(reply).get("message")
    return told if isinstance(told, str) else ""


def details(reply: Reply) -> dict[str, Any]:
    """Return an error's details, empty where it has none."""
    told = fields(reply).get("details")
    return told if isinstance(told, dict) else {}


def _saw(reply: Reply, of: object) -> object:
    return repr(reply) if of is None else f"{of}: {reply!r}"


async def still_serves(raw: Raw) -> bool:
    """Whether the daemon serves the next request."""
    try:
        return (await raw.request("GET", "/ping")).status == 200
    except Broken:
        return False
