from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import suppress
from typing import Any

import pytest

from execd.errors import StdinClosed
from execd.process.pump import PIPE_BYTES, READ_BYTES, READS_AT_ONCE, Pump, Stdin

from .rooms import LIMIT_S, until


class Sink:
    """Takes what a pump delivers, as long as there is room."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.room = True
        self.ended = asyncio.Event()
        self.failures: list[Exception] = []
        self.came = asyncio.Event()
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(self.writing, False)
        self.pump = Pump(self.reading, deliver=self.take, ended=self.ended.set, failed=self.failures.append)

    def take(self, data: bytes) -> bool:
        self.parts.append(data)
        self.came.set()
        return self.room

    @property
    def data(self) -> bytes:
        return b"".join(self.parts)

    def fill(self) -> int:
        """Write as much as fits."""
        written = 0
        try:
            while True:
                written += os.write(self.writing, b"x" * READ_BYTES)
        except BlockingIOError:
            return written


@pytest.fixture
async def sink() -> Any:
    sink = Sink()
    yield sink
    for descriptor in (sink.reading, sink.writing):
        with suppress(OSError):
            os.close(descriptor)


async def drained(reading: int, count: int) -> bytes:
    got = b""
    async with asyncio.timeout(LIMIT_S):
        while len(got) < count:
            await asyncio.sleep(0)
            with suppress(BlockingIOError):
                got += os.read(reading, READ_BYTES)
    return got


async def turns(count: int = 20) -> None:
    """Let the loop do what it would do."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_everything_is_delivered_and_then_the_end(sink: Sink) -> None:
    os.write(sink.writing, b"abc")
    await until(lambda: sink.data == b"abc")
    os.write(sink.writing, b"def")
    os.close(sink.writing)
    await asyncio.wait_for(sink.ended.wait(), LIMIT_S)
    assert sink.data == b"abcdef"


async def test_without_room_nothing_is_read_until_there_is_some(sink: Sink) -> None:
    sink.room = False
    os.write(sink.writing, b"first")
    await until(lambda: sink.data)
    os.write(sink.writing, b"second")
    await turns()
    assert sink.data == b"first"
    sink.room = True
    sink.pump.resume()
    await until(lambda: sink.data == b"firstsecond")


async def test_the_end_is_told_after_a_pause(sink: Sink) -> None:
    sink.room = False
    os.write(sink.writing, b"x")
    await until(lambda: sink.data)
    os.close(sink.writing)
    sink.pump.resume()
    await asyncio.wait_for(sink.ended.wait(), LIMIT_S)


async def test_a_full_pipe_is_made_larger(sink: Sink) -> None:
    sink.fill()
    await until(lambda: sink.data)
    assert fcntl.fcntl(sink.writing, fcntl.F_GETPIPE_SZ) == PIPE_BYTES


async def test_a_pipe_that_is_not_filled_keeps_its_size(sink: Sink) -> None:
    before = fcntl.fcntl(sink.writing, fcntl.F_GETPIPE_SZ)
    os.write(sink.writing, b"little")
    await until(lambda: sink.data)
    assert fcntl.fcntl(sink.writing, fcntl.F_GETPIPE_SZ) == before


