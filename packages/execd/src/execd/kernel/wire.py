"""The end that is ours of a kernel's wire: what it publishes as frames on a Unix socket, instead of through ZeroMQ.

What the kernel has written there outlives it, and stays in the system's hands while we do not read: nothing is lost at
a death, and nothing piles up here. A kernel that does not know of the wire publishes as all kernels do.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

READ_BYTES: Final = 1024 * 1024
_LENGTH: Final = struct.Struct("<I")


class Wire:
    """A socket on which one kernel is waited for; `path` names it until that has come. Raises `OSError`."""

    def __init__(self, path: str) -> None:
        self._path: str | None = path
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(0)
            self._socket.bind(path)
            self._socket.listen(1)
        except BaseException:
            self._socket.close()
            raise

    async def accept(self) -> None:
        """Return when the kernel is there."""
        taken, _ = await asyncio.get_running_loop().sock_accept(self._socket)
        self._forget()
        self._socket.close()
        self._socket = taken
        taken.settimeout(0)

    async def messages(self) -> AsyncIterator[list[list[bytes]]]:
        """Yield what has come, in whole messages of frames; the kernel has closed its end after the last."""
        loop = asyncio.get_running_loop()
        unread = bytearray()
        with suppress(ConnectionError):
            while data := await loop.sock_recv(self._socket, READ_BYTES):
                unread += data
                yield take(unread)

    def close(self) -> None:
        """Close our end."""
        self._forget()
        self._socket.close()

    def _forget(self) -> None:
        path, self._path = self._path, None
        if path is not None:
            with suppress(OSError):
                os.unlink(path)


def take(unread: bytearray) -> list[list[bytes]]:
    """Take the messages that are whole from the beginning of `unread`.

    >>> take(bytearray(b"\\2\\0\\0\\0\\1\\0\\0\\0\\2\\0\\0\\0abb\\1\\0"))
    [[b'a', b'bb']]
    """
    messages: list[list[bytes]] = []
    at = 0
    while (lengths := _lengths(unread, at)) is not None:
        place = at + _LENGTH.size * (1 + len(lengths))
        if place + sum(lengths) > len(unread):
            break
        frames = []
        for length in lengths:
            frames.append(bytes(unread[place : place + length]))
            place += length
        messages.append(frames)
        at = place
    del unread[:at]
    return messages


def _lengths(unread: bytearray, at: int) -> list[int] | None:
    if len(unread) < at + _LENGTH.size:
        return None
    (count,) = _LENGTH.unpack_from(unread, at)
    if len(unread) < at + _LENGTH.size * (1 + count):
        return None
    return [_LENGTH.unpack_from(unread, at + _LENGTH.size * (1 + each))[0] for each in range(count)]
