"""Standard input of a cell: what was written meets what was asked for.

A line answers one request; so does the rest of what one writer wrote, at its end (which an empty write tells).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from execd.errors import StdinClosed

LIMIT: Final = 1024 * 1024
"""Bytes of answers that nobody has asked for yet; who writes more waits."""


class Answers:
    """Lines that wait for requests, requests that wait for lines; `answer` is called when two have met.

    `end_of_input` is the answer which says that there is none.
    """

    def __init__(self, answer: Callable[[str], None], *, open_: bool, end_of_input: str) -> None:
        self._answer = answer
        self._open = open_
        self._end_of_input = end_of_input
        self._unfinished = b""
        self._lines: deque[bytes] = deque()
        self._asked = 0
        self._taken: asyncio.Event = asyncio.Event()

    def asked(self) -> None:
        """Take note that the kernel asks for a line."""
        self._asked += 1
        self._match()

    async def write(self, data: bytes) -> None:
        """Add to what is written, waiting while too much of it is not asked for; raises `StdinClosed`."""
        self._check()
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        self._lines += (line.removesuffix(b"\r") for line in lines)
        if not data and self._unfinished:
            self._lines.append(self._unfinished)
            self._unfinished = b""
        self._match()
        while sum(map(len, self._lines)) > LIMIT:
            self._taken.clear()
            await self._taken.wait()
            self._check()

    def close(self) -> None:
        """End the input after what is written; raises `StdinClosed`."""
        self._check()
        if self._unfinished:
            self._lines.append(self._unfinished)
        self.end()
        self._match()

    def end(self) -> None:
        """Take nothing more."""
        self._open = False
        self._taken.set()

    def _check(self) -> None:
        if not self._open:
            raise StdinClosed("the cell takes no input: it was not allowed, has been closed, or the cell has ended")

    def _match(self) -> None:
        while self._asked and (self._lines or not self._open):
            self._asked -= 1
            text = self._lines.popleft().decode("utf-8", "replace") if self._lines else self._end_of_input
            self._answer(text)
            self._taken.set()