async def test_a_pipe_that_may_not_grow_works_as_it_is(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(1, "planted")

    monkeypatch.setattr("execd.process.pump.fcntl.fcntl", refuse)
    written = sink.fill()
    await until(lambda: len(sink.data) >= written)


async def test_a_writer_that_never_pauses_leaves_turns_to_others(sink: Sink) -> None:
    fcntl.fcntl(sink.writing, fcntl.F_SETPIPE_SZ, 2 * READS_AT_ONCE * READ_BYTES)
    written = sink.fill()
    assert written > READS_AT_ONCE * READ_BYTES
    sink.pump._readable()
    assert len(sink.data) == READS_AT_ONCE * READ_BYTES
    await until(lambda: len(sink.data) == written)


async def test_a_flush_takes_what_is_there_even_without_room(sink: Sink) -> None:
    written = sink.fill()
    sink.room = False
    sink.pump.flush()
    assert len(sink.data) == written


async def test_a_flush_tells_the_end_when_it_is_there(sink: Sink) -> None:
    os.write(sink.writing, b"last")
    os.close(sink.writing)
    sink.pump.flush()
    assert (sink.data, sink.ended.is_set()) == (b"last", True)
    sink.pump.flush()


async def test_a_flush_does_not_run_after_a_writer_that_never_pauses(sink: Sink) -> None:
    written = sink.fill()

    def refill(data: bytes) -> bool:
        sink.parts.append(data)
        sink.fill()
        return True

    sink.pump._deliver = refill
    sink.pump.flush()
    assert len(sink.data) <= written + READ_BYTES


async def test_what_is_discarded_is_read_for_nobody_until_the_pipe_closes(sink: Sink) -> None:
    sink.room = False
    os.write(sink.writing, b"for the run")
    await until(lambda: sink.data)
    sink.pump.discard()
    for _ in range(5):
        sink.fill()
        await turns()
    os.close(sink.writing)
    await until(lambda: not sink.pump._open)
    assert sink.data == b"for the run"
    assert not sink.ended.is_set()


async def test_what_fails_in_a_turn_is_told(sink: Sink) -> None:
    def fail(_: bytes) -> bool:
        raise RuntimeError("planted")

    sink.pump._deliver = fail
    os.write(sink.writing, b"x")
    await until(lambda: sink.failures)
    assert str(sink.failures[0]) == "planted"


# ── standard input ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def pipe() -> Any:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    yield reading, Stdin(writing)
    os.close(reading)


async def test_a_write_waits_while_the_program_does_not_read(pipe: tuple[int, Stdin]) -> None:
    reading, stdin = pipe
    data = os.urandom(1_000_000)
    writing = asyncio.ensure_future(stdin.write(data))
    await turns()
    assert not writing.done()
    assert await drained(reading, len(data)) == data
    await asyncio.wait_for(writing, LIMIT_S)
    stdin.close()
    assert os.read(reading, 1) == b""


async def test_writes_do_not_mix(pipe: tuple[int, Stdin]) -> None:
    reading, stdin = pipe
    writers = [asyncio.ensure_future(stdin.write(letter * 100_000)) for letter in (b"a", b"b", b"c")]
    assert await drained(reading, 300_000) == b"a" * 100_000 + b"b" * 100_000 + b"c" * 100_000
    await asyncio.gather(*writers)
    stdin.close()


async def test_a_program_that_has_closed_its_input_refuses_it() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stdin = Stdin(writing)
    with pytest.raises(StdinClosed):
        await stdin.write(b"x")
    with pytest.raises(StdinClosed):
        stdin.end()


async def test_a_writer_that_waits_is_told_of_the_close(pipe: tuple[int, Stdin]) -> None:
    _, stdin = pipe
    writers = [asyncio.ensure_future(stdin.write(bytes(1_000_000))) for _ in range(2)]
    await turns()
    stdin.close()
    assert [type(end) for end in await asyncio.gather(*writers, return_exceptions=True)] == [StdinClosed, StdinClosed]


async def test_a_writer_that_gives_up_lets_the_next_one_write(pipe: tuple[int, Stdin]) -> None:
    reading, stdin = pipe
    first = asyncio.ensure_future(stdin.write(bytes(1_000_000)))
    await turns()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    with suppress(BlockingIOError):
        while os.read(reading, READ_BYTES):
            continue
    await asyncio.wait_for(stdin.write(b"second"), LIMIT_S)
    assert os.read(reading, READ_BYTES) == b"second"
    stdin.close()


async def test_nothing_can_be_written_after_the_end(pipe: tuple[int, Stdin]) -> None:
    _, stdin = pipe
    stdin.end()
    for data in (b"", b"x"):
        with pytest.raises(StdinClosed):
            await stdin.write(data)
    with pytest.raises(StdinClosed):
        stdin.end()
    stdin.close()
