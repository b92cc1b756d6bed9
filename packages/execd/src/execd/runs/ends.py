"""How a run ended, as a value, and the one terminal event that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The end of a run in the words of the wire; without a `code` it is a success.

    `exit_code` is there only if the leader exited, `signal` is a name such as `SIGSEGV`.
    """

    cause: str
    code: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    ename: str = ""
    evalue: str = ""
    traceback: tuple[str, ...] = ()
    details: dict[str, Any] | None = None
    state_lost: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the store knows at the end: milliseconds, and bytes the program wrote."""

    execution_time_ms: int
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool
    timestamp_ms: int


def terminal_event(end: End, totals: Totals) -> dict[str, Any]:
    """Return the terminal event: `execution_complete`, or `error` when the end has a code."""
    event: dict[str, Any] = {"type": "execution_complete" if end.code is None else "error"}
    if end.code is not None:
        event["error"] = {"ename": end.ename, "evalue": end.evalue, "traceback": list(end.traceback)}
        event["code"] = end.code
    optional = {"exit_code": end.exit_code, "signal": end.signal, "details": end.details, "state_lost": end.state_lost}
    return {
        **event,
        "cause": end.cause,
        **{name: value for name, value in optional.items() if value is not None},
        "execution_time": totals.execution_time_ms,
        "stdout_bytes": totals.stdout_bytes,
        "stderr_bytes": totals.stderr_bytes,
        "truncated": totals.truncated,
        "timestamp": totals.timestamp_ms,
    }
