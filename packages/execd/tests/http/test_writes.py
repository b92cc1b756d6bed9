"""Writes to standard input that are sent again, in any parts: every byte is taken once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.runs.writes import KEPT, Write, Writes

from .test_routes import events_of
from .worlds import DONE, World, world

DATA = bytes(range(256)) * 3
START = b'{"command":"cat","execution_id":"a","stdin":"pipe","background":true}'
STDIN = "/executions/a/stdin"


async def begun() -> World:
    rooms = world()
    assert events_of((await rooms.call("POST", "/command", body=START)).body)[0]["text"] == "a"
    return rooms


@given(st.lists(st.tuples(st.integers(0, len(DATA)), st.integers(0, 300)), max_size=12), st.integers(1, 400))
def test_parts_that_overlap_in_any_way_are_taken_once_and_in_order(parts: list[tuple[int, int]], size: int) -> None:
    write, taken = Write(), b""
    for offset, length in [*parts, *((at, size) for at in range(0, len(DATA), size))]:
        if offset > write.taken:
            continue
        part = write.part(offset)
        piece = DATA[offset : offset + length]
        taken += part.fresh(piece)
        part.take(piece)
    assert taken == DATA


def test_only_the_latest_writes_are_remembered() -> None:
    writes = Writes()
    first = writes.named("first")
    for number in range(KEPT - 1):
        writes.named(f"w{number}")
    assert writes.named("first") is first
    for number in range(KEPT):
        writes.named(f"x{number}")
    assert writes.named("first") is not first


async def test_a_write_that_is_sent_again_is_taken_once() -> None:
    rooms = await begun()
    for body in ([b"ab", b"cd"], [b"abc", b"def"], b"abcdef"):
        assert (await rooms.call("POST", f"{STDIN}?write_id=w", body=body)).status == 200
    assert (await rooms.call("POST", f"{STDIN}?write_id=w&offset=4", body=b"efgh")).status == 200
    assert (await rooms.call("POST", STDIN, body=b"ab")).status == 200
    assert b"".join(rooms.program("a").taken) == b"abcdefghab"


async def test_two_connections_of_one_write_take_turns() -> None:
    rooms = await begun()
    program = rooms.program("a")
    program.reads.clear()
    both = [asyncio.ensure_future(rooms.call("POST", f"{STDIN}?write_id=w", body=[b"ab", b"cd"])) for _ in range(2)]
    for _ in range(50):  # until one of them waits for the program, and the other for its turn
        await asyncio.sleep(0)
    program.reads.set()
    assert [(await each).status for each in both] == [200, 200]
    assert b"".join(program.taken) == b"abcd"


async def test_what_was_taken_stays_taken_when_the_input_has_ended() -> None:
    rooms = await begun()
    assert (await rooms.call("POST", f"{STDIN}?write_id=w&eof=true", body=b"abc")).status == 200
    rooms.program("a").run.finish(DONE)
    assert (await rooms.call("POST", f"{STDIN}?write_id=w", body=b"abc")).status == 200
    assert (await rooms.call("POST", f"{STDIN}?write_id=w", body=b"abcd")).code == "STDIN_CLOSED"
    assert (await rooms.call("POST", f"{STDIN}?write_id=v", body=b"abc")).code == "STDIN_CLOSED"


async def test_a_gap_is_refused_and_says_where_to_go_on() -> None:
    rooms = await begun()
    await rooms.call("POST", f"{STDIN}?write_id=w", body=b"abc")
    reply = await rooms.call("POST", f"{STDIN}?write_id=w&offset=4", body=b"e")
    assert (reply.status, reply.code, reply.json["details"]) == (409, "OFFSET_MISMATCH", {"offset": 3})


@pytest.mark.parametrize("query", ["offset=0", "write_id=a/b", f"write_id={'x' * 65}", "write_id=w&offset=-1"])
async def test_a_name_or_an_offset_that_makes_no_sense_is_refused(query: str) -> None:
    rooms = await begun()
    reply = await rooms.call("POST", f"{STDIN}?{query}", body=b"x")
    assert (reply.status, reply.code) == (400, "INVALID_QUERY")
    assert rooms.program("a").taken == []
