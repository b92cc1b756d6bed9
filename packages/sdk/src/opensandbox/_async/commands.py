"""`sandbox.commands`: run a command, watch it, talk to it, stop it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Final, Literal

from opensandbox import _wire
from opensandbox._acompat import AsyncLineHandler, asleep
from opensandbox._async.output import OutputStream, Stdin
from opensandbox._async.reading import LogReading
from opensandbox._async.run import AsyncRun, AsyncRuns
from opensandbox._async.session import ShellSession
from opensandbox._async.writing import StdinWrite
from opensandbox._core import arguments, calls, decode
from opensandbox.exceptions import StdinClosedException
from opensandbox.results import BackgroundCommand, CommandOutput, CommandStatus, Execution, Stream
from opensandbox.transport import AsyncTransport

Session = str | BackgroundCommand
"""An execution id, or the value that stands for one."""

_KEPT_OF_A_STREAM: Final = 64 * 1024
_POLL_S: Final = 0.2


class Commands:
    """Commands in one sandbox."""

    def __init__(self, transport: AsyncTransport, runs: AsyncRuns) -> None:
        self._transport = transport
        self._runs = runs

    async def run(
        self,
        command: str | Sequence[str],
        *,
        working_dir: str | None = None,
        envs: Mapping[str, str] | None = None,
        timeout: float | None = None,
        user: str | None = None,
        uid: int | None = None,
        gid: int | None = None,
        stdin: Stdin | None = None,
        on_stdout: AsyncLineHandler | None = None,
        on_stderr: AsyncLineHandler | None = None,
        check: bool = True,
        max_output_bytes: int | None = None,
        memory_limit_bytes: int | None = None,
        pids_limit: int | None = None,
    ) -> Execution:
        """Run a command to its end.

        A string is shell text, a sequence is a program and its arguments. `timeout` is in seconds, None is none;
        `stdin` is written and closed. The handlers get each line as it comes. Of more output than `max_output_bytes`
        the first and the last half of so much are kept, and `truncated` says so. `memory_limit_bytes` and `pids_limit`
        bound memory, processes and threads of all that the command starts. Cancelling interrupts the command in the
        sandbox.

        Raises `CommandFailedException` for a non-zero exit, and another `ProgramException` for any other bad end of the
        program, unless `check` is false; `NotSupportedException` where the daemon cannot limit a run;
        `StreamInterruptedException` when a broken connection could not be resumed, or broke while standard input was
        written.

        Example:
            >>> execution = await sandbox.commands.run("ls -l", working_dir="/workspace")  # doctest: +SKIP
            >>> execution.logs.stdout[0].text  # doctest: +SKIP
            'total 0'
        """
        request = calls.run_command(
            command,
            execution_id=_new_id(),
            features=self._transport.features,
            working_dir=working_dir,
            envs=envs,
            timeout=timeout,
            user=user,
            uid=uid,
            gid=gid,
            stdin=stdin is not None,
            max_output_bytes=max_output_bytes,
            memory_limit_bytes=memory_limit_bytes,
            pids_limit=pids_limit,
        )
        handlers: dict[Stream, AsyncLineHandler] = {}
        if on_stdout is not None:
            handlers["stdout"] = on_stdout
        if on_stderr is not None:
            handlers["stderr"] = on_stderr
        return await OutputStream(self._transport, request, runs=self._runs, check=check, stdin=stdin).drain(handlers)

    def run_stream(
        self,
        command: str | Sequence[str],
        *,
        working_dir: str | None = None,
        envs: Mapping[str, str] | None = None,
        timeout: float | None = None,
        user: str | None = None,
        uid: int | None = None,
        gid: int | None = None,
        stdin: Stdin | None = None,
        check: bool = True,
        max_output_bytes: int | None = None,
        memory_limit_bytes: int | None = None,
        pids_limit: int | None = None,
        mode: Literal["lines", "chunks"] = "lines",
    ) -> OutputStream:
        """Run a command and read its output as it comes: whole lines, or chunks as they were written.

        The command starts with the first item asked for. After the last one this raises as `run` does. Leaving the loop
        early interrupts the command; inside `async with` it is also waited for.

        Example:
            >>> async with sandbox.commands.run_stream("npm install") as lines:  # doctest: +SKIP
            ...     async for line in lines:
            ...         print(line.text, line.stream)
        """
        request = calls.run_command(
            command,
            execution_id=_new_id(),
            features=self._transport.features,
            working_dir=working_dir,
            envs=envs,
            timeout=timeout,
            user=user,
            uid=uid,
            gid=gid,
            stdin=stdin is not None,
            max_output_bytes=max_output_bytes,
            memory_limit_bytes=memory_limit_bytes,
            pids_limit=pids_limit,
        )
        return OutputStream(
            self._transport,
            request,
            runs=self._runs,
            mode=mode,
            check=check,
            stdin=stdin,
            keep=_KEPT_OF_A_STREAM,
        )

    async def run_background(
        self,
        command: str | Sequence[str],
        *,
        working_dir: str | None = None,
        envs: Mapping[str, str] | None = None,
        timeout: float | None = None,
        user: str | None = None,
        uid: int | None = None,
        gid: int | None = None,
        stdin: Literal["pipe"] | str | bytes | None = None,  # noqa: PYI051 - one string that means something else
        memory_limit_bytes: int | None = None,
        pids_limit: int | None = None,
    ) -> BackgroundCommand:
        """Start a command that goes on by itself, and return what stands for it.

        It goes on when the sandbox is closed, unless that ends the daemon. `stdin="pipe"` leaves its standard input
        open for `write_stdin`; any other text or bytes is written and closed. Cancelling the start interrupts what it
        may have started.

        Example:
            >>> session = await sandbox.commands.run_background("python train.py")  # doctest: +SKIP
            >>> (await sandbox.commands.get_status(session)).is_complete  # doctest: +SKIP
            False
        """
        written = None if stdin is None or stdin == "pipe" else arguments.stdin_bytes(stdin)
        request = calls.run_command(
            command,
            execution_id=_new_id(),
            features=self._transport.features,
            working_dir=working_dir,
            envs=envs,
            timeout=timeout,
            user=user,
            uid=uid,
            gid=gid,
            stdin=stdin is not None,
            memory_limit_bytes=memory_limit_bytes,
            pids_limit=pids_limit,
            background=True,
        )
        run = self._runs.open(request, interrupt=partial(calls.interrupt, silence_s=calls.BRIEF_SILENCE_S))
        await run.begin(then=None if written is None else partial(self._write_all, run, written))
        return BackgroundCommand(id=run.execution_id)

    async def _write_all(self, run: AsyncRun[_wire.Event], data: bytes) -> None:
        with suppress(StdinClosedException):  # it has ended, or wants no more
            await StdinWrite(self._transport, run.execution_id).write(data, end=True)

    def session(self, *, working_dir: str | None = None, envs: Mapping[str, str] | None = None) -> ShellSession:
        """Keep one live shell for several commands: directory, variables, functions, options, jobs and traps last.

        It starts with `async with`, and ends there with everything that it has started. `working_dir` is made where it
        is missing.

        Example:
            >>> async with sandbox.commands.session(working_dir="/workspace") as shell:  # doctest: +SKIP
            ...     await shell.run("cd src && export A=1")
            ...     print((await shell.run("pwd; echo $A")).stdout)
        """
        start = calls.create_session(
            session_id=uuid.uuid4().hex, features=self._transport.features, working_dir=working_dir, envs=envs
        )
        return ShellSession(self._transport, self._runs, start)

    async def get_status(self, session: Session) -> CommandStatus:
        """Tell how a command stands."""
        return decode.command_status((await self._transport.send(calls.command_status(str(session)))).body)

    async def get_output(self, session: Session, *, cursor: int = 0) -> CommandOutput:
        """Read what a command has written so far, or since the `cursor` of the output before.

        Works while it runs and after its end, for as long as the daemon keeps it.
        """
        features, where = self._transport.features, str(session)
        if "logs" not in features:
            told = await self._transport.send(calls.read_log(where, features=features, cursor=cursor))
            start, end = decode.cursor(told.headers, asked=cursor)
            return CommandOutput(stdout_bytes=told.body, stderr_bytes=b"", cursor=end, truncated=start > cursor)
        return await LogReading(self._transport, where, cursor=arguments.count("cursor", cursor)).read()

    def attach(
        self, session: Session, *, mode: Literal["lines", "chunks"] = "lines", check: bool = True
    ) -> OutputStream:
        """Replay a command's output and follow it to the end; leaving early leaves the command alone."""
        calls.require(self._transport.features, "replay")
        return OutputStream(
            self._transport,
            calls.read_events(str(session)),
            runs=self._runs,
            is_owned=False,
            mode=mode,
            check=check,
            keep=_KEPT_OF_A_STREAM,
        )

    async def wait(self, session: Session) -> CommandStatus:
        """Wait for the end of a command and tell how it stands then."""
        if "replay" not in self._transport.features:
            while (status := await self.get_status(session)).is_running:
                await asleep(_POLL_S)
            return status
        told = decode.body((await self._transport.send(calls.execution(str(session)))).body, _wire.Execution)
        if told.running:
            following = calls.read_events(told.id, after=told.last_event)
            async with aclosing(self._transport.stream(following)) as events:
                async for _ in events:
                    pass
        return await self.get_status(session)

    async def interrupt(self, session: Session) -> None:
        """Stop a command, and everything that it started; returns when it is gone."""
        await self._transport.send(calls.interrupt(str(session)))

    async def send_signal(self, session: Session, signal: str) -> None:
        """Send a signal by name, such as `SIGINT`, to a command and its group."""
        await self._transport.send(calls.send_signal(str(session), signal, features=self._transport.features))

    async def list(self, *, running: bool | None = None) -> Sequence[CommandStatus]:
        """List the commands that run or are still kept, in the order of their starts; only those that run, or not."""
        found: Sequence[CommandStatus] = ()
        cursor: str | None = None
        while True:
            request = calls.list_commands(features=self._transport.features, running=running, cursor=cursor)
            page, cursor = decode.commands((await self._transport.send(request)).body)
            found = [*found, *page]
            if cursor is None:
                return found

    async def write_stdin(self, session: Session, data: str | bytes) -> None:
        """Write to a command that was started with `stdin="pipe"`; returns when its pipe has taken it."""
        calls.require(self._transport.features, "stdin")
        await StdinWrite(self._transport, str(session)).write(arguments.stdin_bytes(data))

    async def close_stdin(self, session: Session) -> None:
        """End a command's standard input."""
        calls.require(self._transport.features, "stdin")
        await self._transport.send(calls.write_stdin(str(session), b"", end=True))


def _new_id() -> str:
    return uuid.uuid4().hex
