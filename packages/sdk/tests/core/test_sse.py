"""Frames come out the same whatever the network does to the bytes."""

from __future__ import annotations

import pytest
from httpx_sse._decoders import SSEDecoder, SSELineDecoder
from hypothesis import example, given
from hypothesis import strategies as st

from opensandbox._core.sse import Frame, FrameDecoder

NEWLINES = st.sampled_from([b"\n", b"\r\n", b"\r"])
DATA = st.text(st.characters(exclude_characters="\r\n\x00\ufeff", exclude_categories=["Cs"]), min_size=1).map(
    str.encode
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[Frame]]:
    """Draw a stream and the frames in it."""
    frames = draw(st.lists(st.builds(Frame, st.none() | st.integers(0, 10**9), DATA)))
    newline = draw(NEWLINES)
    wire = b""
    for number, data in frames:
        lines = [b"data: " + data]
        if number is not None:
            lines.insert(0, b"id: %d" % number)
        if draw(st.booleans()):
            lines.insert(draw(st.integers(0, len(lines))), b": a comment")
        wire += b"".join(line + newline for line in lines) + newline
    return wire, frames


def cut(wire: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(wire)) for place in places} | {len(wire)})
    return [wire[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def decode(chunks: list[bytes]) -> list[Frame]:
    decoder = FrameDecoder()
    return [frame for chunk in chunks for frame in decoder.feed(chunk)]


@given(streams(), st.lists(st.integers(0, 300)))
def test_frames_do_not_depend_on_chunking(stream: tuple[bytes, list[Frame]], places: list[int]) -> None:
    wire, frames = stream
    assert decode(cut(wire, places)) == frames


@given(streams())
def test_every_byte_alone_gives_the_same_frames(stream: tuple[bytes, list[Frame]]) -> None:
    wire, frames = stream
    assert decode([wire[at : at + 1] for at in range(len(wire))]) == frames


LINES = st.sampled_from(["data:", "data: a", "data:b", "id: 7", "id:x", "id:", "event: e", ":", "", "retry: 1", "x"])


@given(st.lists(LINES), NEWLINES)
@example(["data: a", "data:b", ""], b"\r\n")
def test_data_is_what_httpx_sse_finds(lines: list[str], newline: bytes) -> None:
    wire = b"".join(line.encode() + newline for line in lines)
    unframe, events = SSELineDecoder(), SSEDecoder()
    found = [events.decode(line) for line in [*unframe.decode(wire.decode()), *unframe.flush()]]
    expected = [event.data for event in found if event and event.data]
    assert [frame.data.decode() for frame in decode([wire]) if frame.data] == expected


def test_an_unfinished_event_is_not_an_event() -> None:
    assert decode([b"id: 1\ndata: {}\n\nid: 2\ndata: {"]) == [Frame(1, b"{}")]
    assert decode([b"id: 1\ndata: {}\n"]) == []


def test_a_number_does_not_stick_to_the_next_event() -> None:
    assert decode([b"id: 1\ndata: a\n\ndata: b\n\n"]) == [Frame(1, b"a"), Frame(None, b"b")]


@pytest.mark.parametrize("number", [b"x", b"-1", b"1.5", b"", "²".encode()])
def test_a_number_that_is_none_is_no_number(number: bytes) -> None:
    assert decode([b"id: " + number + b"\ndata: a\n\n"]) == [Frame(None, b"a")]


def test_bare_json_lines_of_other_daemons_are_data() -> None:
    assert decode([b'{"type":"init"}\n\n{"type":"pi', b'ng"}\n\n']) == [
        Frame(None, b'{"type":"init"}'),
        Frame(None, b'{"type":"ping"}'),
    ]
