"""The laws of the step function: chunking changes nothing but which read completes an event."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.runs import text
from execd.runs.text import NOTHING, Carry, Mode, boundary, step, torn

ALPHABET = st.sampled_from(
    [b"a", b"bc", b"\n", b"\r", b"\r\n", "é".encode(), "€".encode(), "🙂".encode(), b"\xff", b"\xe2\x82", b"\x80"]
)
BYTES = st.lists(ALPHABET, max_size=40).map(b"".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return `data` in reads that end at the given places."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


def run(mode: Mode, reads: list[bytes]) -> list[tuple[bytes, bool]]:
    """Return every piece of a whole stream with its partial flag."""
    carry, out = NOTHING, []
    for data, last in [*((read, False) for read in reads), (b"", True)]:
        done = step(mode, carry, data, last=last)
        out += [(piece, at in done.partial) for at, piece in enumerate(done.pieces)]
        carry = done.carry
    assert carry.pending == b""
    return out


def lines_by_the_byte(data: bytes, limit: int) -> list[tuple[bytes, bool]]:
    """The reference: one byte at a time, in the words of the contract."""
    out: list[tuple[bytes, bool]] = []
    line, swallow = b"", False
    for at in range(len(data)):
        byte = data[at : at + 1]
        if byte == b"\n" and swallow:
            swallow = False
            continue
        swallow = byte == b"\r"
        if byte in b"\r\n":
            out.append((line, False))
            line = b""
            continue
        line += byte
        if len(line) > limit:
            place = next((k for k in range(limit, limit - 4, -1) if line[k] & 0xC0 != 0x80), limit)
            out.append((line[:place], True))
            line = line[place:]
    return [*out, (line, False)] if line else out


@given(BYTES, st.lists(st.integers(0, 200), max_size=60))
def test_lines_do_not_depend_on_chunking(data: bytes, places: list[int]) -> None:
    assert run("lines", cut(data, places)) == lines_by_the_byte(data, text.LINE_LIMIT)


@given(data=BYTES, places=st.lists(st.integers(0, 200), max_size=60), limit=st.integers(4, 9))
def test_long_lines_come_in_parts_that_do_not_depend_on_chunking(data: bytes, places: list[int], limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "LINE_LIMIT", limit)
        assert run("lines", cut(data, places)) == lines_by_the_byte(data, limit)


@given(data=BYTES, places=st.lists(st.integers(0, 200), max_size=60), limit=st.integers(4, 9))
def test_chunks_keep_every_byte_within_their_limit(data: bytes, places: list[int], limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "CHUNK_LIMIT", limit)
        pieces = [piece for piece, _ in run("chunks", cut(data, places))]
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= limit for piece in pieces)


@given(written=st.text(max_size=40), places=st.lists(st.integers(0, 200), max_size=60), limit=st.integers(4, 9))
def test_chunks_never_tear_a_character(written: str, places: list[int], limit: int) -> None:
    data = written.encode("utf-8", "replace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "CHUNK_LIMIT", limit)
        pieces = run("chunks", cut(data, places))
    assert "".join(piece.decode() for piece, _ in pieces) == data.decode()


@given(BYTES)
def test_chunks_hold_back_only_what_more_bytes_could_complete(data: bytes) -> None:
    held = step("chunks", NOTHING, data).carry.pending
    assert len(held) == torn(data) <= 3
    if held:
        assert any(
            (held + rest).decode("utf-8", "ignore")
            for rest in (b"\x80", b"\x90\x80", b"\x90\x80\x80", b"\xa0\x80", b"\x8f\xbf\xbf")
        )


@given(st.lists(BYTES, max_size=10))
def test_whole_mode_is_one_event_per_write(reads: list[bytes]) -> None:
    assert run("whole", reads) == [(read, False) for read in reads if read]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a\n\nb", [b"a", b"", b"b"]),
        (b"10%\r20%\r\ndone", [b"10%", b"20%", b"done"]),
        (b"a\x0bb\x0cc\x1cd", [b"a\x0bb\x0cc\x1cd"]),
        ("a\u2028b\u0085c\n".encode(), ["a\u2028b\u0085c".encode()]),
    ],
)
def test_only_lf_and_cr_end_a_line(data: bytes, lines: list[bytes]) -> None:
    assert run("lines", [data]) == [(line, False) for line in lines]


def test_a_carriage_return_ends_the_line_at_once_and_swallows_the_line_feed_of_the_next_read() -> None:
    first = step("lines", NOTHING, b"ab\r")
    assert first.pieces == [b"ab"]
    second = step("lines", first.carry, b"\ncd\n")
    assert second.pieces == [b"cd"]
    assert second.carry == Carry()


def test_a_line_of_exactly_the_limit_is_one_event() -> None:
    line = b"x" * text.LINE_LIMIT
    assert run("lines", [line + b"\n"]) == [(line, False)]
    assert run("lines", [line + b"y\n"]) == [(line, True), (b"y", False)]


@pytest.mark.parametrize(("data", "place"), [("aé".encode(), 1), (b"abc", 2), (b"\x80" * 9, 4), ("🙂🙂".encode(), 4)])
def test_a_boundary_never_cuts_a_character_where_there_is_one(data: bytes, place: int) -> None:
    assert boundary(data, min(place, 2) if data == b"abc" else place if data[0] != 0x61 else 2) == place


def test_modes_are_closed() -> None:
    assert set(cast("tuple[str, ...]", Mode.__args__)) == {"lines", "chunks", "whole"}  # type: ignore[attr-defined]
