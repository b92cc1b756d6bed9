"""How the end of a cell reaches the caller: what its code raised is returned, any other bad end is raised."""

from __future__ import annotations

from typing import Final

from code_interpreter import _wire
from code_interpreter._core.execution import Fold, is_raised
from code_interpreter.results import CodeExecution
from opensandbox.exceptions import (
    CancelledException,
    ExecutionTimeoutException,
    InterruptedException,
    KernelDiedException,
    OutOfMemoryException,
    ProgramException,
    SandboxException,
    ServerException,
    ShuttingDownException,
)

_BAD_ENDS: Final[dict[str, type[ProgramException | ServerException]]] = {
    each.code: each
    for each in (
        CancelledException,
        ExecutionTimeoutException,
        InterruptedException,
        KernelDiedException,
        OutOfMemoryException,
        ServerException,
        ShuttingDownException,
    )
}


def conclude(fold: Fold) -> CodeExecution:
    """Return the execution of a cell whose stream is over, or raise for it."""
    execution = fold.execution()
    fault = fold.fault()
    if fault is not None:
        fault.execution = execution
        raise fault
    end = fold.end
    if isinstance(end, _wire.ErrorEvent) and not is_raised(end):
        raise _failure(end, execution)
    return execution


def _failure(end: _wire.ErrorEvent, execution: CodeExecution) -> SandboxException:
    code = end.code or ProgramException.code
    failed = _BAD_ENDS.get(code, ProgramException)(
        end.error.evalue or f"the cell ended: {execution.cause}",
        code=code,
        details={**(end.details or {}), "cause": execution.cause, "state_lost": execution.state_lost},
    )
    failed.execution = execution
    if isinstance(failed, ProgramException):
        failed.state_lost = execution.state_lost
    return failed
