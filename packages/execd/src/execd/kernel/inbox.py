"""What a live shell says, in order: heard one by one, each as soon as its listener has room."""

from __future__ import annotations

import asyncio
import codecs
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from execd.kernel.anykernel import Listener
from execd.kernel.messages import Message
from execd.runs.sse import Stream

LIMIT: Final = 1024 * 1024
"""Bytes of output that wait to be heard, beyond which no more is read."""
_log: Final = logging.getLogger("execd.kernel")


class Inbox:
    """Messages on their way to a listener; `emptied` is called whenever there are none."""

    def __init__(self, listener: Listener, *, emptied: Callable[[], None]) -> None:
        self._listener = listener
        self._emptied = emptied
        self._messages: deque[tuple[Message, int]] = deque()
        self._size = 0
        self._decoders = _decoders()
        self._filled = asyncio.Event()
        self._reading = asyncio.get_running_loop().create_task(self._read())

    def put(self, message: Message) -> None:
        """Add a message."""
        self._add(message, 0)

    def write(self, parent: str, stream: Stream, data: bytes, *, final: bool = False) -> None:
        """Add output, but for the beginning of a character that the next output may end."""
        if said := self._decoders[stream].decode(data, final=final):
            self._add(Message("stream", parent, {"name": stream, "text": said}), len(data))

    def finish(self, parent: str) -> None:
        """Add what is left of unfinished characters."""
        for stream in self._decoders:
            self.write(parent, stream, b"", final=True)

    def _add(self, message: Message, size: int) -> None:
        self._messages.append((message, size))
        self._size += size
        self._filled.set()

    @property
    def full(self) -> bool:
        """Whether no more should be read."""
        return self._size >= LIMIT

    @property
    def empty(self) -> bool:
        """Whether everything has been heard."""
        return not self._messages

    async def close(self) -> None:
        """Let nothing more be heard."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            await self._filled.wait()
            while self._messages:
                message, size = self._messages[0]
                try:
                    self._listener.heard(message)
                except Exception:  # noqa: BLE001 - what comes after it must be heard all the same
                    _log.exception("fault while a shell was heard")
                await self._listener.room()
                self._messages.popleft()
                self._size -= size
            self._filled.clear()
            self._emptied()


def _decoders() -> dict[Stream, codecs.IncrementalDecoder]:
    # Text, as kernels speak it: what is none becomes U+FFFD, and a character is never torn.
    make = codecs.getincrementaldecoder("utf-8")
    return {"stdout": make("replace"), "stderr": make("replace")}
