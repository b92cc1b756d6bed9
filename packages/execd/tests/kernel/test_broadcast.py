"""Broadcasts: from now on, to whoever listens, within bounds, with one last event."""

from __future__ import annotations

import asyncio
from typing import Any

from execd.kernel.broadcast import LIMIT, Broadcast, Listener

from ..runs.test_store import parse


def heard(listener: Listener) -> list[Any]:
    taken = []
    while frames := listener.take():
        taken += [event["text"] for number, event in parse(frames) if number is None]
    return taken


async def test_a_listener_hears_what_is_told_from_now_on() -> None:
    broadcast = Broadcast(lambda: 7)
    broadcast.tell({"type": "x", "text": "before"})
    first, second = broadcast.listen(), broadcast.listen()
    broadcast.tell({"type": "x", "text": "a"})
    second.close()
    broadcast.tell({"type": "x", "text": "b"})
    assert (heard(first), heard(second)) == (["a", "b"], ["a"])
    assert not first.done


async def test_the_last_event_ends_every_stream() -> None:
    broadcast = Broadcast(lambda: 7)
    listener = broadcast.listen()
    waiting = asyncio.create_task(listener.wait(10))
    await asyncio.sleep(0)
    broadcast.end({"type": "error", "text": "over"})
    assert await waiting
    assert not listener.done
    assert heard(listener) == ["over"]
    assert listener.done


async def test_who_does_not_listen_loses_the_oldest() -> None:
    broadcast = Broadcast(lambda: 7)
    listener = broadcast.listen()
    for at in range(20):
        broadcast.tell({"type": "x", "text": f"{at}" + " " * (LIMIT // 10)})
    kept = [int(text) for text in heard(listener)]
    assert kept == list(range(20 - len(kept), 20))
    assert 5 < len(kept) < 11


async def test_waiting_ends_with_the_time() -> None:
    assert not await Broadcast(lambda: 7).listen().wait(0.01)
