"""Parts of files, to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.forms import download, upload

_SIZE: Final = 2893
_CONTENT: Final = "".join(f"{n}\n" for n in range(1, 1000)).encode()[:_SIZE]

_SINGLE: Final = (
    ("download.range", "0-0", 0, 1),
    ("download.range", "0-9", 0, 10),
    ("download.range", "9-9", 9, 10),
    ("download.range", "1000-1999", 1000, 2000),
    ("download.range", "0-2892", 0, 2893),
    ("download.range", "2892-2892", 2892, 2893),
    ("download.range-beyond", "2892-2893", 2892, 2893),
    ("download.range-beyond", "0-1099511627776", 0, 2893),
    ("download.range-open", "0-", 0, 2893),
    ("download.range-open", "2000-", 2000, 2893),
    ("download.range-open", "2892-", 2892, 2893),
    ("download.range-suffix", "-1", 2892, 2893),
    ("download.range-suffix", "-100", 2793, 2893),
    ("download.range-suffix", "-2893", 0, 2893),
    ("download.range-suffix", "-99999", 0, 2893),
)
"""Requirement, range, first byte, the one after the last."""


@scenario(
    "files",
    "download.range",
    "download.range-beyond",
    "download.range-open",
    "download.range-suffix",
    "download.content-range",
    "download.length",
    "download.range-unsatisfiable",
    profiles=["compat"],
)
async def test_one_range_is_exactly_those_bytes(checks: Checks, raw: Raw, folder: str) -> None:
    """Ranges of every form, at every edge; ranges that hold nothing."""
    path = f"{folder}/file"
    await raw.run(f"seq 1 1000 | head -c {_SIZE} > file", cwd=folder)
    for requirement, wanted, start, stop in _SINGLE:
        got = await download(raw, path, Range=f"bytes={wanted}")
        want = _CONTENT[start:stop]
        checks.that(requirement, got.status == 206 and got.body == want, (wanted, got.status, len(got.body)))
        told = (wanted, got.headers.get("content-range"))
        checks.equal("download.content-range", told, (wanted, f"bytes {start}-{stop - 1}/{_SIZE}"))
        checks.equal("download.length", (wanted, got.headers.get("content-length")), (wanted, str(len(want))))
    for wanted in ("2893-", "2893-3000", "1099511627776-"):
        got = await download(raw, path, Range=f"bytes={wanted}")
        checks.that("download.range-unsatisfiable", got.status == 416, (wanted, got))
        checks.equal(
            "download.range-unsatisfiable", (wanted, got.headers.get("content-range")), (wanted, f"bytes */{_SIZE}")
        )


@scenario(
    "files",
    "download.range-unsatisfiable",
    "download.range-malformed",
    "download.ranges",
    "download.if-range",
    "download.head",
    "error.range-not-satisfiable",
)
async def test_ranges_of_other_kinds(checks: Checks, raw: Raw, folder: str) -> None:
    """Ranges that are none, several at once, of a state that has passed, of an empty file."""
    path = f"{folder}/file"
    await raw.run(f"seq 1 1000 | head -c {_SIZE} > file; : > empty", cwd=folder)
    for wanted in ("bytes=", "bytes=a-b", "bytes=5-2", "bytes=-", "lines=0-1", "bytes 0-1", "bytes=0x1-2", "0-1"):
        got = await download(raw, path, Range=wanted)
        is_whole = got.status == 200 and got.body == _CONTENT
        may_refuse = got.status in {400, 416} and not wanted.startswith("lines")
        checks.that("download.range-malformed", is_whole or may_refuse, (wanted, got.status))
    for wanted, spans in (("0-1,5-6", [(0, 2), (5, 7)]), ("0-0, -1", [(0, 1), (2892, 2893)]), ("0-9,5000-", [(0, 10)])):
        got = await download(raw, path, Range=f"bytes={wanted}")
        checks.that("download.ranges", _holds(got, spans), (wanted, got))
    for name, wanted, size in (
        ("file", "5000-", _SIZE),
        ("file", "5000-,6000-7000", _SIZE),
        ("file", "-0", _SIZE),
        ("empty", "0-", 0),
        ("empty", "-5", 0),
    ):
        got = await download(raw, f"{folder}/{name}", Range=f"bytes={wanted}")
        if (name, wanted) == ("empty", "-5") and got.status == 200:
            continue  # a suffix of nothing is nothing: some answer that
        for requirement in ("download.range-unsatisfiable", "error.range-not-satisfiable"):
            checks.equal(requirement, (wanted, got.status, got.code), (wanted, 416, "RANGE_NOT_SATISFIABLE"))
        checks.equal("download.range-unsatisfiable", got.headers.get("content-range"), f"bytes */{size}")
    head = await download(raw, path, method="HEAD", Range="bytes=0-9")
    checks.that("download.head", head.body == b"" and head.status in {200, 206}, head)
    tag, date = head.headers.get("etag", ""), head.headers.get("last-modified", "")
    for value, partial in (
        (tag, True),
        ('"other"', False),
        (f"W/{tag}", False),
        ("Mon, 03 Feb 2020 04:05:06 GMT", False),
    ):
        got = await download(raw, path, Range="bytes=10-19", If_Range=value)
        want = (206, _CONTENT[10:20]) if partial else (200, _CONTENT)
        checks.that("download.if-range", (got.status, got.body) == want, (value, got.status, len(got.body)))
    await upload(raw, path, _CONTENT[::-1])
    for value in (tag, date):
        got = await download(raw, path, Range="bytes=10-19", If_Range=value)
        mixed = got.status == 206 and value == tag
        checks.that(
            "download.if-range", not mixed and got.body in {_CONTENT[::-1], _CONTENT[::-1][10:20]}, (value, got)
        )


def _holds(reply: Reply, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a reply is the whole file, the only range that there is, or a part for each."""
    if reply.status == 200:
        return reply.body == _CONTENT
    if len(spans) == 1 and "content-range" in reply.headers:
        start, stop = spans[0]
        return reply.status == 206 and reply.body == _CONTENT[start:stop]
    parts = [_CONTENT[start:stop] for start, stop in spans]
    is_multipart = reply.headers.get("content-type", "").startswith("multipart/byteranges")
    return reply.status == 206 and is_multipart and all(b"\r\n\r\n" + part + b"\r\n" in reply.body for part in parts)
