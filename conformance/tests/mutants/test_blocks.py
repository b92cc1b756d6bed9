"""Events are cut apart at blank lines, wherever the bytes are cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from execd_conformance.mutants.blocks import Block, block, cut_apart

json_text = st.text(st.characters(exclude_categories=["Cs"]))
data = st.dictionaries(json_text, json_text | st.integers() | st.none(), max_size=3)

numbers = st.none() | st.integers(0, 10**6)


async def _cut(pieces: list[bytes]) -> list[Block]:
    async def given_pieces() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return [each async for each in cut_apart(given_pieces())]


@given(st.lists(st.tuples(data, numbers), max_size=6), st.lists(st.integers(1, 40), max_size=8))
def test_blocks_are_what_was_framed_however_it_was_cut(
    events: list[tuple[dict[str, object], int | None]], lengths: list[int]
) -> None:
    framed = [block(value, number=number) for value, number in events]
    rest = b"".join(each.raw for each in framed)
    pieces: list[bytes] = []
    for length in lengths:
        pieces.append(rest[:length])
        rest = rest[length:]

    cut = asyncio.run(_cut([*pieces, rest]))

    assert cut == framed
    assert [(each.data, each.number) for each in cut] == events


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_no_byte_is_lost_or_added(pieces: list[bytes]) -> None:
    assert b"".join(each.raw for each in asyncio.run(_cut(pieces))) == b"".join(pieces)


@given(st.binary(max_size=60))
def test_nonsense_has_no_data_and_no_fault(raw: bytes) -> None:
    event = Block(raw)

    assert isinstance(event.data, dict)
    assert event.type == str(event.data.get("type", ""))
    assert event.number is None or event.number >= 0


def test_what_changes_keeps_its_number_and_loses_what_is_none() -> None:
    event = block({"type": "stdout", "text": "a", "partial": True}, number=4).changed(text="b", partial=None)

    assert event.number == 4
    assert json.loads(event.raw.split(b"data: ")[1]) == {"type": "stdout", "text": "b"}
