"""The one place that turns exceptions into error bodies; a class of error knows its status and code."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from execd._wire import ErrorBody, ErrorCode
from execd.errors import (
    BodyTimeout,
    ExecdError,
    InternalFault,
    LimitReached,
    MethodNotAllowed,
    PayloadTooLarge,
    RangeNotSatisfiable,
)
from execd.http.answer import Answer

_CLOSING: Final = (BodyTimeout, PayloadTooLarge)
"""What is still on its way is not wanted, so that the connection is of no more use."""
_NO_THREAD: Final = "can't start new thread"
"""How Python says that the system refuses one."""


def answer_to(error: Exception, *, request_id: str) -> Answer:
    """Return the answer to a request that ended in `error`; what is no refusal of ours says nothing about itself."""
    known = error if isinstance(error, ExecdError) else _meaning(error)
    return Answer(
        known.status, encoded(known, request_id=request_id), headers=_headers(known), close=isinstance(known, _CLOSING)
    )


def _meaning(error: Exception) -> ExecdError:
    if isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        return LimitReached("no thread can be started: this sandbox is at its limit of processes; later may do")
    return InternalFault("a fault of the daemon's own; its log says more")


def _headers(error: ExecdError) -> tuple[tuple[bytes, bytes], ...]:
    if isinstance(error, MethodNotAllowed) and error.details:
        return ((b"allow", ", ".join(error.details["allow"]).encode()),)
    if isinstance(error, RangeNotSatisfiable) and "size" in (error.details or {}):
        return ((b"content-range", f"bytes */{(error.details or {})['size']}".encode()),)
    return ()


def encoded(error: ExecdError, *, request_id: str) -> bytes:
    """Return the body of an error: code, message, details if there are any, and the request's id."""
    body = ErrorBody(code=ErrorCode(error.code), message=error.message, details=error.details, request_id=request_id)
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        # A path or an argument that is not UTF-8 came along as lone surrogates, which JSON text cannot hold.
        return msgspec.json.encode(_printable(msgspec.to_builtins(body)))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(item) for item in value]
    return value
