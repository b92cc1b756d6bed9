"""A registry and commands as the daemon has them, and what a test asks of real programs: their events, their death."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import select
import time
from collections.abc import Callable
from typing import Any

import msgspec

from execd._wire import CreateSessionRequest, RunCommandRequest, RunInSessionRequest
from execd.process.command import Commands, CommandSettings
from execd.process.groups import RunGroup
from execd.process.limits import Limits
from execd.process.members import look
from execd.process.sessions import Sessions
from execd.runs.clock import Clock
from execd.runs.reader import Reader
from execd.runs.registry import Registry, Retention
from execd.runs.run import Run
from execd.runs.spool import Spool

LIMIT_S = 20.0


class Watched:
    """A run and its events so far."""

    def __init__(self, registry: Registry, run: Run) -> None:
        self.run = run
        self.reader: Reader = registry.attach(run)
        self.events: list[dict[str, Any]] = []

    async def until(self, there: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not there():
                assert not self.reader.done, f"the run ended: {self.run.end}"
                await self.reader.wait(LIMIT_S)
                self.take()

    def take(self) -> None:
        while frames := self.reader.take():
            for frame in frames.decode().split("\n\n")[:-1]:
                self.events.append(json.loads(frame.partition("data: ")[2]))

    async def end(self) -> dict[str, Any]:
        """Return the terminal event; everything has been read then."""
        await self.until(lambda: self.reader.done)
        self.reader.close()
        return self.events[-1]

    async def word(self) -> str:
        """Return the next line of standard output, and forget it."""
        await self.until(lambda: any(event["type"] == "stdout" for event in self.events))
        at = next(at for at, event in enumerate(self.events) if event["type"] == "stdout")
        return str(self.events.pop(at)["text"])

    async def number(self) -> int:
        return int(await self.word())

    def bytes(self, stream: str) -> bytes:
        """Return what was read of a stream in chunks mode."""
        parts = [event for event in self.events if event["type"] == stream]
        return b"".join(base64.b64decode(part["data"]) if "data" in part else part["text"].encode() for part in parts)


class Room:
    """Commands over a registry of their own."""

    def __init__(
        self,
        directory: str,
        *,
        kill_grace_ms: int = 10_000,
        drain_grace_ms: int = 200,
        environment: dict[str, str] | None = None,
        envs_file: str | None = None,
        shell: str | None = None,
        memory_kills: Callable[[], int] = lambda: 0,
        retention: Retention | None = None,
        max_sessions: int = 10,
        limits: Limits | None = None,
    ) -> None:
        clock = Clock(wall_ms=lambda: time.time_ns() // 10**6, mono_ms=lambda: time.monotonic_ns() // 10**6)
        self.registry = Registry(retention=retention or Retention(), spool=Spool(None), clock=clock)
        settings = CommandSettings(
            shell=shell,
            working_root=directory,
            kill_grace_ms=kill_grace_ms,
            drain_grace_ms=drain_grace_ms,
            envs_file=envs_file,
        )
        own = {"PATH": os.environ["PATH"]} if environment is None else environment
        self.directory = directory
        self.limits = limits
        self.commands = Commands(self.registry, settings, own, memory_kills=memory_kills, limits=limits)
        self.sessions = Sessions(self.registry, settings, own, memory_kills=memory_kills, limit=max_sessions)

    def limit_group(self) -> RunGroup:
        """Return the one control group that a live run is in."""
        assert self.limits
        (group,) = self.limits._live
        return group

    async def session(self, **fields: Any) -> str:
        return await self.sessions.create(msgspec.convert(fields, CreateSessionRequest))

    def begin(self, session_id: str, command: str, **fields: Any) -> Watched:
        """Start a command in a session."""
        request = msgspec.convert({"command": command, "output": "chunks", **fields}, RunInSessionRequest)
        return Watched(self.registry, self.sessions.run(session_id, request))

    async def say(self, session_id: str, command: str, **fields: Any) -> tuple[str, str, Any]:
        """Run a command in a session, and return what it wrote and its exit code, or else its cause."""
        watched = self.begin(session_id, command, **fields)
        end = await watched.end()
        return watched.bytes("stdout").decode(), watched.bytes("stderr").decode(), end.get("exit_code", end["cause"])

    def start(self, command: str | list[str], **fields: Any) -> Watched:
        what = {"command": command} if isinstance(command, str) else {"argv": command}
        request = msgspec.convert({**what, **fields}, RunCommandRequest)
        return Watched(self.registry, self.commands.start(request))

    async def run(self, command: str | list[str], **fields: Any) -> Watched:
        watched = self.start(command, **fields)
        await watched.end()
        return watched

    async def text(self, command: str | list[str], **fields: Any) -> str:
        """Return the standard output of a command that must succeed."""
        watched = await self.run(command, output="chunks", **fields)
        assert watched.events[-1].get("exit_code") == 0, watched.events
        return watched.bytes("stdout").decode()


async def until(there: Callable[[], object]) -> None:
    """Return when something is so of which no event tells: the loop turns meanwhile."""
    async with asyncio.timeout(LIMIT_S):
        while not there():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0)


async def gone(*pids: int) -> None:
    """Return when none of these processes runs any more (who is left unreaped by others counts as gone)."""
    for pid in pids:
        process = look(pid)
        if process is None or process.state == "Z":
            continue
        descriptor = os.pidfd_open(pid)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, ended.set)
        try:
            async with asyncio.timeout(LIMIT_S):
                await ended.wait()
        finally:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)


def alive(pid: int) -> bool:
    process = look(pid)
    return process is not None and process.state != "Z"


def kill(pid: int) -> None:
    """End what a test has left alive on purpose."""
    descriptor = os.pidfd_open(pid)
    try:
        os.kill(pid, 9)
        assert select.select([descriptor], [], [], LIMIT_S)[0]
    finally:
        os.close(descriptor)


FORMER: set[int] = set()
"""Zombies that were there before the test: another room's, when tests share a process."""


def own_zombies() -> list[int]:
    """Return this process's children that have ended and are not reaped, those from before the test left out."""
    found = [look(int(name)) for name in os.listdir("/proc") if name.isdigit()]
    ours = [process.pid for process in found if process and process.parent == os.getpid() and process.state == "Z"]
    return [pid for pid in ours if pid not in FORMER]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
