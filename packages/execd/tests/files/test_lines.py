"""Some lines of a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from execd.files.lines import Lines

BLOCKS = st.lists(st.text("a\n\r", max_size=6).map(str.encode), max_size=6)


@given(BLOCKS, st.integers(1, 8), st.none() | st.integers(0, 8))
def test_lines_are_those_of_the_whole_text_however_it_is_cut(
    blocks: list[bytes], first: int, count: int | None
) -> None:
    lines = Lines(first=first, count=count)

    taken = b"".join(lines.take(block) for block in blocks)

    all_lines = b"".join(blocks).split(b"\n")
    whole = [line + b"\n" for line in all_lines[:-1]] + [all_lines[-1]]
    stop = None if count is None else first - 1 + count
    assert taken == b"".join(whole[first - 1 : stop])


@given(BLOCKS, st.integers(1, 4), st.integers(0, 4))
def test_nothing_comes_after_it_is_over(blocks: list[bytes], first: int, count: int) -> None:
    lines = Lines(first=first, count=count)
    for block in blocks:
        was_over = lines.over
        taken = lines.take(block)
        assert not (was_over and taken)
