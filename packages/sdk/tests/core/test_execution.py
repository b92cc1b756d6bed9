"""An execution is what the program wrote, however it was cut into events."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opensandbox._core.execution import Fold, Mode
from opensandbox._core.outcome import conclude
from opensandbox._wire import (
    ErrorDetail,
    ErrorEvent,
    Event,
    ExecutionCompleteEvent,
    InitEvent,
    PingEvent,
    StderrEvent,
    StdoutEvent,
    TruncatedEvent,
)
from opensandbox.exceptions import (
    CancelledException,
    CommandFailedException,
    ExecutionTimeoutException,
    InterruptedException,
    OutOfMemoryException,
    ProgramException,
    SandboxException,
    ServerException,
    ShuttingDownException,
    StreamInterruptedException,
)

CHUNKS = st.lists(
    st.tuples(
        st.sampled_from([StdoutEvent, StderrEvent]),
        st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=8),
    )
)


def event(kind: type[StdoutEvent | StderrEvent], data: bytes, at: int) -> Event:
    try:
        return kind(text=data.decode(), timestamp=at)
    except UnicodeDecodeError:
        return kind(data=b64encode(data).decode(), timestamp=at)


def fold_of(*events: Event, mode: Mode = "chunks", keep: int | None = None) -> Fold:
    fold = Fold(mode=mode, keep=keep)
    for each in events:
        fold.add(each)
    return fold


def done(stdout: int = 0, stderr: int = 0, *, truncated: bool = False) -> ExecutionCompleteEvent:
    return ExecutionCompleteEvent(
        cause="exited", exit_code=0, execution_time=1500, stdout_bytes=stdout, stderr_bytes=stderr, truncated=truncated,
        timestamp=9,
    )  # fmt: skip


def ended(code: str | None, cause: str | None, **more: object) -> ErrorEvent:
    detail = ErrorDetail(ename="CommandExecError", evalue="3", traceback=["exit status 3"])
    return ErrorEvent(error=detail, code=code, cause=cause, timestamp=9, **more)  # type: ignore[arg-type]


@given(CHUNKS, st.data())
@example([(StdoutEvent, b"\xe2"), (StdoutEvent, b"\x82\xac")], None)
def test_output_is_the_bytes_that_were_written_under_any_cutting(
    chunks: list[tuple[type[StdoutEvent | StderrEvent], bytes]], data: st.DataObject | None
) -> None:
    expected = {
        kind: b"".join(piece for of, piece in chunks if of is kind) for kind in (StdoutEvent, StderrEvent)
    }  # fmt: skip
    events: list[Event] = []
    for kind, piece in chunks:
        at = 0 if data is None else data.draw(st.integers(0, len(piece)))
        events += [event(kind, part, len(events)) for part in (piece[:at], piece[at:]) if part]
    end = done(len(expected[StdoutEvent]), len(expected[StderrEvent]))
    execution = conclude(fold_of(*events, end), check=True)
    assert execution.stdout_bytes == expected[StdoutEvent]
    assert execution.stderr_bytes == expected[StderrEvent]
    assert execution.stdout == expected[StdoutEvent].decode("utf-8", "replace")
    assert execution.stderr == expected[StderrEvent].decode("utf-8", "replace")


def test_the_end_is_told_in_the_words_of_the_api() -> None:
    execution = conclude(fold_of(InitEvent(text="a1", timestamp=1), done()), check=True)
    assert (execution.id, execution.exit_code, execution.cause, execution.duration) == ("a1", 0, "exited", 1.5)


@pytest.mark.parametrize(("stdout", "stderr"), [(4, 0), (2, 0), (3, 1)])
def test_bytes_that_do_not_add_up_are_a_broken_stream(stdout: int, stderr: int) -> None:
    fold = fold_of(StdoutEvent(text="äb", timestamp=0), done(stdout, stderr))
    with pytest.raises(StreamInterruptedException) as caught:
        conclude(fold, check=False)
    assert caught.value.error.details == {
        "expected": {"stdout": stdout, "stderr": stderr},
        "received": {"stdout": 3, "stderr": 0},
    }
    assert caught.value.execution is not None
    assert caught.value.execution.stdout == "äb"


def test_a_stream_without_an_end_is_a_broken_stream() -> None:
    with pytest.raises(StreamInterruptedException):
        conclude(fold_of(InitEvent(text="a", timestamp=0)), check=False)


@pytest.mark.parametrize(
    "events",
    [
        (TruncatedEvent(from_=2, to=9, stdout_bytes=5, stderr_bytes=0, timestamp=0), done(100)),
        (done(100, truncated=True),),
    ],
)
def test_dropped_output_is_told_and_not_a_fault(events: tuple[Event, ...]) -> None:
    assert conclude(fold_of(*events), check=True).truncated


ENDS = [
    ("COMMAND_FAILED", "exited", CommandFailedException),
    ("COMMAND_FAILED", "signaled", CommandFailedException),
    ("COMMAND_FAILED", "never_started", CommandFailedException),
    ("EXECUTION_TIMEOUT", "timed_out", ExecutionTimeoutException),
    ("INTERRUPTED", "interrupted", InterruptedException),
    ("CANCELLED", "cancelled", CancelledException),
    ("OUT_OF_MEMORY", "out_of_memory", OutOfMemoryException),
    ("A_CODE_OF_TOMORROW", "abducted", ProgramException),
]


@pytest.mark.parametrize(("code", "cause", "kind"), ENDS)
def test_a_bad_end_of_the_program_raises_its_class_and_carries_the_run(
    code: str, cause: str, kind: type[SandboxException]
) -> None:
    fold = fold_of(
        StderrEvent(text="first\nlast\n", timestamp=0), ended(code, cause, exit_code=3, details={"errno": 2})
    )
    with pytest.raises(kind) as caught:
        conclude(fold, check=True)
    assert type(caught.value) is kind
    assert caught.value.error.code == code
    assert caught.value.error.details == {
        "exit_code": 3, "signal": None, "cause": cause, "stderr": "first\nlast\n", "errno": 2,
    }  # fmt: skip
    assert isinstance(caught.value, ProgramException)
    assert caught.value.execution is not None
    assert caught.value.execution.stderr == "first\nlast\n"


@pytest.mark.parametrize(("code", "cause", "_"), ENDS)
def test_without_check_a_bad_end_of_the_program_is_a_result(code: str, cause: str, _: object) -> None:
    execution = conclude(fold_of(ended(code, cause, signal="SIGTERM")), check=False)
    assert (execution.cause, execution.signal) == (cause, "SIGTERM")
    assert execution.error is not None
    assert execution.error.value == "3"


@pytest.mark.parametrize(
    ("code", "cause", "kind"),
    [("SHUTTING_DOWN", "shutting_down", ShuttingDownException), ("RUNTIME_ERROR", "internal_error", ServerException)],
)
def test_an_end_by_the_daemon_always_raises(code: str, cause: str, kind: type[SandboxException]) -> None:
    with pytest.raises(kind) as caught:
        conclude(fold_of(ended(code, cause)), check=False)
    assert getattr(caught.value, "execution", None) is not None


def test_a_daemon_without_extensions_gives_lines_and_no_end_fields() -> None:
    events = [StdoutEvent(text=text, timestamp=0) for text in ("a", "\n", "b")]
    execution = conclude(fold_of(*events, ExecutionCompleteEvent(timestamp=1), mode="lines"), check=True)
    assert (execution.stdout, execution.exit_code, execution.cause) == ("a\n\nb\n", 0, "exited")
    failed = conclude(fold_of(ended(None, None), mode="lines"), check=False)
    assert failed.exit_code == 3


def test_a_stream_keeps_only_the_end_of_its_output() -> None:
    events = [StdoutEvent(text=f"{at:09}\n", timestamp=at) for at in range(1000)]
    execution = conclude(fold_of(*events, done(10_000), keep=100), check=True)
    assert execution.stdout == "".join(f"{at:09}\n" for at in range(990, 1000))
    assert execution.logs.stdout[-1].timestamp.timestamp() == 0.999


def test_a_heartbeat_says_nothing() -> None:
    fold = fold_of(PingEvent(text="pong", timestamp=0))
    assert fold.execution().stdout == ""
