"""What a watch is asked for, and what it tells."""

from __future__ import annotations

import uuid
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime

from opensandbox import _wire
from opensandbox._core import decode
from opensandbox._core.files import SandboxPath, text_of
from opensandbox._core.request import Request, StreamRequest, segment
from opensandbox.results import FileChange

event: Callable[[bytes], _wire.WatchEvent | None] = decode.event_decoder(_wire.WatchEvent)


def start(path: SandboxPath, *, recursive: bool) -> StreamRequest[_wire.WatchEvent]:
    """Watch a directory, under an id of ours: asked again, the same watch answers."""
    execution_id = uuid.uuid4().hex
    query = (("path", text_of(path)), ("recursive", "true" if recursive else "false"), ("execution_id", execution_id))
    request = Request(method="GET", path="/files/watch", query=query, is_idempotent=True)
    return StreamRequest(start=request, decode=event, execution_id=execution_id)


def stop(execution_id: str) -> Request:
    """End a watch."""
    return Request(method="DELETE", path=f"/executions/{segment(execution_id)}", is_idempotent=True)


def change(told: _wire.WatchEvent) -> FileChange | None:
    """Return a change as people see it, None for an event that is none."""
    if isinstance(told, (_wire.CreatedEvent, _wire.ModifiedEvent, _wire.RemovedEvent)):
        return FileChange(
            type=_TYPES[type(told)], path=_path(told.path, told.path_b64), timestamp=_moment(told.timestamp)
        )
    if isinstance(told, _wire.MovedEvent):
        return FileChange(
            type="moved",
            path=_path(told.dest, told.dest_b64),
            src=_path(told.src, told.src_b64),
            timestamp=_moment(told.timestamp),
        )
    if isinstance(told, (_wire.OverflowEvent, _wire.TruncatedEvent)):
        return FileChange(type="overflow", path="", timestamp=_moment(told.timestamp))
    return None


_TYPES = {_wire.CreatedEvent: "created", _wire.ModifiedEvent: "modified", _wire.RemovedEvent: "removed"}


def _moment(timestamp_ms: int) -> datetime:
    return datetime.fromtimestamp(timestamp_ms / 1000, tz=UTC)


def _path(text: str, exact: str | None) -> str:
    return text if exact is None else b64decode(exact).decode("utf-8", "surrogateescape")
