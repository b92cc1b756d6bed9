"""How a command in a live shell ended, as the content of a kernel's reply. Sans-IO."""

from __future__ import annotations

from typing import Any, Final

ENAME: Final = "CommandExecError"
"""The name of a failure, as of a command that was run by itself."""


def reply(code: int, *, count: int, interrupted: bool, leaves: bool) -> dict[str, Any]:
    """Return the reply to the cell of this number; `leaves` is whether the shell has ended with it."""
    payload = [{"source": "ask_exit", "keepkernel": False}] if leaves else []
    return {"execution_count": count, "payload": payload, **_outcome(code, interrupted=interrupted)}


def _outcome(code: int, *, interrupted: bool) -> dict[str, Any]:
    if code == 0:
        return {"status": "ok"}
    if interrupted:
        return {"status": "abort"}
    return {"status": "error", "ename": ENAME, "evalue": str(code), "traceback": [f"exit status {code}"]}
