"""What is tried again, and when."""

from __future__ import annotations

import pytest

from opensandbox._core import calls
from opensandbox._core.request import TRIES, Request
from opensandbox._core.retry import backoff, is_settled, wait_before_retry
from opensandbox.exceptions import (
    AlreadyFinishedException,
    BadGatewayException,
    ExecdNotReadyException,
    InvalidRequestException,
    LimitReachedException,
    RequestTimeoutException,
    SandboxApiException,
    SandboxConnectionException,
    SandboxException,
    ServerException,
)

READ = Request(method="GET", path="/ping", is_idempotent=True)
WRITE = Request(method="POST", path="/executions/a/stdin")


def refused(kind: type[SandboxApiException], status: int) -> SandboxApiException:
    error = kind("no")
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (SandboxConnectionException("reset"), True),
        (ExecdNotReadyException("refused"), True),
        (refused(LimitReachedException, 429), True),
        (refused(BadGatewayException, 502), True),
        (refused(ServerException, 503), True),
        (refused(ServerException, 500), False),
        (refused(InvalidRequestException, 400), False),
        (RequestTimeoutException("silence"), True),
    ],
)
def test_a_repeatable_request_is_tried_again_after_what_passes(error: SandboxException, again: bool) -> None:
    assert (wait_before_retry(READ, error, tries=1, jitter=0.5) is not None) is again


def test_what_cannot_be_repeated_is_tried_again_only_if_it_never_left() -> None:
    assert wait_before_retry(WRITE, SandboxConnectionException("reset"), tries=1, jitter=0) is None
    assert wait_before_retry(WRITE, ExecdNotReadyException("refused"), tries=1, jitter=0) is not None


@pytest.mark.parametrize(
    ("error", "most"),
    [
        (ExecdNotReadyException("refused"), TRIES),
        (SandboxConnectionException("reset"), 12),
        (RequestTimeoutException("silence"), 2),
    ],
)
def test_a_few_tries_and_no_more(error: SandboxException, most: int) -> None:
    assert wait_before_retry(READ, error, tries=most - 1, jitter=0) is not None
    assert wait_before_retry(READ, error, tries=most, jitter=0) is None


def test_who_asks_about_this_moment_asks_once() -> None:
    assert wait_before_retry(calls.probe("/ping"), SandboxConnectionException("reset"), tries=1, jitter=0) is None


def test_a_connection_that_breaks_again_and_again_is_not_waited_for_long() -> None:
    error = SandboxConnectionException("reset")
    waits = [wait_before_retry(READ, error, tries=tries, jitter=1) or 0 for tries in range(1, 12)]
    assert waits == sorted(waits)
    assert sum(waits) < 9


def test_waits_double_and_are_spread() -> None:
    error = SandboxConnectionException("reset")
    assert [backoff(tries, error, jitter=1) for tries in (1, 2, 3)] == [0.1, 0.2, 0.4]
    assert backoff(50, error, jitter=1) == 5
    assert backoff(1, error, jitter=0) == 0.05


def test_the_daemons_own_wish_goes_before_within_reason() -> None:
    error = refused(LimitReachedException, 429)
    error.retry_after_s = 3
    assert backoff(1, error, jitter=0) == 3
    error.retry_after_s = 3600
    assert backoff(1, error, jitter=0) == 20


def test_a_repeated_request_that_finds_its_work_done_has_succeeded() -> None:
    stop = Request(method="DELETE", path="/command", settled_by=frozenset({"ALREADY_FINISHED"}))
    finished = AlreadyFinishedException("it ended")
    assert is_settled(stop, finished, tries=1)
    assert not is_settled(stop, finished, tries=0)
