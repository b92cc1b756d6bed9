# Generated from packages/sdk/src/opensandbox/_async/session.py by tools/unasync.py; do not edit.
"""A live shell: commands one after another, each of which finds what those before it have left."""

from __future__ import annotations

import uuid
from contextlib import suppress
from types import TracebackType
from typing import Final, Literal, Self

from opensandbox import _wire
from opensandbox._acompat import LineHandler, finish
from opensandbox._sync.output import OutputStream
from opensandbox._sync.run import SyncRuns
from opensandbox._core import calls, decode
from opensandbox.exceptions import NotFoundException, SandboxException
from opensandbox.results import Execution, Stream
from opensandbox.transport import SyncTransport, Request

_KEPT_OF_A_STREAM: Final = 64 * 1024
_CLOSING_S: Final = 15.0


class ShellSession:
    """One live shell in a sandbox; made by `commands.session`, used in `async with`.

    Commands of one session wait for each other. What background jobs write between two commands is output of the
    second. A command that ends the shell (`exit`) is followed by a fresh one.
    """

    def __init__(self, transport: SyncTransport, runs: SyncRuns, start: Request) -> None:
        self._transport = transport
        self._runs = runs
        self._start = start
        self._id: str | None = None

    @property
    def id(self) -> str:
        """The session's id in the sandbox."""
        if self._id is None:
            raise RuntimeError("the session is not open: use it in a with block")
        return self._id

    def __enter__(self) -> Self:
        """Start the shell."""
        if self._id is not None:
            raise RuntimeError("the session is open already")
        try:
            self._open()
        except SandboxException:
            raise
        except BaseException:
            finish(self._take_back, grace=_CLOSING_S)
            raise
        return self

    def _open(self) -> None:
        reply = self._transport.send(self._start)
        self._id = decode.body(reply.body, _wire.SessionCreated).session_id

    def _take_back(self) -> None:
        """End the shell of a start that was left in the middle: asked for once more, it is there to be ended."""
        with suppress(SandboxException, ValueError):
            if self._start.is_idempotent:
                self._open()
            self.close()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        finish(self.close, grace=_CLOSING_S)

    def close(self) -> None:
        """End the shell and everything that it has started; more than once does no harm."""
        ended, self._id = self._id, None
        if ended is not None:
            with suppress(NotFoundException, ValueError):  # ValueError: the sandbox has been closed meanwhile
                self._transport.send(calls.delete_session(ended))

    def run(
        self,
        command: str,
        *,
        working_dir: str | None = None,
        timeout: float | None = None,
        on_stdout: LineHandler | None = None,
        on_stderr: LineHandler | None = None,
        check: bool = True,
        max_output_bytes: int | None = None,
    ) -> Execution:
        """Run a command in the shell to its end.

        `working_dir` is where the shell goes first, and stays. `timeout` is in seconds, from the command's turn on; it
        stops what the command has started and leaves the session as it is. Cancelling does the same. Raises as
        `commands.run` does, and `SessionNotFoundException` when the session is gone.
        """
        request = calls.run_in_session(
            self.id,
            command,
            execution_id=uuid.uuid4().hex,
            features=self._transport.features,
            working_dir=working_dir,
            timeout=timeout,
            max_output_bytes=max_output_bytes,
        )
        handlers: dict[Stream, LineHandler] = {}
        if on_stdout is not None:
            handlers["stdout"] = on_stdout
        if on_stderr is not None:
            handlers["stderr"] = on_stderr
        output = OutputStream(self._transport, request, runs=self._runs, check=check, chunked_by="sessions")
        return output.drain(handlers)

    def run_stream(
        self,
        command: str,
        *,
        working_dir: str | None = None,
        timeout: float | None = None,
        check: bool = True,
        max_output_bytes: int | None = None,
        mode: Literal["lines", "chunks"] = "lines",
    ) -> OutputStream:
        """Run a command in the shell and read its output as it comes, as `commands.run_stream` does."""
        request = calls.run_in_session(
            self.id,
            command,
            execution_id=uuid.uuid4().hex,
            features=self._transport.features,
            working_dir=working_dir,
            timeout=timeout,
            max_output_bytes=max_output_bytes,
        )
        return OutputStream(
            self._transport,
            request,
            runs=self._runs,
            mode=mode,
            check=check,
            keep=_KEPT_OF_A_STREAM,
            chunked_by="sessions",
        )
