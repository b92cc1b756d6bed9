"""The live bash of a session: commands in, one after another, and how each of them ended out.

Bash is interactive, so that SIGINT takes it back to its top level with everything it knows; there the next line of
its standard input waits, which sources `session.bash` again. What is sourced is not interactive: no job numbers, no
prompts. Commands and statuses go over private descriptors; standard input of commands is empty.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shlex
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from execd.process.child import Child, Program, spawn
from execd.process.pump import Pump, Stdin
from execd.process.states import Exit
from execd.runs.sse import Stream

READY_S: Final = 10.0
_WORDS_BYTES: Final = 16 * 1024
ARGV: Final = ["bash", "--noprofile", "--norc", "--noediting", "-i"]
_STREAMS: Final[tuple[Stream, Stream]] = ("stdout", "stderr")
_ABOVE: Final = 200
"""Our descriptors are passed above those that they get in the shell."""
_LOOP: Final = f". {shlex.quote(str(Path(__file__).with_name('session.bash')))}\n".encode()
_PRELUDE: Final = (
    "exec 198<&{take} 199>&{tell} {take}<&- {tell}>&-; "
    "set +o history +o histexpand; unset HISTFILE MAILCHECK; PS1= __execd_id=\n"
)


class Shell:
    """One bash from start to reap.

    `deliver` gets its output, once it is ready, and says whether there is room for more. `news` is called whenever
    something has happened that `ended` or `exit` tells.
    """

    def __init__(
        self,
        program: Program,
        *,
        deliver: Callable[[Stream, bytes], bool],
        news: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.exit: Exit | None = None
        self.ended: dict[str, int] = {}
        """Exit codes of commands by their ids."""
        self.begun = ""
        """The id of the last command that it took whole: an interrupt before that could tear it."""
        self.ready = False
        self.words = bytearray()
        """The last of what it wrote before it was ready."""
        self._deliver = deliver
        self._news = news
        self._heard = b""
        self._loop = asyncio.get_running_loop()
        self.child, self._commands, status = _start(program)
        self._loop.add_reader(self.child.pidfd, self._notice_exit)
        self._status = Pump(status, deliver=self._hear, ended=_nothing, failed=failed)
        self._pumps = [
            Pump(descriptor, deliver=self._taker(stream), ended=_nothing, failed=failed)
            for descriptor, stream in zip((self.child.stdout, self.child.stderr), _STREAMS, strict=True)
        ]

    async def send(self, command_id: str, text: str) -> None:
        """Give the shell its next command; raises `StdinClosed` when it is gone."""
        data = f"{command_id}\0{text}\0".encode("utf-8", "surrogateescape")
        await self._commands.write(data)

    def interrupt(self) -> None:
        """Take the shell, and what it waits for, back to its top level."""
        self.child.signal_group(signal.SIGINT)
        self.child.signal_group(signal.SIGCONT)

    def kill(self) -> None:
        """End the shell alone; its exit arrives as news."""
        if self.exit is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.child.pidfd, signal.SIGKILL)

    def close_input(self) -> None:
        """Let the shell end by itself."""
        self._commands.close()
        if self.child.stdin is not None:
            os.close(self.child.stdin)
            self.child.stdin = None

    def flush(self) -> None:
        """Take what is in the pipes at this moment."""
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
        self.close_input()
        self.child.reap()

    def _taker(self, stream: Stream) -> Callable[[bytes], bool]:
        return lambda data: self._deliver(stream, data) if self.ready else self._note(data)

    def _note(self, data: bytes) -> bool:
        # What bash says of itself while it starts is nobody's output.
        self.words += data
        del self.words[:-_WORDS_BYTES]
        return True

    def _hear(self, data: bytes) -> bool:
        *messages, self._heard = (self._heard + data).split(b"\0")
        for message in messages:
            if message.startswith(b">"):
                self.begun = message[1:].decode(errors="replace")
                continue
            if message.startswith(b"+"):
                self._write_loop()
            self._take_status(message.removeprefix(b"+"))
        if messages:
            self._news()
        return True

    def _take_status(self, message: bytes) -> None:
        # Everything that was written before the status is in the pipes by now.
        self.flush()
        self.ready = True
        code, _, command_id = message.decode(errors="replace").partition(" ")
        if code.isdecimal():
            # After the way back through the top level the status comes twice, and the first is the command's.
            self.ended.setdefault(command_id, int(code))

    def _write_loop(self) -> None:
        # One line is always ahead: whatever takes bash to its top level finds the way back there.
        if self.child.stdin is not None:
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(self.child.stdin, _LOOP)

    def _notice_exit(self) -> None:
        self.exit = self.child.exit()
        if self.exit is not None:
            self._loop.remove_reader(self.child.pidfd)
            self.flush()
            self._news()


def _start(program: Program) -> tuple[Child, Stdin, int]:
    take, give = os.pipe()
    hear, tell = os.pipe()
    try:
        take, tell = _above(take), _above(tell)
        child = spawn(replace(program, argv=ARGV, stdin=True, passed=(take, tell)))
    except BaseException:
        os.close(give)
        os.close(hear)
        raise
    finally:
        os.close(take)
        os.close(tell)
    for descriptor in (give, hear):
        os.set_blocking(descriptor, False)
    if child.stdin is not None:
        with suppress(BrokenPipeError):  # It has gone already: its exit says so.
            os.write(child.stdin, _PRELUDE.format(take=take, tell=tell).encode() + _LOOP + _LOOP)
    return child, Stdin(give), hear


def _above(descriptor: int) -> int:
    moved: int = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
    os.close(descriptor)
    return moved


def _nothing() -> None:
    return
