"""Bytes to events: the standard's way, the first daemon's way, and any other."""

from __future__ import annotations

import itertools
import json

import httpx
import httpx_sse
from hypothesis import given
from hypothesis import strategies as st

from execd_conformance.events import Decoder, Event


def read(data: bytes, *cuts: int) -> tuple[list[Event], Decoder]:
    decoder = Decoder()
    events = []
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        events += decoder.feed(data[start:end])
    return events + decoder.finish(), decoder


def shape(events: list[Event]) -> list[tuple[int | None, str, dict[str, object]]]:
    return [(each.number, each.raw, each.data) for each in events]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=20)
# Lines are cut by httpx there, at more characters than the standard has.
PLAIN = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20)
FRAMES = st.builds(
    lambda number, text, end: f"id: {number}{end}data: {json.dumps({'type': 'x', 'text': text})}{end}{end}",
    st.integers(1, 10**6),
    TEXTS,
    st.sampled_from(["\n", "\r\n", "\r"]),
)


def test_an_event_has_its_number_type_and_fields() -> None:
    (event,), decoder = read(b'id: 7\ndata: {"type":"stdout","text":"hi"}\n\n')
    assert (event.number, event.type, event["text"], event.get("x")) == (7, "stdout", "hi", None)
    assert (event.data_lines, event.fields) == (1, ("id", "data"))
    assert not decoder.foreign


@given(st.lists(FRAMES), st.lists(st.integers(0, 10**6)))
def test_events_are_the_same_however_the_bytes_are_cut(frames: list[str], cuts: list[int]) -> None:
    data = "".join(frames).encode()
    assert shape(read(data, *cuts)[0]) == shape(read(data)[0])
    assert len(read(data)[0]) == len(frames)


@given(st.lists(FRAMES | PLAIN.map(lambda text: f":{text}\n") | PLAIN.map(lambda text: f"data:{text}\n")))
def test_another_reader_of_the_standard_agrees(frames: list[str]) -> None:
    data = ("".join(frames) + "\n\n").encode()
    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=data)
    theirs = [each.data for each in httpx_sse.EventSource(response).iter_sse()]
    # It makes an empty event of every blank line after an id.
    assert [each.raw for each in read(data)[0] if each.raw] == [data for data in theirs if data]


@given(st.lists(TEXTS), st.lists(st.integers(0, 10**6)))
def test_bare_objects_are_read_and_are_foreign(texts: list[str], cuts: list[int]) -> None:
    data = "".join(f"{json.dumps({'type': 'stdout', 'text': text})}\n\n" for text in texts).encode()
    events, decoder = read(data, *cuts)
    assert [each["text"] for each in events] == texts
    assert all((each.number, each.data_lines) == (None, 0) for each in events)
    assert decoder.foreign == bool(texts)


@given(st.binary(), st.lists(st.integers(0, 10**6)))
def test_no_bytes_are_too_odd(data: bytes, cuts: list[int]) -> None:
    whole, pieces = read(data), read(data, *cuts)
    assert shape(whole[0]) == shape(pieces[0])
    assert whole[1].strays == pieces[1].strays


def test_data_that_is_no_object_is_an_event_without_type() -> None:
    events, _ = read(b'data: [1]\n\ndata: nonsense\n\ndata: {"type":7}\n\n')
    assert [(each.type, each.data, each.is_json) for each in events] == [
        ("", {}, False),
        ("", {}, False),
        ("", {"type": 7}, True),
    ]


def test_several_data_lines_are_one_event_and_counted() -> None:
    (event,), _ = read(b'data: {"type":\ndata: "x"}\n\n')
    assert (event.data_lines, event.type) == (2, "x")


def test_an_id_that_is_no_number_is_none() -> None:
    events, _ = read(b"id: 1x\ndata: {}\n\nid:\ndata: {}\n\nid: -1\ndata: {}\n\n")
    assert [each.number for each in events] == [None, None, None]


def test_a_last_event_without_its_blank_line_is_read_and_told() -> None:
    decoder = Decoder()
    assert decoder.feed(b'data: {"type":"x"}\n') == []
    assert decoder.pending
    assert [each.type for each in decoder.finish()] == ["x"]


def test_lines_of_no_event_are_kept_up_to_a_bound() -> None:
    _, decoder = read(b"<html>\n" * 1000)
    assert decoder.strays == ["<html>"] * 100


def test_nesting_beyond_reason_is_no_object() -> None:
    events, _ = read(b"data: " + b"[" * 100_000 + b"\n\n")
    assert [each.is_json for each in events] == [False]
