"""Commands in the background: they go on by themselves, and what they leave behind is still heard."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from execd.runs.registry import Retention

from .rooms import LIMIT_S, Room, Watched, alive, kill, until


def release(room: Room) -> None:
    """Let the survivor go on that waits at `go`."""
    Path(room.directory, "go").write_text("\n")


async def log(watched: Watched) -> bytes:
    reader = watched.run.read(cursor=0, until=None, stream=None)
    parts = []
    while piece := await reader.next():
        parts.append(piece)
    await reader.close()
    return b"".join(parts)


async def until_logged(watched: Watched, wanted: bytes) -> bytes:
    async with asyncio.timeout(LIMIT_S):
        while wanted not in (data := await log(watched)):  # noqa: ASYNC110 - the log has no event
            await asyncio.sleep(0)
    return data


async def test_nobody_need_read_and_nobody_is_held_up(tmp_path: Path) -> None:
    room = Room(str(tmp_path), retention=Retention(run_bytes=100_000))
    watched = room.start("seq 1 200000", background=True)
    watched.reader.close()
    await watched.run.ended()
    assert (await log(watched)).endswith(b"\n200000\n")
    assert watched.run.store.stdout_bytes == 1_288_895


async def test_a_survivor_goes_on_and_its_late_output_is_in_the_log(room: Room) -> None:
    os.mkfifo(f"{room.directory}/go")
    watched = room.start(
        "(read x <go; echo late; echo oops >&2) & echo early; echo $!", background=True, output="chunks"
    )
    await watched.end()
    pid = int(watched.bytes("stdout").split()[1])
    assert alive(pid)
    assert watched.run.late_open
    release(room)
    assert await until_logged(watched, b"oops\n") == b"early\n%d\nlate\noops\n" % pid
    await until(lambda: not watched.run.late_open)
    assert watched.bytes("stdout") == b"early\n%d\n" % pid


async def test_late_output_of_a_foreground_command_is_dropped(room: Room) -> None:
    os.mkfifo(f"{room.directory}/go")
    watched = room.start("(read x <go; echo late; echo over >done) & echo early")
    await watched.end()
    release(room)
    await until(lambda: os.path.exists(f"{room.directory}/done"))
    assert await log(watched) == b"early\n"


async def test_a_background_command_is_stopped_with_everyone_it_started(room: Room) -> None:
    watched = room.start("sleep 1000 & echo $!; wait", background=True)
    child = await watched.number()
    await room.commands.interrupt(watched.run.id)
    assert not alive(child)
    assert watched.run.end is not None
    assert watched.run.end.cause == "interrupted"


async def test_a_survivor_is_not_reached_by_a_run_that_is_forgotten(room: Room) -> None:
    watched = room.start("sleep 1000 & echo $!", background=True)
    child = await watched.number()
    await watched.end()
    await room.registry.delete(watched.run)
    assert alive(child)
    kill(child)
