"""How live shells end: by way of their EXIT traps, whatever they are at, and with all that they have started."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from execd.errors import SessionNotFound
from execd.process import fifos

from .rooms import Room, gone, own_zombies


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    room = Room(str(tmp_path), kill_grace_ms=300)
    yield room
    await room.sessions.close()
    assert own_zombies() == []


@pytest.fixture
async def here(room: Room) -> str:
    return await room.session()


async def test_a_deleted_session_leaves_nothing(room: Room, here: str) -> None:
    out, _, _ = await room.say(here, "sleep 1000 & echo $!; setsid sleep 1000 & echo $!; trap 'echo bye >bye' EXIT")
    watched, waiting = room.begin(here, "sleep 1000"), room.begin(here, "true")
    await room.sessions.delete(here)
    assert [(await run.end())["cause"] for run in (watched, waiting)] == ["interrupted", "interrupted"]
    await gone(*map(int, out.split()))
    assert await room.text("cat bye") == "bye\n"
    with pytest.raises(SessionNotFound):
        room.begin(here, "true")
    with pytest.raises(SessionNotFound):
        await room.sessions.delete(here)


async def test_a_session_that_is_deleted_before_its_shell_has_come_to_rest_takes_its_leave(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "__execd_code= __execd_flags= &&"
    slow = fifos._loop().replace(told, f"{told} /bin/sleep 0.1 &&")
    assert "sleep" in slow
    monkeypatch.setattr(fifos, "_loop", lambda: slow)
    here = await room.session()
    await room.say(here, "trap 'echo bye >bye' EXIT")

    await room.sessions.delete(here)

    assert await room.text("cat bye") == "bye\n"


@pytest.mark.parametrize(
    "command",
    ["trap '' INT; while :; do :; done", "while :; do /bin/true; done", "trap 'A=1' INT; while :; do :; done"],
)
@pytest.mark.slow
async def test_a_session_that_is_deleted_while_it_is_deaf_takes_its_leave(room: Room, here: str, command: str) -> None:
    await room.say(here, "trap 'echo bye >bye' EXIT")
    watched = room.begin(here, f"echo begun; {command}")
    assert await watched.word() == "begun\n"

    await room.sessions.delete(here)

    assert (await watched.end())["cause"] == "interrupted"
    assert await room.text("cat bye") == "bye\n"


async def test_a_command_that_a_dead_shell_will_not_take_is_anothers(room: Room, here: str) -> None:
    pid = (await room.say(here, "echo $$"))[0]
    os.kill(int(pid), signal.SIGSTOP)
    large = room.begin(here, f": {'x' * 10**6}; echo taken")
    await asyncio.sleep(0)
    os.kill(int(pid), signal.SIGKILL)

    await large.end()

    assert large.bytes("stdout") == b"taken\n"
