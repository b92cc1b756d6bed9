"""From how a command ended to what its terminal event says."""

from __future__ import annotations

import errno
import os
from typing import Final

from execd.process.states import Exit
from execd.runs.ends import End

_CODES: Final = {
    "exited": "COMMAND_FAILED",
    "signaled": "COMMAND_FAILED",
    "never_started": "COMMAND_FAILED",
    "timed_out": "EXECUTION_TIMEOUT",
    "interrupted": "INTERRUPTED",
    "cancelled": "CANCELLED",
    "out_of_memory": "OUT_OF_MEMORY",
    "shutting_down": "SHUTTING_DOWN",
    "internal_error": "RUNTIME_ERROR",
}
_SAYS: Final = {
    "timed_out": "timed out",
    "interrupted": "interrupted",
    "cancelled": "cancelled: its readers have left",
    "out_of_memory": "killed: out of memory",
    "shutting_down": "stopped: the daemon is going down",
    "internal_error": "stopped: a fault of the daemon",
}
_TOO_LONG: Final = (
    "a command and its environment are limited (128 KiB for one argument): write it to a file and run that"
)
_ENAME: Final = "CommandExecError"


def ending(cause: str, exit_: Exit | None) -> End:
    """Return the end of a command that was started: a success only if it exited by itself with 0."""
    code = exit_.code if exit_ else None
    signal = exit_.signal if exit_ else None
    if (cause, code) == ("exited", 0):
        return End(cause=cause, exit_code=0)
    return End(
        cause=cause,
        code=_CODES[cause],
        exit_code=code,
        signal=signal,
        ename=_ENAME,
        evalue="-1" if code is None else str(code),
        traceback=(_line(cause, code, signal),),
    )


def _line(cause: str, code: int | None, signal: str | None) -> str:
    how = f"exit status {code}" if code is not None else f"signal {signal}" if signal else "no exit status"
    return f"{_SAYS[cause]} ({how})" if cause in _SAYS else how


def start_failure(error: OSError) -> End:
    """Return the end of a command that the system refused to start, in the system's words."""
    number = error.errno or errno.EIO
    words = os.strerror(number)
    if number == errno.E2BIG:
        words += f": {_TOO_LONG}"
    elif error.filename:
        # What came from an environment may not be UTF-8, and then has no place in JSON.
        words += f": {os.fsdecode(error.filename)}".encode(errors="replace").decode()
    return End(
        cause="never_started",
        code=_CODES["never_started"],
        ename=_ENAME,
        evalue=words,
        traceback=(words,),
        details={"errno": number},
    )
