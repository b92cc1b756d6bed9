"""What each call sends, decided before anything is sent; misuse ends here, as `TypeError` or `ValueError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from opensandbox import _wire
from opensandbox._core import arguments, decode
from opensandbox._core.request import TRIES, Request, StreamRequest, segment
from opensandbox.exceptions import NotSupportedException

DISCONNECT_GRACE_MS: Final = 60_000
"""How long the daemon keeps a run whose connection broke: longer than the SDK tries to come back."""
STOP_SILENCE_S: Final = 300.0
"""An interrupt is answered when the program is gone, after the daemon's own grace, which is a setting."""
BRIEF_SILENCE_S: Final = 5.0
"""How long a cancelled call waits for its interrupt."""
_PAGE: Final = 1000


def run_command(
    command: str | Sequence[str],
    *,
    execution_id: str,
    features: AbstractSet[str],
    working_dir: str | None = None,
    envs: Mapping[str, str] | None = None,
    timeout: float | None = None,
    user: str | None = None,
    uid: int | None = None,
    gid: int | None = None,
    stdin: bool = False,
    max_output_bytes: int | None = None,
    memory_limit_bytes: int | None = None,
    pids_limit: int | None = None,
    background: bool = False,
) -> StreamRequest[_wire.Event]:
    """Start a command. `execution_id` is used where the daemon lets the client choose."""
    if gid is not None and uid is None:
        raise ValueError("gid needs uid")
    named = "execution_id" in features
    wanted = {
        **arguments.program(command),
        "cwd": None if working_dir is None else arguments.text("working_dir", working_dir),
        "envs": arguments.environment(envs),
        "timeout": arguments.milliseconds(timeout),
        "user": None if user is None else arguments.text("user", user),
        "uid": None if uid is None else arguments.count("uid", uid),
        "gid": None if gid is None else arguments.count("gid", gid),
        "stdin": "pipe" if stdin else None,
        "max_output_bytes": None if max_output_bytes is None else arguments.count("max_output_bytes", max_output_bytes),
        "memory_limit_bytes": arguments.at_least("memory_limit_bytes", memory_limit_bytes, arguments.LEAST_MEMORY),
        "pids_limit": arguments.at_least("pids_limit", pids_limit, 1),
        "background": background or None,
        "output": "chunks" if "output" in features else None,
        "execution_id": execution_id if named else None,
    }
    if "disconnect" in features and not background:
        wanted |= {"on_disconnect": "kill", "disconnect_grace_ms": DISCONNECT_GRACE_MS}
    fields = {name: value for name, value in wanted.items() if value is not None}
    for name in ("user", "stdin", "max_output_bytes"):
        if name in fields:
            require(features, name)
    if "memory_limit_bytes" in fields or "pids_limit" in fields:
        require(features, "run_limits")
    body = msgspec.json.encode(_wire.RunCommandRequest(**fields))
    start = Request(
        method="POST", path="/command", body=body, content_type="application/json", is_idempotent=named
    )  # fmt: skip
    return StreamRequest(start=start, decode=decode.event, execution_id=execution_id if named else None)


def create_session(
    *,
    session_id: str,
    features: AbstractSet[str],
    working_dir: str | None = None,
    envs: Mapping[str, str] | None = None,
) -> Request:
    """Start a live shell. `session_id` is used where sessions take one: then the start can be repeated safely."""
    named = "sessions" in features
    wanted = {
        "cwd": None if working_dir is None else arguments.text("working_dir", working_dir),
        "envs": arguments.environment(envs),
        "session_id": session_id if named else None,
    }
    fields: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    return Request(
        method="POST",
        path="/session",
        body=msgspec.json.encode(_wire.CreateSessionRequest(**fields)),
        content_type="application/json",
        is_idempotent=named,
        silence_s=STOP_SILENCE_S,
    )


def run_in_session(
    session_id: str,
    command: str,
    *,
    execution_id: str,
    features: AbstractSet[str],
    working_dir: str | None = None,
    timeout: float | None = None,
    max_output_bytes: int | None = None,
) -> StreamRequest[_wire.Event]:
    """Run a command in a live shell. `execution_id` is used where sessions take one."""
    if not isinstance(command, str):
        raise TypeError(f"command must be a string: a session's shell reads it; not {type(command).__name__}")
    if not command.strip():
        raise ValueError("command is blank")
    named = "sessions" in features
    wanted: dict[str, Any] = {
        "command": arguments.text("command", command),
        "cwd": None if working_dir is None else arguments.text("working_dir", working_dir),
        "timeout": arguments.milliseconds(timeout),
        "max_output_bytes": None if max_output_bytes is None else arguments.count("max_output_bytes", max_output_bytes),
    }
    if named:
        wanted |= {"output": "chunks", "execution_id": execution_id}
        wanted |= {"on_disconnect": "kill", "disconnect_grace_ms": DISCONNECT_GRACE_MS}
    elif max_output_bytes is not None:
        require(features, "sessions")
    fields = {name: value for name, value in wanted.items() if value is not None}
    start = Request(
        method="POST",
        path=f"/session/{segment(session_id)}/run",
        body=msgspec.json.encode(_wire.RunInSessionRequest(**fields)),
        content_type="application/json",
        is_idempotent=named,
    )
    return StreamRequest(start=start, decode=decode.event, execution_id=execution_id if named else None)


