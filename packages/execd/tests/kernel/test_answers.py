"""Standard input of a cell: lines and questions meet, in any order, each line once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execd.errors import StdinClosed
from execd.kernel.answers import LIMIT, Answers

END = "<end>"


class Asked:
    """A kernel that asks, and what it was answered."""

    def __init__(self, *, allowed: bool = True) -> None:
        self.got: list[str] = []
        self.answers = Answers(self.got.append, open_=allowed, end_of_input=END)


async def test_a_line_answers_one_question_whichever_comes_first() -> None:
    kernel = Asked()
    await kernel.answers.write(b"early\nlate")
    kernel.answers.asked()
    kernel.answers.asked()
    assert kernel.got == ["early"]
    await kernel.answers.write(b"r\r\n")
    assert kernel.got == ["early", "later"]


async def test_the_end_of_what_one_writer_wrote_ends_its_line() -> None:
    kernel = Asked()
    kernel.answers.asked()
    await kernel.answers.write(b"")
    assert kernel.got == []
    await kernel.answers.write(b"yes")
    await kernel.answers.write(b"")
    assert kernel.got == ["yes"]


async def test_after_the_end_every_question_is_told_so_and_nothing_more_is_taken() -> None:
    kernel = Asked()
    await kernel.answers.write(b"last")
    kernel.answers.close()
    for _ in range(3):
        kernel.answers.asked()
    assert kernel.got == ["last", END, END]
    with pytest.raises(StdinClosed):
        await kernel.answers.write(b"")
    with pytest.raises(StdinClosed):
        kernel.answers.close()


async def test_where_input_is_not_allowed_nothing_is_taken() -> None:
    with pytest.raises(StdinClosed):
        await Asked(allowed=False).answers.write(b"")


async def test_who_writes_much_more_than_is_asked_for_waits_until_it_is_or_the_cell_has_ended() -> None:
    kernel = Asked()
    writing = asyncio.create_task(kernel.answers.write(b"x" * LIMIT + b"\ny\n"))
    await asyncio.sleep(0)
    assert not writing.done()
    kernel.answers.asked()
    await asyncio.wait_for(writing, 1)
    waiting = asyncio.create_task(kernel.answers.write(b"x" * LIMIT + b"\n"))
    await asyncio.sleep(0)
    kernel.answers.end()
    with pytest.raises(StdinClosed):
        await asyncio.wait_for(waiting, 1)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=40), st.data())
def test_however_it_is_cut_each_line_is_answered_once_and_in_order(text: str, data: st.DataObject) -> None:
    encoded = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=5)))
    pieces = [encoded[a:b] for a, b in zip([0, *cuts], [*cuts, len(encoded)], strict=True) if a < b]
    kernel = Asked()

    async def write() -> None:
        for piece in pieces:
            await kernel.answers.write(piece)
            kernel.answers.asked()
        await kernel.answers.write(b"")
        for _ in text:
            kernel.answers.asked()

    asyncio.run(write())
    wanted = text.split("\n")
    assert kernel.got == (wanted if wanted[-1] else wanted[:-1])
