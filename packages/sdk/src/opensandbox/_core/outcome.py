"""How the end of a run reaches the caller: returned, or raised as the exception that its code names."""

from __future__ import annotations

from typing import Final

from opensandbox import _wire
from opensandbox._core.decode import by_code
from opensandbox._core.execution import Fold
from opensandbox.exceptions import (
    ProgramException,
    SandboxException,
    ServerException,
)
from opensandbox.results import Execution

_BAD_ENDS: Final = by_code(ProgramException, ServerException)
_NEVER_DATA: Final = frozenset({"SHUTTING_DOWN", "RUNTIME_ERROR"})
"""Not the program's end but the daemon's: raised whatever the caller checks."""
_STDERR_TAIL: Final = 4096
_LINE_LIMIT: Final = 200


def conclude(fold: Fold, *, check: bool) -> Execution:
    """Return the execution of a run whose stream is over, or raise for it; with `check` every bad end raises."""
    execution = fold.execution()
    fault = fold.fault()
    if fault is not None:
        fault.execution = execution
        raise fault
    if isinstance(fold.end, _wire.ErrorEvent):
        code = fold.end.code or "COMMAND_FAILED"
        if check or code in _NEVER_DATA:
            raise _failure(code, execution, fold.end)
    return execution


def _failure(code: str, execution: Execution, end: _wire.ErrorEvent) -> SandboxException:
    stderr = execution.stderr[-_STDERR_TAIL:]
    error = _BAD_ENDS.get(code, ProgramException)(
        f"{_how(execution)}{_why(stderr, execution)}",
        code=code,
        details={
            **(end.details or {}),
            "exit_code": execution.exit_code,
            "signal": execution.signal,
            "cause": execution.cause,
            "stderr": stderr,
        },
    )
    if isinstance(error, (ProgramException, ServerException)):
        error.execution = execution
    return error


def _how(execution: Execution) -> str:
    match execution.cause:
        case "exited":
            return f"the command exited with code {execution.exit_code}"
        case "signaled":
            return f"the command was killed by {execution.signal}"
        case "never_started":
            return "the command could not be started"
        case "timed_out":
            return "the command was stopped at its timeout"
        case "out_of_memory":
            return "the command was killed because memory ran out"
        case cause:
            return f"the command ended: {cause}"


def _why(stderr: str, execution: Execution) -> str:
    """Return the last thing the program said, or what the daemon says of a program that never ran."""
    if execution.cause == "never_started" and execution.error is not None:
        return f": {execution.error.value}"
    last = stderr.strip().rpartition("\n")[2].strip()
    return f": {last[:_LINE_LIMIT]}" if last else ""
