"""Runs as the wire shows them. Sans-IO."""

from __future__ import annotations

import time

from execd._wire import Cause, CommandStatus, Execution, ExecutionKind, OutputMode
from execd.runs.ends import End
from execd.runs.run import Run


def command_status(run: Run) -> CommandStatus:
    """Return the status of a command, in the form that deployed clients read."""
    end = run.end
    return CommandStatus(
        id=run.id,
        content=run.asked.content,
        running=end is None,
        started_at=rfc3339(run.started_at_ms),
        finished_at=None if run.finished_at_ms is None else rfc3339(run.finished_at_ms),
        exit_code=end.exit_code if end else None,
        error=error_text(end),
        cause=Cause(end.cause) if end else None,
        signal=end.signal if end else None,
        background=run.policy.background,
        pid=run.pid,
    )


def execution(run: Run) -> Execution:
    """Return an execution of any kind."""
    end = run.end
    store = run.store
    return Execution(
        id=run.id,
        kind=ExecutionKind(run.kind),
        content=run.asked.content,
        running=end is None,
        started_at=rfc3339(run.started_at_ms),
        finished_at=None if run.finished_at_ms is None else rfc3339(run.finished_at_ms),
        cause=Cause(end.cause) if end else None,
        exit_code=end.exit_code if end else None,
        signal=end.signal if end else None,
        error=error_text(end),
        pid=run.pid,
        background=run.policy.background,
        # The output of a cell is cut in a way that nobody chooses.
        output=None if run.policy.mode == "whole" else OutputMode(run.policy.mode),
        first_event=store.floor.first_event,
        last_event=store.next_event - 1,
        stdout_bytes=store.stdout_bytes,
        stderr_bytes=store.stderr_bytes,
        truncated=run.truncated,
    )


def error_text(end: End | None) -> str | None:
    """Return one line about an end that is no success."""
    if end is None or end.code is None:
        return None
    return end.traceback[0] if end.traceback else f"{end.ename}: {end.evalue}"


def rfc3339(time_ms: int) -> str:
    """Return Unix milliseconds as RFC 3339 in UTC, with milliseconds and `Z`.

    >>> rfc3339(1795412412588)
    '2026-11-23T05:40:12.588Z'
    """
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03}Z"
