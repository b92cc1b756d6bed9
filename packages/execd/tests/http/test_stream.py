"""Streams: batches, heartbeats, the end, and clients that stop reading or leave."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest
from starlette.types import Message

from execd.http.exchange import Exchange
from execd.http.stream import BATCH, write_events

from .worlds import Wire, scope_of


class FakeEvents:
    """Frames in a queue; `None` is the end."""

    def __init__(self, *frames: bytes | None) -> None:
        self._frames = deque(frames)
        self._changed = asyncio.Event()
        self.done = False
        self.closed = False

    def put(self, *frames: bytes | None) -> None:
        self._frames.extend(frames)
        self._changed.set()

    def take(self, max_bytes: int = BATCH) -> bytes:
        taken = b""
        while self._frames and len(taken) < max_bytes:
            frame = self._frames.popleft()
            self.done = frame is None
            taken += frame or b""
        return taken

    async def wait(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                while not self._frames:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        self.closed = True


class SlowWire(Wire):
    """A client that takes one piece of the body each time it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = asyncio.Semaphore(0)
        self.blocked = asyncio.Event()

    async def send(self, message: Message) -> None:
        if message.get("body"):
            self.blocked.set()
            await self.reads.acquire()
        await super().send(message)


async def follow(wire: Wire, events: FakeEvents, *, heartbeat_s: float = 60) -> None:
    exchange = Exchange(scope_of("GET", "/executions/a/events"), wire.receive, wire.send, fresh_id="fresh")
    async with asyncio.timeout(5):
        await write_events(exchange, events, heartbeat_s=heartbeat_s, now_ms=lambda: 7)


async def test_a_stream_has_the_headers_of_the_contract() -> None:
    wire = Wire()
    await follow(wire, FakeEvents(b"a", None))
    reply = wire.reply()
    assert reply.status == 200
    assert reply.headers == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
        "x-request-id": "fresh",
    }


async def test_the_body_ends_with_the_message_that_holds_the_terminal_event() -> None:
    wire = Wire()
    await follow(wire, FakeEvents(b"a", b"b", None))
    assert wire.sent[1:] == [{"type": "http.response.body", "body": b"ab", "more_body": False}]


async def test_a_lone_event_goes_out_at_once() -> None:
    wire, events = Wire(), FakeEvents(b"a")
    following = asyncio.ensure_future(follow(wire, events))
    await wire.until(b"a")
    events.put(None)
    await following
    assert events.closed


async def test_what_gathers_while_a_send_is_under_way_goes_out_together() -> None:
    wire, events = SlowWire(), FakeEvents(b"a")
    following = asyncio.ensure_future(follow(wire, events))
    await wire.blocked.wait()
    events.put(b"b", b"c", b"d", None)
    wire.reads.release()
    wire.reads.release()
    await following
    assert [message["body"] for message in wire.sent[1:]] == [b"a", b"bcd"]


async def test_silence_is_broken_by_pings_without_a_number_and_none_follows_the_end() -> None:
    wire, events = Wire(), FakeEvents()
    following = asyncio.ensure_future(follow(wire, events, heartbeat_s=0.01))
    await wire.until(b"pong")
    events.put(b"end", None)
    await following
    assert b"id:" not in wire.body
    assert wire.body.startswith(b'data: {"type":"ping","text":"pong","timestamp":7}\n\n')
    assert wire.body.endswith(b"end")


async def test_reads_that_complete_no_event_do_not_put_the_heartbeat_off() -> None:
    wire, events = Wire(), FakeEvents()
    following = asyncio.ensure_future(follow(wire, events, heartbeat_s=0.05))
    while b"pong" not in wire.body:
        events.put(b"")
        await asyncio.sleep(0.005)
    events.put(b"end", None)
    await following


async def test_a_client_that_leaves_ends_the_reading_at_once() -> None:
    wire, events = Wire(), FakeEvents(b"a")
    following = asyncio.ensure_future(follow(wire, events))
    await wire.until(b"a")
    wire.leave()
    await following
    assert events.closed
    assert not wire.ended


async def test_a_client_that_leaves_without_having_read_ends_the_reading_too() -> None:
    wire, events = SlowWire(), FakeEvents(b"a", b"b")
    following = asyncio.ensure_future(follow(wire, events))
    await wire.blocked.wait()
    wire.leave()
    await following
    assert events.closed


async def test_a_client_that_does_not_read_blocks_only_its_own_stream() -> None:
    stuck, stuck_events = SlowWire(), FakeEvents(b"a", b"b")
    blocked = asyncio.ensure_future(follow(stuck, stuck_events))
    await stuck.blocked.wait()
    wire = Wire()
    await follow(wire, FakeEvents(b"a", None))
    assert wire.ended
    stuck.leave()
    await blocked


async def test_a_fault_while_reading_closes_the_reader() -> None:
    class Broken(FakeEvents):
        def take(self, max_bytes: int = BATCH) -> bytes:
            raise RuntimeError("broken store")

    events = Broken()
    with pytest.raises(RuntimeError, match="broken store"):
        await follow(Wire(), events)
    assert events.closed


async def test_a_cancelled_stream_closes_the_reader() -> None:
    wire, events = Wire(), FakeEvents(b"a")
    following = asyncio.ensure_future(follow(wire, events))
    await wire.until(b"a")
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert events.closed
