"""A program that is spoken to by lines: one pipe to it, one from it, and its output beside them as it is."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from execd.errors import StdinClosed
from execd.process.child import Program, spawn
from execd.process.pump import Pump, Stdin
from execd.process.states import Exit
from execd.runs.sse import Stream

_STREAMS: Final[tuple[Stream, Stream]] = ("stdout", "stderr")
_WORDS_BYTES: Final = 16 * 1024


class Worker:
    """One such program from start to reap, leader of its own session and group.

    In its arguments `{take}` and `{tell}` stand for the descriptors from which it reads lines and to which it writes
    them. `hear` gets each line, after all that the program had written before it; `deliver` gets its output, once it is
    `ready`; both say whether there is room for more. `news` is called when it has ended. Raises `OSError`.
    """

    def __init__(
        self,
        program: Program,
        *,
        hear: Callable[[bytes], bool],
        deliver: Callable[[Stream, bytes], bool],
        news: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.exit: Exit | None = None
        self.ready = False
        self.words = bytearray()
        """The last of what it wrote before it was ready."""
        self._hear = hear
        self._deliver = deliver
        self._news = news
        self.hearing = False
        """Whether a line is about to be heard."""
        self._parts: list[bytes] = []
        self._lines: deque[bytes] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        pipes = _Pipes()
        try:
            self.child = spawn(replace(program, argv=[pipes.named(part) for part in program.argv], passed=pipes.theirs))
        except BaseException:
            pipes.close_ours()
            raise
        finally:
            pipes.close_theirs()
        self._commands = Stdin(pipes.give)
        self._loop.add_reader(self.child.pidfd, self._notice_exit)
        self._said = Pump(pipes.hear, deliver=self._cut, ended=_nothing, failed=failed)
        self._pumps = [
            Pump(descriptor, deliver=self._taker(stream), ended=_nothing, failed=failed)
            for descriptor, stream in zip((self.child.stdout, self.child.stderr), _STREAMS, strict=True)
        ]

    def send(self, line: bytes) -> None:
        """Give it a line, at once where it has taken those before; one that has ended takes none."""
        data = line + b"\n"
        if self._sending is None or self._sending.done():
            data = data[self._commands.offer(data) :]
            if not data:
                return
            self._sending = self._loop.create_task(self._send())
        self._lines.append(data)

    async def _send(self) -> None:
        with suppress(StdinClosed):
            while self._lines:
                await self._commands.write(self._lines.popleft())

    def close_input(self) -> None:
        """Let it end by itself."""
        self._commands.close()

    def listen(self) -> None:
        """Hear the lines that are in the pipe at this moment."""
        self._said.flush()

    def flush(self) -> None:
        """Take what is in the pipes of its output at this moment."""
        for pump in self._pumps:
            pump.flush()

    def resume(self) -> None:
        """Read whatever there is."""
        for pump in (*self._pumps, self._said):
            pump.resume()

    def bury(self) -> None:
        """Reap it, which has ended; what survives it may go on writing, for nobody."""
        for pump in (*self._pumps, self._said):
            pump.discard()
        self.close_input()
        self.child.reap()

    def _taker(self, stream: Stream) -> Callable[[bytes], bool]:
        return lambda data: self._deliver(stream, data) if self.ready else self._note(data)

    def _note(self, data: bytes) -> bool:
        # What it says while it starts is nobody's output.
        self.words += data
        del self.words[:-_WORDS_BYTES]
        return True

    def _cut(self, data: bytes) -> bool:
        first, *others = data.split(b"\n")
        self._parts.append(first)
        room = True
        for part in others:
            line, self._parts = b"".join(self._parts), [part]
            self.hearing = True
            # Whatever it had written before this line is in the pipes by now.
            self.flush()
            room = self._hear(line) and room
            self.hearing = False
        return room

    def _notice_exit(self) -> None:
        self.exit = self.child.exit()
        if self.exit is not None:
            self._loop.remove_reader(self.child.pidfd)
            self._said.flush()
            self.flush()
            self._news()


class _Pipes:
    """The two pipes, close-on-exec but for their reader and writer on the other side."""

    def __init__(self) -> None:
        self._take, self.give = os.pipe()
        try:
            self.hear, self._tell = os.pipe()
        except BaseException:
            _close(self._take, self.give)
            raise
        os.set_blocking(self.give, False)
        os.set_blocking(self.hear, False)

    @property
    def theirs(self) -> tuple[int, int]:
        return self._take, self._tell

    def named(self, part: str) -> str:
        return part.replace("{take}", str(self._take)).replace("{tell}", str(self._tell))

    def close_theirs(self) -> None:
        _close(*self.theirs)

    def close_ours(self) -> None:
        _close(self.give, self.hear)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _nothing() -> None:
    return
