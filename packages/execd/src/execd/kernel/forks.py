"""The daemon's end of a fork server: a program of the sandbox's Python that forks kernels which are our children.

So a kernel is owned like any other, from fork to reap, and lives on when its server dies.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from execd.kernel.spawned import Spawned
from execd.process.child import Child, Program

ANSWER_BYTES: Final = 4096


class ForkRefused(OSError):
    """There is no fork: the server says why not, or has gone."""


class ForkServer:
    """A program that forks; `start` makes one that is ready to."""

    def __init__(self, spawned: Spawned, requests: socket.socket) -> None:
        self.spawned = spawned
        self.installed: list[str] = []
        """The directories in which its packages are installed."""
        self._requests = requests
        self._turn = asyncio.Lock()

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, environment: dict[str, str], directory: str, limit_s: float
    ) -> ForkServer:
        """Return a server that has imported everything; raises `OSError` with its last words."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)  # noqa: FBT003 - the platform's signature
        with theirs:
            number = theirs.fileno()
            program = Program(argv=[*argv, str(number)], environment=environment, directory=directory, passed=(number,))
            try:
                server = cls(Spawned(program), ours)
            except BaseException:
                ours.close()
                raise
        try:
            async with asyncio.timeout(limit_s):
                server.installed = (await server._answer())["installed"]
        except BaseException as error:
            words = server.spawned.words()
            await server.close()
            if isinstance(error, (TimeoutError, ForkRefused)):
                why = str(error) or "it does not get ready"
                raise ForkRefused(": ".join([why, *words[-1:]])) from None
            raise
        return server

    @property
    def lives(self) -> bool:
        """Whether it can be asked."""
        return self.spawned.lives

    async def fork(self, argv: Sequence[str], *, mark: str) -> Child:
        """Return a new kernel with these arguments; raises `ForkRefused`, `OSError`."""
        forking = asyncio.get_running_loop().create_task(self._fork(argv, mark))
        try:
            return await asyncio.shield(forking)
        except asyncio.CancelledError:
            # What has been asked for is answered all the same, and is nobody's then.
            forking.add_done_callback(_abandon)
            raise

    async def close(self) -> None:
        """End it; what it has forked lives on."""
        await self.spawned.bury()
        async with self._turn:  # Whoever waits for an answer finds the end first.
            self._requests.close()

    async def _fork(self, argv: Sequence[str], mark: str) -> Child:
        async with self._turn:
            opened: list[int] = []
            try:
                for _ in range(2):
                    opened += os.pipe()
                out, out_theirs, err, err_theirs = opened
                request = json.dumps({"argv": argv, "mark": mark}).encode()
                socket.send_fds(self._requests, [request], [out_theirs, err_theirs])
                child = _child(await self._answer(), out, err)
            except BaseException:
                _close(opened)
                raise
            _close((out_theirs, err_theirs))
            return child

    async def _answer(self) -> dict[str, Any]:
        data = await asyncio.get_running_loop().sock_recv(self._requests, ANSWER_BYTES)
        if not data:
            raise ForkRefused("it has gone")
        answer: dict[str, Any] = json.loads(data)
        if "refusal" in answer:
            raise ForkRefused(answer["refusal"])
        return answer


def _child(answer: dict[str, Any], out: int, err: int) -> Child:
    pid = int(answer["pid"])
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED)
        raise
    for descriptor in (out, err):
        os.set_blocking(descriptor, False)
    return Child(pid, pidfd, stdin=None, stdout=out, stderr=err)


def _abandon(forking: asyncio.Task[Child]) -> None:
    if not forking.cancelled() and forking.exception() is None:
        child = forking.result()
        _close((child.stdout, child.stderr))
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        child.reap()


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
