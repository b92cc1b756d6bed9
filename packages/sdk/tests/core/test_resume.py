"""Every event once, in order, through any breaks; and an honest word when it cannot be."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensandbox._core import calls
from opensandbox._core.resume import RESUME_FOR_S, Resume
from opensandbox._core.sse import Frame
from opensandbox._wire import Event
from opensandbox.exceptions import (
    ExecdNotReadyException,
    ExecutionNotFoundException,
    InvalidRequestException,
    LimitReachedException,
    SandboxConnectionException,
    SandboxException,
    StreamInterruptedException,
)

FEATURES = frozenset({"execution_id", "replay", "output", "disconnect"})
BROKEN = SandboxConnectionException("reset by peer")
UNREACHABLE = ExecdNotReadyException("refused")


def frame(number: int | None, kind: str = "stdout", **fields: object) -> Frame:
    return Frame(number, msgspec.json.encode({"type": kind, "timestamp": 0, "text": "x", **fields}))


PING = frame(None, "ping")
END = frame(3, "execution_complete")


def start(*, can_resume: bool = True, after: int | None = None) -> Resume[Event]:
    request = calls.run_command("true", execution_id="run-1", features=FEATURES)
    if after is not None:
        request = calls.read_events("run-1", after=after)
    return Resume(request, can_resume=can_resume)


def lost(resume: Resume[Event], error: SandboxException | None = BROKEN, *, now: float = 0) -> float:
    return resume.lost(error, now=now, jitter=0.5)


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 31), st.integers(0, 3), st.booleans())))
def test_every_event_is_given_once_in_order_through_any_breaks(count: int, breaks: list[tuple[int, int, bool]]) -> None:
    script = [frame(number) for number in range(1, count)] + [frame(count, "execution_complete")]
    resume, given_out = start(), list[int | None]()
    for upto, repeated, beats in [*breaks, (count, 0, False)]:
        if resume.is_over():
            break
        request = resume.next_request()
        after = int(dict(request.query).get("after", "0"))
        sent = script[max(0, after - repeated) : max(after, upto)]
        given_out += [received.number for received in resume.accept([PING, *sent] if beats else sent)]
        if not resume.is_over():
            lost(resume)
    assert given_out == list(range(1, count + 1))
    assert resume.is_over()


def test_the_start_is_repeated_until_an_event_has_come() -> None:
    resume = start()
    first = resume.next_request()
    assert lost(resume) == 0
    assert resume.next_request() is first
    resume.accept([frame(1, "init")])
    assert resume.next_request() == calls.events_after("run-1", 1)


def test_a_replay_is_asked_for_again_where_it_began() -> None:
    resume = start(after=7)
    assert dict(resume.next_request().query) == {"after": "7"}
    resume.accept([frame(8)])
    assert dict(resume.next_request().query) == {"after": "8"}


def test_a_gap_is_a_fault() -> None:
    resume = start()
    resume.accept([frame(1)])
    with pytest.raises(StreamInterruptedException) as caught:
        resume.accept([frame(4)])
    assert caught.value.error.details == {"expected": 2, "received": 4}


def test_a_gap_that_truncated_names_is_none() -> None:
    resume = start()
    dropped = frame(None, "truncated", **{"from": 2, "to": 8, "stdout_bytes": 1, "stderr_bytes": 0})
    got = resume.accept([frame(1), dropped, frame(9), frame(10, "execution_complete")])
    assert [received.number for received in got] == [1, None, 9, 10]


def test_a_gap_beyond_what_truncated_names_is_a_fault() -> None:
    resume = start()
    dropped = frame(None, "truncated", **{"from": 2, "to": 8, "stdout_bytes": 1, "stderr_bytes": 0})
    with pytest.raises(StreamInterruptedException):
        resume.accept([frame(1), dropped, frame(10)])


def test_an_event_of_an_unknown_type_is_skipped_but_counted() -> None:
    resume = start()
    got = resume.accept([frame(1), frame(2, "hologram"), END])
    assert [received.number for received in got] == [1, 3]


@pytest.mark.parametrize(
    "data", [b"{", b"\xff", b'{"type":"stdout","timestamp":"late"}', b"[]", b'{"type":"stdout","text":"\xff"}']
)
def test_an_event_that_cannot_be_read_is_a_fault(data: bytes) -> None:
    with pytest.raises(StreamInterruptedException):
        start().accept([Frame(1, data)])


def test_nothing_counts_after_the_end() -> None:
    resume = start()
    assert len(resume.accept([frame(1), frame(2, "error", error={"ename": "", "evalue": ""}), frame(3)])) == 2


def test_waits_grow_and_end_within_the_daemons_grace() -> None:
    resume = start()
    resume.accept([frame(1)])
    now, waits = 100.0, list[float]()

    def try_for_ever() -> None:
        nonlocal now
        while True:
            waits.append(lost(resume, UNREACHABLE, now=now))
            now += waits[-1] + 0.01

    with pytest.raises(StreamInterruptedException) as caught:
        try_for_ever()
    assert waits[0] == 0
    assert waits[1:] == sorted(waits[1:])
    assert 100 + RESUME_FOR_S - 6 < now <= 100 + RESUME_FOR_S
    assert RESUME_FOR_S * 1000 < calls.DISCONNECT_GRACE_MS
    assert caught.value.__cause__ is UNREACHABLE


def test_progress_begins_the_time_anew() -> None:
    resume = start()
    for number in range(1, 20):
        resume.accept([frame(number)])
        assert lost(resume, now=number * 40.0) == 0


def test_a_refusal_of_the_start_is_what_the_caller_sees() -> None:
    refused = InvalidRequestException("no such directory")
    with pytest.raises(InvalidRequestException) as caught:
        lost(start(), refused)
    assert caught.value is refused


def test_a_busy_daemon_is_asked_a_few_times() -> None:
    resume, busy = start(), LimitReachedException("later")
    busy.status_code = 429
    waits = [lost(resume, busy) for _ in range(3)]
    assert all(0 < wait < 1 for wait in waits)
    with pytest.raises(LimitReachedException):
        lost(resume, busy)


def test_a_daemon_that_was_never_reached_is_not_waited_for_long() -> None:
    resume = start()
    for _ in range(3):
        lost(resume, UNREACHABLE)
    with pytest.raises(ExecdNotReadyException):
        lost(resume, UNREACHABLE)


def test_a_daemon_that_forgot_the_run_ends_the_stream() -> None:
    resume = start()
    resume.accept([frame(1)])
    lost(resume)
    gone = ExecutionNotFoundException("forgotten")
    gone.status_code = 404
    with pytest.raises(StreamInterruptedException) as caught:
        lost(resume, gone)
    assert caught.value.__cause__ is gone


@pytest.mark.parametrize("error", [BROKEN, None])
def test_a_daemon_without_replay_is_not_asked_for_it(error: SandboxException | None) -> None:
    resume = start(can_resume=False)
    resume.accept([frame(1)])
    with pytest.raises(StreamInterruptedException):
        lost(resume, error)


def test_a_daemon_that_cannot_come_back_is_not_waited_for() -> None:
    resume = start()
    resume.accept([frame(1)])
    with pytest.raises(StreamInterruptedException):
        resume.lost(BROKEN, now=0, jitter=0, is_gone=True)


def test_nothing_newer_ends_a_stream() -> None:
    resume = start(after=3)
    resume.opened(status=204)
    assert resume.is_over()
