"""Lines are the same live and afterwards, whatever the pieces."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from opensandbox._core.execution import Fold
from opensandbox._core.lines import LineSplitter
from opensandbox._wire import StdoutEvent

PIECES = st.lists(st.text(st.sampled_from("ab\r\n\x0b\x0c\x85\u2028"), min_size=1, max_size=6))


def live(pieces: list[str]) -> list[tuple[str, float]]:
    splitter = LineSplitter("stdout")
    lines = [line for at, piece in enumerate(pieces) for line in splitter.feed(piece, timestamp_ms=at * 1000)]
    return [(line.text, line.timestamp.timestamp()) for line in (*lines, *splitter.flush())]


@given(PIECES)
@example(["a\r", "\nb"])
@example(["\r", "\r", "\n", "\n"])
def test_a_stream_gives_the_lines_that_the_finished_output_has(pieces: list[str]) -> None:
    fold = Fold()
    for at, piece in enumerate(pieces):
        fold.add(StdoutEvent(text=piece, timestamp=at * 1000))
    finished = fold.execution().logs.stdout
    assert live(pieces) == [(line.text, line.timestamp.timestamp()) for line in finished]


@given(PIECES)
def test_lines_end_at_the_three_terminators_and_nowhere_else(pieces: list[str]) -> None:
    plain = "".join(pieces).replace("\r\n", "\n").replace("\r", "\n")
    expected = plain.removesuffix("\n").split("\n") if plain else []
    assert [text for text, _ in live(pieces)] == expected


def test_a_carriage_return_ends_its_line_at_once() -> None:
    splitter = LineSplitter("stdout")
    assert splitter.feed("50%\r", timestamp_ms=0) == ["50%"]
    assert splitter.feed("\ndone\n", timestamp_ms=0) == ["done"]


def test_a_long_line_costs_no_more_than_its_length() -> None:
    splitter = LineSplitter("stderr")
    for _ in range(20_000):
        assert splitter.feed("x" * 50, timestamp_ms=0) == []
    assert splitter.feed("\n", timestamp_ms=0) == ["x" * 1_000_000]
