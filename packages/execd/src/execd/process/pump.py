"""Bytes out of a program's pipes and into its standard input, driven by the event loop and never waiting."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from execd.errors import StdinClosed

READ_BYTES: Final = 64 * 1024
"""Bytes of one read: what the store keeps in one block."""
READS_AT_ONCE: Final = 4
"""Reads in one turn of the loop, after which others have theirs."""
PIPE_BYTES: Final = 256 * 1024
"""Size asked for once a program fills the usual pipe; beyond it the kernel would soon refuse other users more."""


class Pump:
    """Reads one pipe to its end: for the run first, for nobody after `discard`.

    `deliver` gets what was read and says whether there is room for more; without room nothing is read until `resume`.
    `ended` is called once, at the end of the pipe; `failed` with what goes wrong in a turn of the loop.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        deliver: Callable[[bytes], bool],
        ended: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._descriptor = descriptor
        self._deliver = deliver
        self._ended = ended
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._reading = False
        self._enlarged = False
        self.resume()

    def resume(self) -> None:
        """Read whenever there is something."""
        if self._open and not self._reading:
            self._reading = True
            self._loop.add_reader(self._descriptor, self._readable)

    def flush(self) -> None:
        """Take what is in the pipe at this moment, room or not, and its end if that is there."""
        left = self._waiting_bytes() if self._open else -1
        while left >= 0 and (data := self._read()):
            left -= len(data)
            self._deliver(data)

    def discard(self) -> None:
        """Go on reading for nobody: who still writes must neither wait nor die of SIGPIPE."""
        self.divert(_nobody, ended=_nothing)

    def divert(self, deliver: Callable[[bytes], bool], *, ended: Callable[[], None]) -> None:
        """Go on reading for somebody else."""
        self._deliver = deliver
        self._ended = ended
        self.resume()

    @property
    def open(self) -> bool:
        """Whether the pipe has not ended."""
        return self._open

    def _readable(self) -> None:
        try:
            self._take_some()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the end of this run and of no other
            self._failed(error)

    def _take_some(self) -> None:
        for _ in range(READS_AT_ONCE):
            data = self._read()
            if data and not self._deliver(data):
                self._pause()
                return
            if len(data) < READ_BYTES:  # The pipe is empty.
                return

    def _read(self) -> bytes:
        """Return what one read gives, b"" when nothing is there; at the end of the pipe close it and say so."""
        if not self._open:
            return b""
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            self._close()
            self._ended()
        elif len(data) == READ_BYTES and not self._enlarged:
            self._enlarge()
        return data

    def _enlarge(self) -> None:
        self._enlarged = True
        with suppress(OSError):
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def _waiting_bytes(self) -> int:
        answer = fcntl.ioctl(self._descriptor, termios.FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("i", answer)[0])

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._descriptor)

    def _close(self) -> None:
        self._pause()
        self._open = False
        os.close(self._descriptor)


def _nobody(_: bytes) -> bool:
    return True


def _nothing() -> None:
    return


class Stdin:
    """The writing end of a program's standard input."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._writable: asyncio.Future[None] | None = None
        self._open = True

    async def write(self, data: bytes) -> None:
        """Write all of `data`, waiting while the program does not read; raises `StdinClosed` when nobody can."""
        async with self._turn:
            left = memoryview(data)
            self._require_open()
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:
                    await self._wait()
                except BrokenPipeError:
                    self.close()
                self._require_open()

    def offer(self, data: bytes) -> int:
        """Write what goes at once, and return how many bytes that was; none while somebody else writes."""
        if self._turn.locked() or not self._open:
            return 0
        try:
            return os.write(self._descriptor, data)
        except (BlockingIOError, BrokenPipeError):
            return 0

    def close(self) -> None:
        """End the input, if it is open; who waits to write is told."""
        if self._open:
            self._open = False
            self._wake()
            os.close(self._descriptor)

    def end(self) -> None:
        """End the input; raises `StdinClosed` when that has been done."""
        self._require_open()
        self.close()

    def _require_open(self) -> None:
        if not self._open:
            raise StdinClosed("standard input is closed")

    async def _wait(self) -> None:
        self._writable = self._loop.create_future()
        self._loop.add_writer(self._descriptor, self._wake)
        try:
            await self._writable
        finally:
            self._wake()

    def _wake(self) -> None:
        waiting, self._writable = self._writable, None
        if waiting is not None:
            self._loop.remove_writer(self._descriptor)
            if not waiting.done():
                waiting.set_result(None)
