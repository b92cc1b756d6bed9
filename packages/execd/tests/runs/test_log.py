"""The log of a run: bytes from a place on, of both streams or of one, over the end, and honest about what is gone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.errors import InvalidQuery
from execd.runs.registry import Registry
from execd.runs.run import Policy, Run
from execd.runs.sse import Stream

from .test_run import DONE, make_registry

READS = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(min_size=1, max_size=9)), max_size=20)


def background(registry: Registry) -> Run:
    policy = Policy(
        mode="lines", on_disconnect="detach", disconnect_grace_ms=0, on_overflow="drop_oldest", background=True
    )
    return registry.register(kind="command", content="x", body=None, policy=policy)[0]


async def read(run: Run, *, cursor: int = 0, until: int | None = None, stream: Stream | None = None) -> bytes:
    reader = run.read(cursor=cursor, until=until, stream=stream)
    parts = []
    while piece := await reader.next():
        parts.append(piece)
    await reader.close()
    return b"".join(parts)


@given(before=READS, after=READS, cuts=st.lists(st.integers(0, 400), max_size=5))
async def test_any_cursors_add_up_to_what_each_stream_wrote(
    before: list[Any], after: list[Any], cuts: list[int]
) -> None:
    run = background(make_registry())
    for stream, data in before:
        run.write(stream, data)
    run.finish(DONE)
    for stream, data in after:
        run.write_late(stream, data)
    total = sum(len(data) for _, data in before + after)
    places = [0, *sorted(min(cut, total) for cut in cuts), total]
    wanteds: tuple[Stream | None, ...] = ("stdout", "stderr", None)
    for wanted in wanteds:
        parts = [await read(run, cursor=start, until=end, stream=wanted) for start, end in pairwise(places)]
        assert b"".join(parts) == b"".join(data for stream, data in before + after if wanted in (None, stream))


async def test_an_answer_ends_where_the_output_did_when_it_began() -> None:
    run = background(make_registry())
    run.write("stdout", b"one")
    reader = run.read(cursor=0, until=None, stream=None)
    run.write("stdout", b"two")
    assert (reader.start, reader.end, await reader.next(), await reader.next()) == (0, 3, b"one", b"")


async def test_a_live_log_does_not_end_inside_a_character() -> None:
    run = background(make_registry())
    run.write("stdout", "a漢".encode()[:3])
    assert await read(run) == b"a"
    run.write("stdout", "漢".encode()[2:])
    assert await read(run, cursor=1) == "漢".encode()
    run.write("stdout", b"\xf0")
    run.finish(DONE)
    assert await read(run, cursor=4) == b"\xf0"


@given(
    text=st.tuples(st.text("aé漢😀", max_size=6), st.text("aé漢😀", max_size=6)),
    turns=st.lists(st.booleans(), max_size=40),
)
async def test_characters_are_whole_however_the_streams_take_turns(text: tuple[str, str], turns: list[bool]) -> None:
    """Each byte is a read of its own; what is read from cursor to cursor is text, and all of it."""
    run = background(make_registry())
    left: dict[Stream, list[int]] = {"stdout": list(text[0].encode()), "stderr": list(text[1].encode())}
    said: dict[Stream, str] = {"stdout": "", "stderr": ""}
    cursor = 0
    for turn in [*turns, *(True for _ in left["stdout"]), *(False for _ in left["stderr"])]:
        stream: Stream = "stdout" if turn else "stderr"
        if left[stream]:
            run.write(stream, bytes([left[stream].pop(0)]))
        place = run.read(cursor=cursor, until=None, stream=None)
        await place.close()
        for each in said:
            said[each] += (await read(run, cursor=cursor, until=place.end, stream=each)).decode()
        cursor = place.end
    for each, rest in left.items():
        run.write(each, bytes(rest))
        said[each] += (await read(run, cursor=cursor, stream=each)).decode()
    assert tuple(said.values()) == text


async def test_what_is_no_character_holds_the_other_stream_back_for_a_while_only() -> None:
    run = background(make_registry())
    run.write("stdout", b"\xe6")
    run.write("stderr", b"x" * 100)
    assert await read(run) == b""
    run.write("stderr", b"x" * 1000)
    assert await read(run) == b"\xe6" + b"x" * 1100


async def test_half_a_character_goes_out_at_the_end_though_survivors_may_write() -> None:
    run = background(make_registry())
    run.write("stdout", b"a\xe6")
    run.late_open = True
    run.finish(DONE)
    assert await read(run) == b"a\xe6"


async def test_what_is_no_longer_kept_is_passed_over_and_the_start_says_so() -> None:
    run = background(make_registry(run_bytes=4000))
    for _ in range(100):
        run.write("stdout", b"x" * 99 + b"\n")
    reader = run.read(cursor=0, until=None, stream=None)
    assert (reader.start > 0, reader.end) == (True, 10_000)
    assert await reader.next() == (b"x" * 99 + b"\n") * ((10_000 - reader.start) // 100)


@pytest.mark.parametrize("stream", [None, "stdout", "stderr"])
async def test_what_an_answer_has_announced_outlives_what_the_run_forgets(stream: Stream | None) -> None:
    registry = make_registry(run_bytes=200_000)
    run = background(registry)
    for _ in range(3):
        run.write("stdout", b"x" * 60_000)
        run.write("stderr", b"e" * 100)
    reader = run.read(cursor=0, until=None, stream=stream)
    start = reader.start
    for _ in range(50):
        run.write("stdout", b"y" * 60_000)
    assert run.store.raw.start > reader.end
    wanted = (b"x" * 60_000 + b"e" * 100) * 3
    kept = wanted[start:].translate(None, {"stdout": b"e", "stderr": b"x"}.get(stream or "", b""))
    parts = [await reader.next() for _ in range(20)]
    await reader.close()
    assert b"".join(parts) == kept


async def test_a_log_that_was_read_gives_everything_back() -> None:
    registry = make_registry(run_bytes=400_000)
    run = background(registry)
    for _ in range(40):
        run.write("stdout", b"x" * 60_000)
        reader = run.read(cursor=run.store.raw.start + 10, until=run.store.raw.end - 10, stream="stdout")
        run.write("stderr", b"x" * 60_000)
        await reader.next()
        await reader.close()
    blocks = run.store.raw._blocks + run.store.index._blocks
    assert {block.holders for block in blocks} == {1}


async def test_a_log_says_how_far_there_is_to_read() -> None:
    run = background(make_registry())
    run.write("stdout", b"abcdef")
    assert run.read(cursor=1, until=3, stream=None).newest == 6


@pytest.mark.parametrize(("cursor", "until"), [(4, None), (2, 1)])
async def test_places_that_are_not_there_are_refused(cursor: int, until: int | None) -> None:
    run = background(make_registry())
    run.write("stdout", b"abc")
    with pytest.raises(InvalidQuery):
        run.read(cursor=cursor, until=until, stream=None)


async def test_late_output_stays_within_the_bound_and_counts_toward_the_total() -> None:
    registry = make_registry(run_bytes=10_000)
    run = background(registry)
    run.write("stdout", b"x" * 9000)
    run.finish(DONE)
    for _ in range(30):
        run.write_late("stderr", b"y" * 1000)
        assert run.size <= 10_100
        assert registry.total_bytes == run.size
    reader = run.read(cursor=0, until=None, stream="stderr")
    assert reader.end == 39_000
    assert set(await reader.next()) == {ord("y")}


async def test_a_deleted_run_is_gone_at_once_and_its_reader_gets_the_rest() -> None:
    registry = make_registry()
    run = background(registry)
    run.write("stdout", b"abc")
    run.finish(DONE)
    reader = run.read(cursor=0, until=None, stream=None)
    await registry.delete(run)
    assert registry.runs() == []
    assert await reader.next() == b"abc"
    await reader.close()
    assert registry.total_bytes == 0
    run.write_late("stdout", b"later")
    assert registry.total_bytes == 0
