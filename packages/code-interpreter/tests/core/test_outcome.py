"""What the code raised is returned; what happened to it is raised, by the class of its code."""

from __future__ import annotations

import pickle

import pytest

from code_interpreter import CodeExecution
from code_interpreter._core.outcome import conclude
from opensandbox.exceptions import (
    CancelledException,
    ExecutionFailedException,
    ExecutionTimeoutException,
    InterruptedException,
    KernelDiedException,
    OutOfMemoryException,
    ProgramException,
    SandboxException,
    ServerException,
    ShuttingDownException,
    StreamInterruptedException,
)

from ..worlds import done, failed, init, out
from .test_execution import fold_of


def test_a_cell_that_is_done_is_returned() -> None:
    execution = conclude(fold_of(init(), done())[0])
    assert execution.check() is execution


@pytest.mark.parametrize("code", ["EXECUTION_FAILED", None])
def test_what_the_code_raised_is_returned_and_raised_on_demand(code: str | None) -> None:
    execution = conclude(fold_of(init(), failed(code, cause="raised"))[0])
    with pytest.raises(ExecutionFailedException, match="ZeroDivisionError: division by zero") as caught:
        execution.check()
    assert caught.value.execution is execution
    assert caught.value.state_lost is False
    assert caught.value.error.details == {
        "name": "ZeroDivisionError", "value": "division by zero", "traceback": ["line 1", "line 2"],
    }  # fmt: skip


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize(
    ("code", "cause", "kind"),
    [
        ("EXECUTION_TIMEOUT", "timed_out", ExecutionTimeoutException),
        ("KERNEL_DIED", "kernel_died", KernelDiedException),
        ("OUT_OF_MEMORY", "out_of_memory", OutOfMemoryException),
        ("INTERRUPTED", "interrupted", InterruptedException),
        ("CANCELLED", "cancelled", CancelledException),
        ("SHUTTING_DOWN", "shutting_down", ShuttingDownException),
        ("RUNTIME_ERROR", "internal_error", ServerException),
        ("BRAND_NEW", "brand_new", ProgramException),
    ],
)
def test_every_other_end_is_raised_with_what_came(
    code: str, cause: str, kind: type[SandboxException], lost: bool
) -> None:
    end = failed(code, cause=cause, state_lost=lost, stdout_bytes=2, details={"signal": "SIGKILL"})
    fold, _ = fold_of(init("c1"), out("hi"), end)
    with pytest.raises(kind, match="division by zero") as caught:
        conclude(fold)
    error = caught.value
    assert error.error.code == code
    assert error.error.details == {"signal": "SIGKILL", "cause": cause, "state_lost": lost}
    execution = getattr(error, "execution", None)
    assert isinstance(execution, CodeExecution)
    assert (execution.id, execution.stdout, execution.state_lost) == ("c1", "hi", lost)
    assert getattr(error, "state_lost", lost) is lost


def test_a_timeout_is_pythons_error_too() -> None:
    with pytest.raises(TimeoutError):
        conclude(fold_of(init(), failed("EXECUTION_TIMEOUT", cause="timed_out"))[0])


def test_an_end_without_words_is_told_by_its_cause() -> None:
    end = failed("KERNEL_DIED", cause="kernel_died", error={"ename": "", "evalue": ""})
    with pytest.raises(KernelDiedException, match="the cell ended: kernel_died"):
        conclude(fold_of(init(), end)[0])


def test_a_broken_stream_is_raised_with_what_came() -> None:
    with pytest.raises(StreamInterruptedException) as caught:
        conclude(fold_of(init("c1"), out("a"))[0])
    assert caught.value.execution is not None
    assert (caught.value.execution.id, caught.value.execution.stdout) == ("c1", "a")


def test_exceptions_pickle_with_their_execution() -> None:
    with pytest.raises(KernelDiedException) as caught:
        conclude(fold_of(init("c1"), out("a"), failed("KERNEL_DIED", cause="kernel_died", stdout_bytes=1))[0])
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.execution == caught.value.execution
    assert again.error == caught.value.error
