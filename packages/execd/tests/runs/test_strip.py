"""Strips: what is kept of two streams is always the end of what was written, and every byte knows its stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from execd.runs.spool import Spool
from execd.runs.sse import Stream
from execd.runs.strip import Strip

READS = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(min_size=1, max_size=20)), max_size=40)


@given(reads=READS, bound=st.integers(0, 200), ends=st.tuples(st.integers(0, 400), st.integers(0, 400)))
def test_a_strip_keeps_the_last_bytes_and_who_wrote_them(
    reads: list[tuple[Stream, bytes]], bound: int, ends: tuple[int, int]
) -> None:
    strip = Strip(Spool(None))
    written: list[tuple[str, int]] = []
    gone = [0, 0]
    for stream, data in reads:
        strip.append(stream, data, time_ms=7)
        written += [(stream, byte) for byte in data]
        for at, count in enumerate(strip.limit(bound)):
            gone[at] += count
    kept = min(bound, len(written)) if reads else 0
    assert strip.raw.size == kept
    lost = written[: len(written) - kept]
    assert gone == [sum(stream == name for stream, _ in lost) for name in ("stdout", "stderr")]
    start = min(max(min(ends), strip.raw.start), strip.raw.end)
    end = max(start, min(max(ends), strip.raw.end))
    read = [(span.stream, byte) for span in strip.spans(start, end) for byte in strip.raw.read(span.start, span.end)]
    assert read == written[start:end]


def test_short_reads_of_one_stream_share_a_record() -> None:
    strip = Strip(Spool(None))
    for _ in range(1000):
        strip.append("stdout", b"x", time_ms=1)
    assert strip.size < 1100