def delete_session(session_id: str) -> Request:
    """End a live shell and what it started; answered when nothing of it is left."""
    return Request(
        method="DELETE",
        path=f"/session/{segment(session_id)}",
        is_idempotent=True,
        silence_s=STOP_SILENCE_S,
        settled_by=frozenset({"SESSION_NOT_FOUND"}),
    )


def read_events(execution_id: str, *, after: int = 0) -> StreamRequest[_wire.Event]:
    """Replay what came after event `after`, then follow."""
    return StreamRequest(
        start=events_after(execution_id, after), decode=decode.event, execution_id=execution_id, after=after
    )  # fmt: skip


def events_after(execution_id: str, after: int) -> Request:
    """Ask for a run's events after a number."""
    path = f"/executions/{segment(execution_id)}/events"
    return Request(method="GET", path=path, query=(("after", str(after)),), is_idempotent=True)


def interrupt(execution_id: str, *, silence_s: float = STOP_SILENCE_S) -> Request:
    """Stop a command; answered when it is gone."""
    return Request(
        method="DELETE",
        path="/command",
        query=(("id", execution_id),),
        is_idempotent=True,
        silence_s=silence_s,
        settled_by=frozenset({"ALREADY_FINISHED"}),
    )


def command_status(execution_id: str) -> Request:
    """Ask how a command stands."""
    return Request(method="GET", path=f"/command/status/{segment(execution_id)}", is_idempotent=True)


def read_log(
    execution_id: str, *, features: AbstractSet[str], cursor: int, stream: str | None = None, until: int | None = None
) -> Request:
    """Read what a command has written from a place on: both streams, or one where the daemon can tell them apart."""
    if isinstance(cursor, bool) or not isinstance(cursor, int):
        raise TypeError(f"cursor must be a number, not {type(cursor).__name__}")
    if cursor < 0:
        raise ValueError("cursor must not be negative")
    query = [("cursor", str(cursor))]
    if stream is not None:
        require(features, "logs")
        query.append(("stream", stream))
    if until is not None:
        query.append(("until", str(until)))
    return Request(
        method="GET", path=f"/command/{segment(execution_id)}/logs", query=tuple(query), is_idempotent=True
    )  # fmt: skip


def list_commands(*, features: AbstractSet[str], running: bool | None = None, cursor: str | None = None) -> Request:
    """Ask for one page of commands, of those that run or of those that have ended where that is wanted."""
    require(features, "replay")
    query = [("kind", "command"), ("limit", str(_PAGE))]
    if running is not None:
        query.append(("running", "true" if running else "false"))
    if cursor is not None:
        query.append(("cursor", cursor))
    return Request(method="GET", path="/executions", query=tuple(query), is_idempotent=True)


def send_signal(execution_id: str, name: str, *, features: AbstractSet[str]) -> Request:
    """Send a signal by name. Not idempotent: who gets a signal twice may notice."""
    require(features, "signal")
    body = msgspec.json.encode(_wire.SignalRequest(signal=arguments.signal_name(name)))
    path = f"/executions/{segment(execution_id)}/signal"
    return Request(method="POST", path=path, body=body, content_type="application/json")


def execution(execution_id: str) -> Request:
    """Ask how any execution stands."""
    return Request(method="GET", path=f"/executions/{segment(execution_id)}", is_idempotent=True)


def write_stdin(
    execution_id: str, data: bytes, *, end: bool = False, write_id: str | None = None, offset: int = 0
) -> Request:
    """Write to a command's standard input, or end it; waits while the program does not read.

    With a `write_id`, in which `data` begins at `offset`, its sender may repeat it, and chooses how much of it. Without
    one it is not idempotent: nobody can say how much of a broken write arrived. An end without bytes is.
    """
    query = [("eof", "true")] if end else []
    if write_id is not None:
        query += [("write_id", write_id), ("offset", str(offset))]
    return Request(
        method="POST",
        path=f"/executions/{segment(execution_id)}/stdin",
        query=tuple(query),
        body=data,
        content_type="application/octet-stream",
        is_idempotent=not data,
        tries=TRIES if write_id is None else 1,
        silence_s=None,
        settled_by=frozenset({"STDIN_CLOSED"}),
    )


def version() -> Request:
    """Ask what the daemon is and has."""
    return Request(method="GET", path="/version", is_idempotent=True)


def probe(path: str) -> Request:
    """Ask `/ping` or `/ready`, once: the answer is about this moment."""
    return Request(method="GET", path=path, is_idempotent=True, tries=1)


def require(features: AbstractSet[str], feature: str) -> None:
    """Say so when a call needs what the daemon does not have."""
    if feature not in features:
        raise NotSupportedException(f"this daemon does not support {feature!r}", details={"feature": feature})
