"""Standard input beside a run, where the colours differ: a thread cannot be ended, a task is cancelled anywhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from opensandbox import Sandbox, SandboxSync

from .worlds import LIMIT_S, FakeDaemon, Incoming, Wire, complete, failed, fake_daemon, init


def feeding() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "opensandbox-stdin"]


def ends(daemon: FakeDaemon, *, after: threading.Event) -> None:
    """Answer a start with a run that ends when `after` is set."""

    def start(_: Incoming, wire: Wire) -> None:
        wire.begin()
        wire.event(init(), 1)
        assert after.wait(LIMIT_S)
        wire.event(complete(), 2)
        wire.end()

    daemon.on("POST", "/command", start)


@pytest.mark.parametrize("is_closed", [False, True])
def test_an_iterator_that_outlives_its_run_goes_nowhere_and_says_nothing(
    is_closed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    is_written, goes_on = threading.Event(), threading.Event()

    def late() -> Iterator[bytes]:
        yield b"a"
        is_written.set()
        assert goes_on.wait(LIMIT_S)
        yield b"b"
        raise LookupError("too late")

    with fake_daemon() as daemon:
        ends(daemon, after=is_written)
        daemon.on("POST", "/executions", lambda _, wire: wire.reply())
        sandbox = SandboxSync.connect(daemon.url)
        sandbox.commands.run("head -c 1", stdin=late())
        left = feeding()
        assert left
        if is_closed:
            sandbox.close()
        goes_on.set()
        for thread in left:
            thread.join(LIMIT_S)
        sandbox.close()
        assert [asked.body for asked in daemon.requests if asked.path.endswith("/stdin")] == [b"a"]
        assert daemon.seen("DELETE", "/command") == []
    assert raised == []


async def test_the_interrupt_for_a_broken_iterator_is_seen_through_when_the_run_ends_meanwhile() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b""
        raise LookupError

    asked, answered = threading.Event(), threading.Event()
    with fake_daemon() as daemon:

        def start(_: Incoming, wire: Wire) -> None:
            wire.begin()
            wire.event(init(), 1)
            assert asked.wait(LIMIT_S)
            wire.event(failed("INTERRUPTED", cause="interrupted"), 2)
            wire.end()

        def stop(_: Incoming, wire: Wire) -> None:
            asked.set()
            # The run's end reaches the client first: that is what must not cut this answer off.
            threading.Event().wait(0.2)
            answered.set()
            wire.reply()

        daemon.on("POST", "/command", start)
        daemon.on("DELETE", "/command", stop)
        async with await Sandbox.connect(daemon.url) as sandbox:
            async with asyncio.timeout(LIMIT_S):
                with pytest.raises(LookupError):
                    await sandbox.commands.run("sort", stdin=broken())
            assert answered.is_set()
