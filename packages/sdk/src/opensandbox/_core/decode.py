"""Bodies and events into values, refusals into exceptions; lenient, because daemons differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from opensandbox import _wire, exceptions
from opensandbox.exceptions import (
    ExecdNotReadyException,
    SandboxApiException,
    SandboxException,
    ShuttingDownException,
)
from opensandbox.results import CommandStatus, Version

S = TypeVar("S")

_MESSAGE_LIMIT: Final = 500


def by_code(*roots: type[SandboxException]) -> dict[str, type[SandboxException]]:
    """Return the classes below `roots`, and the roots, by the code each owns."""
    found = {root.code: root for root in roots}
    for root in roots:
        found = by_code(*root.__subclasses__()) | found
    return found


_REFUSALS: Final = by_code(SandboxApiException, ExecdNotReadyException, ShuttingDownException)
_BY_STATUS: Final[dict[int, type[SandboxException]]] = {
    401: exceptions.UnauthorizedException,
    403: exceptions.PermissionDeniedException,
    404: exceptions.NotFoundException,
    409: exceptions.ConflictException,
    413: exceptions.PayloadTooLargeException,
    429: exceptions.LimitReachedException,
    501: exceptions.NotSupportedException,
    507: exceptions.NoSpaceException,
}


class _Tagged(msgspec.Struct):
    type: str


def event_decoder(union: Any) -> Callable[[bytes], Any]:
    """Return a function from an event's data to a struct of `union`, or to None when its type is not in it.

    What cannot be read raises `ValueError`.
    """
    decoder = msgspec.json.Decoder(union)
    tags = {member.__struct_config__.tag for member in union.__args__}

    def decode(data: bytes) -> Any:
        try:
            return decoder.decode(data)
        except msgspec.DecodeError as fault:
            if _read(data, _Tagged, fault).type in tags:
                raise ValueError(str(fault)) from fault
            return None

    return decode


event: Callable[[bytes], _wire.Event | None] = event_decoder(_wire.Event)


def _read(data: bytes, kind: type[S], cause: Exception | None = None) -> S:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise ValueError(str(fault)) from cause or fault


def body(data: bytes, kind: type[S]) -> S:
    """Decode the body of a successful answer; raises `SandboxConnectionException`."""
    try:
        return _read(data, kind)
    except ValueError as fault:
        raise exceptions.SandboxConnectionException(f"the answer cannot be read: {fault}") from fault


def version(data: bytes) -> Version:
    """Decode `/version`."""
    told = body(data, _wire.VersionInfo)
    return Version(
        version=told.version,
        api_version=told.api_version,
        features=frozenset(told.features),
        languages=tuple(told.languages),
    )


def command_status(data: bytes) -> CommandStatus:
    """Decode `/command/status/{id}`."""
    told = body(data, _wire.CommandStatus)
    return CommandStatus(
        id=told.id,
        command=told.content,
        is_running=told.running,
        started_at=moment(told.started_at),
        finished_at=moment(told.finished_at),
        exit_code=told.exit_code,
        signal=told.signal,
        cause=told.cause,
        error=told.error or None,
        background=told.background,
        pid=told.pid,
    )


def commands(data: bytes) -> tuple[list[CommandStatus], str | None]:
    """Decode one page of `/executions`: the commands, and the cursor of the next page."""
    told = body(data, _wire.ExecutionList)
    page = [
        CommandStatus(
            id=one.id,
            command=one.content,
            is_running=one.running,
            started_at=moment(one.started_at),
            finished_at=moment(one.finished_at),
            exit_code=one.exit_code,
            signal=one.signal,
            cause=one.cause,
            error=one.error or None,
            background=one.background,
            pid=one.pid,
        )
        for one in told.executions
    ]
    return page, told.next_cursor


def cursor(headers: Mapping[str, str], *, asked: int) -> tuple[int, int]:
    """Return where a log begins and where it ends; a daemon that cannot tell begins where it was asked to."""
    end = headers.get("execd-commands-tail-cursor", "")
    start = headers.get("execd-commands-log-start", "")
    return int(start) if start.isdecimal() else asked, int(end) if end.isdecimal() else asked


def log_end(headers: Mapping[str, str]) -> int | None:
    """Return where a log ended when its answer began, None where the daemon does not tell."""
    end = headers.get("execd-commands-log-end", "")
    return int(end) if end.isdecimal() else None


def moment(text: str | None) -> datetime | None:
    """Return a moment of the wire, None for one that cannot be read."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def refusal(status: int, data: bytes, headers: Mapping[str, str]) -> SandboxException:
    """Make the exception for an answer outside 2xx: its class by code, else by status; header names in lower case."""
    try:
        said: _wire.ErrorBody | None = _read(data, _wire.ErrorBody)
    except ValueError:
        said = None
    code = None if said is None else said.code
    text = data[:_MESSAGE_LIMIT].decode("utf-8", "replace").strip()
    message = f"HTTP {status}: {text}".rstrip(": ") if said is None else said.message
    error = _class(status, code)(
        message,
        code=code,
        details=None if said is None else said.details,
        request_id=(None if said is None else said.request_id) or headers.get("x-request-id"),
    )
    if isinstance(error, (SandboxApiException, ShuttingDownException)):
        error.status_code = status
    after = headers.get("retry-after", "")
    error.retry_after_s = float(after) if after.isdecimal() else None
    return error


def _class(status: int, code: str | None) -> type[SandboxException]:
    other = exceptions.ServerException if status >= 500 else exceptions.InvalidRequestException
    return _REFUSALS.get(code or "") or _BY_STATUS.get(status, other)
