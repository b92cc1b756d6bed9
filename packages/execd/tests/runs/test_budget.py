"""Limited output: the head as it comes, the tail at the end, and a gap that says exactly what is missing."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from execd.runs.run import Policy, Run
from execd.runs.sse import Stream
from execd.runs.text import Mode

from .test_run import DONE, make_registry
from .test_store import parse

READS = st.lists(
    st.tuples(
        st.sampled_from(["stdout", "stderr"]), st.one_of(st.text(max_size=9).map(str.encode), st.binary(max_size=9))
    ).filter(lambda read: read[1]),
    max_size=30,
)


def limited(limit: int, *, mode: Mode = "chunks", run_bytes: int = 1 << 20) -> Run:
    policy = Policy(
        mode=mode,
        on_disconnect="detach",
        disconnect_grace_ms=0,
        on_overflow="drop_oldest",
        max_output_bytes=limit,
    )
    registry = make_registry(run_bytes=run_bytes)
    return registry.register(kind="command", content="x", body=None, policy=policy)[0]


def take(run: Run, *, after: int = 0) -> list[tuple[int | None, dict[str, Any]]]:
    reader = run.attach(after=after, follow=True)
    events = []
    while frames := reader.take():
        events += parse(frames)
    reader.close()
    return events


def data(event: dict[str, Any]) -> bytes:
    return base64.b64decode(event["data"]) if "data" in event else str(event["text"]).encode()


def output(events: list[tuple[int | None, dict[str, Any]]], stream: str) -> bytes:
    return b"".join(data(event) for _, event in events if event["type"] == stream)


@given(reads=READS, limit=st.integers(0, 300))
async def test_head_gap_and_tail_are_all_of_the_output(reads: list[tuple[Stream, bytes]], limit: int) -> None:
    run = limited(limit)
    for stream, read in reads:
        run.write(stream, read)
    head = take(run)
    run.finish(DONE)
    events = take(run)
    assert events[: len(head)] == head
    total = sum(len(read) for _, read in reads)
    gaps = [event for _, event in events if event["type"] == "truncated"]
    assert bool(gaps) == (total > limit) == run.truncated
    sent = sum(len(output(events, stream)) for stream in ("stdout", "stderr"))
    assert sent <= limit or total <= limit
    end = events[-1][1]
    for stream in ("stdout", "stderr"):
        wrote = b"".join(read for name, read in reads if name == stream)
        got = output(events, stream)
        missing = gaps[0][f"{stream}_bytes"] if gaps else 0
        assert len(got) + missing == len(wrote) == end[f"{stream}_bytes"]
        if not gaps:
            assert got == wrote
            continue
        at = next(at for at, (_, event) in enumerate(events) if event["type"] == "truncated")
        assert wrote.startswith(output(events[:at], stream))
        assert wrote.endswith(output(events[at:], stream))


@given(reads=READS, limit=st.integers(0, 60), mode=st.sampled_from(["lines", "chunks"]))
async def test_replay_from_any_event_is_what_came_after_it(
    reads: list[tuple[Stream, bytes]], limit: int, mode: Mode
) -> None:
    run = limited(limit, mode=mode)
    for stream, read in reads:
        run.write(stream, read)
    run.finish(DONE)
    events = take(run)
    position = 0
    for at, (number, event) in enumerate(events):
        assert (event["from"] if number is None else number) == position + 1
        position = event["to"] if number is None else number
        assert take(run, after=position) == events[at + 1 :]


@given(reads=READS, limit=st.integers(0, 60))
async def test_characters_are_not_cut_by_the_gap(reads: list[tuple[Stream, bytes]], limit: int) -> None:
    run = limited(limit)
    for _ in range(20):
        run.write("stdout", "漢".encode())
    run.finish(DONE)
    assert all("data" not in event for _, event in take(run) if limit >= 8)


async def test_more_than_half_of_what_is_kept_is_not_promised() -> None:
    run = limited(1 << 40, run_bytes=100_000)
    for _ in range(100):
        run.write("stdout", b"x" * 10_000)
        assert run.size < 100_000
    run.finish(DONE)
    assert 40_000 < len(output(take(run), "stdout")) <= 50_000


async def test_the_head_is_live_and_the_tail_waits_for_the_end() -> None:
    run = limited(8)
    run.write("stdout", b"abcdef")
    assert output(take(run), "stdout") == b"abcd"
    run.write("stdout", b"ghijkl")
    assert output(take(run), "stdout") == b"abcd"
    run.finish(DONE)
    assert output(take(run), "stdout") == b"abcdijkl"
