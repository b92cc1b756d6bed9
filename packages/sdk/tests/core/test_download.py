"""A body is whole whatever breaks on the way, and never half of one thing and half of another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensandbox._core import files
from opensandbox._core.download import Download
from opensandbox._core.resume import RESUME_FOR_S
from opensandbox.exceptions import (
    ExecdNotReadyException,
    FileNotFoundException,
    LimitReachedException,
    RequestTimeoutException,
    SandboxApiException,
    SandboxConnectionException,
    SandboxException,
    StreamInterruptedException,
)

BROKEN = SandboxConnectionException("reset by peer")
RESUMABLE = {"etag": '"v1"', "accept-ranges": "bytes"}


def lost(download: Download, error: SandboxException = BROKEN, *, now: float = 0, is_gone: bool = False) -> float:
    return download.lost(error, now=now, jitter=0.5, is_gone=is_gone)


def answered(download: Download, content: bytes, *, upto: int, etag: str = '"v1"') -> bytes:
    """Answer the next request as a daemon does, up to an offset at which the connection breaks."""
    headers = download.next_request().headers
    start = 0
    if headers.get("If-Range") == etag:
        start = int(headers["Range"].removeprefix("bytes=").removesuffix("-"))
    told = {**RESUMABLE, "etag": etag, **({"content-range": f"bytes {start}-9/10"} if start else {})}
    download.opened(status=206 if start else 200, headers=told)
    return download.accept(content[start : max(start, upto)])


@given(st.binary(max_size=40), st.lists(st.integers(0, 41)))
def test_the_bytes_are_the_files_through_any_breaks(content: bytes, breaks: list[int]) -> None:
    download = Download(files.download("a"))
    received = b""
    for upto in breaks:
        received += answered(download, content, upto=upto)
        lost(download)
    received += answered(download, content, upto=len(content))
    assert received == content


def test_a_file_that_was_replaced_meanwhile_is_not_mixed_with_the_new_one() -> None:
    download = Download(files.download("a"))
    answered(download, b"0123456789", upto=4)
    lost(download)
    with pytest.raises(StreamInterruptedException, match="changed while it was read: after 4 bytes"):
        answered(download, b"9876543210", upto=10, etag='"v2"')


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, RESUMABLE),
        (206, {**RESUMABLE, "content-range": "bytes 3-9/10"}),
        (206, RESUMABLE),
        (206, {**RESUMABLE, "content-range": "bytes 4-9/10", "etag": '"v2"'}),
    ],
)
def test_only_an_answer_that_says_that_it_continues_is_taken(status: int, headers: dict[str, str]) -> None:
    download = Download(files.download("a"))
    answered(download, b"0123456789", upto=4)
    lost(download)
    with pytest.raises(StreamInterruptedException):
        download.opened(status=status, headers=headers)


@pytest.mark.parametrize("headers", [{}, {"etag": '"v1"'}, {"accept-ranges": "bytes"}, {**RESUMABLE, "etag": 'W/"v1"'}])
def test_what_cannot_be_resumed_is_told_with_what_broke_it(headers: dict[str, str]) -> None:
    download = Download(files.download("a"))
    download.opened(status=200, headers=headers)
    download.accept(b"abc")
    with pytest.raises(StreamInterruptedException, match="broke after 3 bytes: reset by peer") as caught:
        lost(download)
    assert caught.value.error.details == {"received": 3}
    assert caught.value.__cause__ is BROKEN


def test_before_the_first_byte_a_refusal_is_the_answer() -> None:
    refused = FileNotFoundException("no such file")
    with pytest.raises(FileNotFoundException):
        lost(Download(files.download("a")), refused)


def test_before_the_first_byte_a_passing_fault_is_tried_a_few_times() -> None:
    download = Download(files.download("a"))
    busy = LimitReachedException("busy")
    busy.status_code = 429
    for error in (BROKEN, busy, ExecdNotReadyException("refused")):
        assert 0 < lost(download, error) < 1
    with pytest.raises(LimitReachedException):
        lost(download, busy)


def test_a_break_is_healed_at_once_and_then_with_growing_patience_until_it_is_over() -> None:
    download = Download(files.download("a"))
    answered(download, b"0123456789", upto=4)
    assert lost(download, now=100) == 0
    waits = [lost(download, RequestTimeoutException("late"), now=100) for _ in range(4)]
    assert waits == sorted(waits)
    assert waits[0] > 0
    with pytest.raises(StreamInterruptedException):
        lost(download, now=100 + RESUME_FOR_S)


def test_more_bytes_make_patience_new() -> None:
    download = Download(files.download("a"))
    for upto in range(1, 9):
        answered(download, b"0123456789", upto=upto)
        assert lost(download, now=upto * RESUME_FOR_S) == 0


def test_a_file_that_has_gone_meanwhile_ends_it() -> None:
    download = Download(files.download("a"))
    answered(download, b"0123456789", upto=4)
    gone = FileNotFoundException("no such file")
    assert isinstance(gone, SandboxApiException)
    with pytest.raises(StreamInterruptedException, match="no such file"):
        lost(download, gone)


@pytest.mark.parametrize("upto", [0, 4])
def test_nobody_waits_for_a_daemon_that_has_ended(upto: int) -> None:
    download = Download(files.download("a"))
    answered(download, b"0123456789", upto=upto)
    with pytest.raises(SandboxConnectionException):
        lost(download, is_gone=True)
