from __future__ import annotations

import errno

import pytest

from execd.process.ends import ending, start_failure
from execd.process.states import Exit
from execd.runs.ends import End


def test_only_an_exit_with_0_that_nobody_brought_about_is_a_success() -> None:
    assert ending("exited", Exit(0)) == End(cause="exited", exit_code=0)
    assert ending("interrupted", Exit(0)).code == "INTERRUPTED"


@pytest.mark.parametrize(
    ("cause", "exit_", "code", "evalue", "line"),
    [
        ("exited", Exit(3), "COMMAND_FAILED", "3", "exit status 3"),
        ("signaled", Exit(signal="SIGSEGV"), "COMMAND_FAILED", "-1", "signal SIGSEGV"),
        ("timed_out", Exit(signal="SIGKILL"), "EXECUTION_TIMEOUT", "-1", "timed out (signal SIGKILL)"),
        ("timed_out", Exit(143), "EXECUTION_TIMEOUT", "143", "timed out (exit status 143)"),
        ("interrupted", Exit(signal="SIGTERM"), "INTERRUPTED", "-1", "interrupted (signal SIGTERM)"),
        ("cancelled", None, "CANCELLED", "-1", "cancelled: its readers have left (no exit status)"),
        ("out_of_memory", Exit(signal="SIGKILL"), "OUT_OF_MEMORY", "-1", "killed: out of memory (signal SIGKILL)"),
        ("shutting_down", Exit(0), "SHUTTING_DOWN", "0", "stopped: the daemon is going down (exit status 0)"),
        ("internal_error", None, "RUNTIME_ERROR", "-1", "stopped: a fault of the daemon (no exit status)"),
    ],
)
def test_every_other_end_is_an_error_with_one_line(
    cause: str, exit_: Exit | None, code: str, evalue: str, line: str
) -> None:
    end = ending(cause, exit_)
    assert (end.cause, end.code, end.ename, end.evalue) == (cause, code, "CommandExecError", evalue)
    assert end.traceback == (line,)
    assert (end.exit_code, end.signal) == ((exit_.code, exit_.signal) if exit_ else (None, None))


def test_a_failed_start_has_the_system_s_words_and_number() -> None:
    end = start_failure(FileNotFoundError(errno.ENOENT, "whatever", "nope"))
    assert (end.cause, end.code, end.exit_code) == ("never_started", "COMMAND_FAILED", None)
    assert end.evalue == "No such file or directory: nope"
    assert end.details == {"errno": errno.ENOENT}


def test_a_name_that_is_no_text_is_made_printable() -> None:
    assert start_failure(OSError(errno.ENOENT, "", "/\udcff")).evalue == "No such file or directory: /?"


def test_what_is_too_long_says_to_use_a_file() -> None:
    assert "write it to a file" in start_failure(OSError(errno.E2BIG, "", "/bin/bash")).evalue
