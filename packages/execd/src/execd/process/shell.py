"""The live bash of a session: commands in, one after another, and how each of them ended out.

Bash is interactive, so that SIGINT takes it back to its top level with everything it knows; there the next line of its
commands waits, which sources `session.bash` again. What is sourced is not interactive: no job numbers, no prompts.

Bash reads these lines ahead, together: one for the loop, and `_BACK`, twice, for an interrupt may tear one. The loop
gives standard input away, to /dev/null or whatever a command of the user's makes of it; `_BACK`, which bash holds in
its memory by then, takes the lines for its standard input again, so that the next are read. They, texts and statuses go
through named pipes, which bash opens when it needs them: commands neither inherit nor meet them. (The daemon's own ones
cannot be opened by way of /proc, for it is not dumpable; and descriptors that bash kept it could hide neither from the
user nor from its children.)
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from execd.errors import StdinClosed
from execd.process.child import Program, spawn
from execd.process.fifos import Fifos
from execd.process.foreground import Foreground
from execd.process.pump import Pump, Stdin
from execd.process.shelltext import Left
from execd.process.states import Exit
from execd.runs.sse import Stream

READY_S: Final = 10.0
_WORDS_BYTES: Final = 16 * 1024
ARGV: Final = ["bash", "--noprofile", "--norc", "--noediting", "-i"]
_STREAMS: Final[tuple[Stream, Stream]] = ("stdout", "stderr")
_RETURNS: Final = 20
"""How often in a row bash may come back to its top level without a word: more, and it will not come to itself."""


class Shell:
    """One bash from start to reap.

    `deliver` gets its output, once it is ready, and says whether there is room for more. `news` is called whenever
    something has happened that `ended` or `exit` tells.
    """

    def __init__(
        self,
        program: Program,
        *,
        place: str,
        deliver: Callable[[Stream, bytes], bool],
        news: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.exit: Exit | None = None
        self.ended: dict[str, int] = {}
        """Exit codes of commands by their ids."""
        self.begun = ""
        """The id of the last command that it took whole: an interrupt before that could tear it."""
        self.is_back = False
        """Whether it has come back to its top level since it was last interrupted, or took a command."""
        self.ready = False
        self.words = bytearray()
        """The last of what it wrote before it was ready."""
        self._deliver = deliver
        self._news = news
        self._heard = b""
        self._loop = asyncio.get_running_loop()
        self._traps = ""
        self._left = Left()
        self._sent = self._taken = ""
        self._returns = 0
        self._interrupted = False
        self._break = b""
        self._key = secrets.token_hex(16)
        self._closing: asyncio.Task[None] | None = None
        self._pipes = Fifos(place)
        try:
            self.child = spawn(replace(program, argv=ARGV, stdin=True))
        except BaseException:
            self._pipes.close_all()
            raise
        self._foreground = Foreground(self.child)
        self._start()
        self._commands = Stdin(self._pipes.give)
        self._loop.add_reader(self.child.pidfd, self._notice_exit)
        self._status = Pump(self._pipes.hear, deliver=self._hear, ended=_nothing, failed=failed)
        self._pumps = [
            Pump(descriptor, deliver=self._taker(stream), ended=_nothing, failed=failed)
            for descriptor, stream in zip((self.child.stdout, self.child.stderr), _STREAMS, strict=True)
        ]

    async def send(self, command_id: str, text: str) -> None:
        """Give the shell its next command, which finds everything as the last one left it; raises `StdinClosed`."""
        self._sent = command_id
        self._foreground.begin()
        await self._write(f"{command_id} {self._left.code}", self._left.around(text))

    async def send_aside(self, command_id: str, text: str = "\\builtin :") -> None:
        """Give the shell a command of ours: what the last one left, `$?` and traps among it, is for the next one."""
        await self._write(f"{command_id} 0", text)

    async def _write(self, head: str, text: str) -> None:
        data = f"{self._key}{head}\0{text}\0".encode("utf-8", "surrogateescape")
        await self._commands.write(data)

    @property
    def has_broken_line(self) -> bool:
        """Whether what it wrote since it was interrupted ends a line: bash does that on its way back."""
        return bool(self._break)

    def interrupt(self) -> None:
        """Take the shell, and what it waits for, back to its top level."""
        self.send_signal(signal.SIGINT)
        self.send_signal(signal.SIGCONT)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the shell and what it waits for."""
        if number == signal.SIGINT:
            self._interrupted = True
            self.is_back = False
            self._foreground.interrupt()
        else:
            self.child.signal_group(number)

    def remind(self) -> None:
        """Tell it once more how it gets on from its top level: an interrupt may have thrown away what was ahead."""
        with suppress(BlockingIOError, OSError):
            os.write(self._pipes.lines, self._pipes.ahead)

    def kill(self) -> None:
        """End the shell alone; its exit arrives as news."""
        self._send_alone(signal.SIGKILL)

    def hang_up(self) -> None:
        """Ask the shell alone to end at once, by way of its EXIT trap."""
        self._send_alone(signal.SIGHUP)
        self._send_alone(signal.SIGCONT)

    def _send_alone(self, number: signal.Signals) -> None:
        if self.exit is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.child.pidfd, number)

    def close_input(self) -> None:
        """Let the shell end by itself, when it has taken what was sent; its exit arrives as news."""
        if self._closing is None:
            self._closing = self._loop.create_task(self._write_end())

    async def _write_end(self) -> None:
        # A shell that has yet to open the pipe would wait there for ever if nobody had it open for writing.
        with suppress(StdinClosed):
            await self._commands.write(f"{self._key}\0".encode())

    def flush(self) -> None:
        """Take what is in the pipes at this moment."""
        self._empty()
        self._interrupted = False
        if self._break:
            self._take("stderr", b"")

    def _empty(self) -> None:
        for pump in self._pumps:
            pump.flush()

    def resume(self) -> None:
        """Read output whenever there is some."""
        for pump in self._pumps:
            pump.resume()

    def bury(self) -> None:
        """Reap the shell, which has ended; what survives it may go on writing, for nobody."""
        self.flush()
        for pump in (*self._pumps, self._status):
            pump.discard()
        self._commands.close()
        self.child.reap()
        self._pipes.close()

    def _taker(self, stream: Stream) -> Callable[[bytes], bool]:
        return lambda data: self._take(stream, data) if self.ready else self._note(data)

    def _take(self, stream: Stream, data: bytes) -> bool:
        if stream == "stdout":
            return self._deliver(stream, data)
        # Bash breaks the line when it comes back to its top level; that is nobody's output.
        data, self._break = self._break + data, b""
        if self._interrupted:
            data, self._break = data.rstrip(b"\n"), data[len(data.rstrip(b"\n")) :]
        return not data or self._deliver(stream, data)

    def _note(self, data: bytes) -> bool:
        # What bash says of itself while it starts is nobody's output.
        self.words += data
        del self.words[:-_WORDS_BYTES]
        return True

    def _hear(self, data: bytes) -> bool:
        *messages, self._heard = (self._heard + data).split(b"\0")
        for message in messages:
            if message == b"+":
                self.is_back = True
                self._empty()
                self._break = self._break[1:]
                self._write_ahead()
            elif message.startswith(b">"):
                self.begun = self._taken = self._name(message[1:])
                self.is_back = False
            elif message[:1].isdigit():
                self._take_status(message)
            elif message:
                self._traps = message.decode("utf-8", "surrogateescape")
        if messages:
            self._news()
        return True

    def _take_status(self, message: bytes) -> None:
        # Everything that was written before the status is in the pipes by now.
        self._empty()
        self.ready = True
        self._returns = 0
        code, took, flags, named = message.split(b" ", 3)
        # Its id is what it said when it took it; without that it was torn, and is over all the same.
        command_id, self._taken = self._taken or self._name(named), ""
        if command_id == self._sent and (took == b"1" or (took == b"2" and not self._left.is_put_back)):
            # What it told before it had put back all that an earlier one had left is nothing new.
            self._left = Left(int(code), flags.decode(), self._traps)
            self._sent = ""
        self._traps = ""
        # After the way back through the top level the status comes twice, and the first is the command's.
        self.ended.setdefault(command_id, int(code))

    def _name(self, told: bytes) -> str:
        return told.decode(errors="replace").removeprefix(self._key).rpartition(" ")[0]

    def _write_ahead(self) -> None:
        self._returns += 1
        if self._returns > _RETURNS:
            self.kill()
        else:
            self.remind()

    def _start(self) -> None:
        # Its first lines come from a pipe of their own; from then on bash takes them from where it is told.
        assert self.child.stdin is not None  # noqa: S101 - it was asked for
        with suppress(BrokenPipeError):
            os.write(self.child.stdin, self._pipes.prelude(self._key))
        os.close(self.child.stdin)
        self.child.stdin = None

    def _notice_exit(self) -> None:
        self.exit = self.child.exit()
        if self.exit is not None:
            self._loop.remove_reader(self.child.pidfd)
            # Nobody reads what may still be on its way to it: who waits to write it is told.
            self._commands.close()
            self.flush()
            self._news()


def _nothing() -> None:
    return
