"""A sandbox may be closed under somebody who waits for a run in it. By hand: the colours differ here."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest

from opensandbox import Sandbox, SandboxSync
from opensandbox.exceptions import SandboxConnectionException

from .worlds import LIMIT_S, FakeDaemon, Incoming, Wire, fake_daemon, init, out


@pytest.fixture
def silent() -> Iterator[FakeDaemon]:
    """A daemon whose runs say one line, and then nothing until the test is over."""
    over = threading.Event()

    def start(_: Incoming, wire: Wire) -> None:
        wire.begin()
        wire.event(init(), 1)
        wire.event(out("working\n"), 2)
        over.wait(2 * LIMIT_S)

    with fake_daemon() as daemon:
        daemon.on("POST", "/command", start)
        daemon.on("POST", "/session", lambda _, wire: wire.reply(body=b'{"session_id": "s"}'))
        daemon.on("POST", "/session/s/run", start)
        daemon.on("DELETE", "/command", lambda _, wire: wire.reply())
        try:
            yield daemon
        finally:
            over.set()


async def run(sandbox: Sandbox, seen: Callable[[object], None]) -> object:
    return await sandbox.commands.run("sleep 3600", on_stdout=seen)


async def in_shell(sandbox: Sandbox, seen: Callable[[object], None]) -> object:
    async with sandbox.commands.session() as shell:
        return await shell.run("sleep 3600", on_stdout=seen)


def run_sync(sandbox: SandboxSync, seen: Callable[[object], None]) -> object:
    return sandbox.commands.run("sleep 3600", on_stdout=seen)


def in_shell_sync(sandbox: SandboxSync, seen: Callable[[object], None]) -> object:
    with sandbox.commands.session() as shell:
        return shell.run("sleep 3600", on_stdout=seen)


@pytest.mark.parametrize("work", [run, in_shell])
async def test_closing_ends_what_a_task_waits_for(
    silent: FakeDaemon, work: Callable[[Sandbox, Callable[[object], None]], Awaitable[object]]
) -> None:
    seen = asyncio.Event()
    async with asyncio.timeout(LIMIT_S), await Sandbox.connect(silent.url) as sandbox:
        waiting = asyncio.ensure_future(work(sandbox, lambda _: seen.set()))
        await seen.wait()
        await sandbox.transport.aclose()  # what leaving does to runs of others
        with pytest.raises(SandboxConnectionException):
            await waiting


@pytest.mark.parametrize("work", [run_sync, in_shell_sync])
def test_closing_ends_what_another_thread_waits_for(
    silent: FakeDaemon, work: Callable[[SandboxSync, Callable[[object], None]], object]
) -> None:
    seen = threading.Event()
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            work(sandbox, lambda _: seen.set())
        except BaseException as fault:  # noqa: BLE001 - told by the assertion
            raised.append(fault)

    with SandboxSync.connect(silent.url) as sandbox:
        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        assert seen.wait(LIMIT_S)
        sandbox.transport.close()  # what leaving does to runs of others
        waiting.join(LIMIT_S)
        assert not waiting.is_alive()
    assert isinstance(raised[0], SandboxConnectionException)
