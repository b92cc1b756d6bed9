# Generated from packages/code-interpreter/src/code_interpreter/_async/codes.py by tools/unasync.py; do not edit.
"""`interpreter.codes`: run code, and manage the contexts in which it keeps its state."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Final, Literal

from code_interpreter import _wire
from code_interpreter._acompat import Handler
from code_interpreter._sync.stream import KEPT_OF_A_STREAM, CodeStream
from code_interpreter._core import calls, decode
from code_interpreter._core.calls import Context
from code_interpreter.results import CodeContext, CodeExecution, InputRequest, Language, Result
from opensandbox.exceptions import SandboxException
from opensandbox.results import OutputLine
from opensandbox.runs import SyncRuns, finish
from opensandbox.transport import SyncTransport, StreamRequest

_GRACE_S: Final = 2.0
"""How long the end of a context is waited for whose creation was cancelled."""


class Codes:
    """Code in one sandbox. A context may be given by its id, or as the value that `create_context` returns."""

    def __init__(self, transport: SyncTransport, runs: SyncRuns) -> None:
        self._transport = transport
        self._runs = runs

    def run(
        self,
        code: str,
        *,
        context_id: Context | None = None,
        language: str | None = None,
        timeout: float | None = None,
        envs: Mapping[str, str] | None = None,
        ephemeral: bool = False,
        on_stdout: Handler[OutputLine, object] | None = None,
        on_stderr: Handler[OutputLine, object] | None = None,
        on_result: Handler[Result, object] | None = None,
        on_input: Handler[InputRequest, str | None] | None = None,
    ) -> CodeExecution:
        """Run a cell to its end: in a context, in the default context of a language (Python), or in one of its own.

        Runs in one context queue. `timeout` is in seconds, None is none; `envs` hold for this run only; `ephemeral`
        code has a context of its own that is gone afterwards. The handlers get lines and results as they come;
        `on_input` gets the prompt of `input()` and returns the line to answer, or None for the end of input. Without
        `on_input` asking is an error in the code. Cancelling interrupts the cell in the sandbox.

        What the code raises is data: `error` of what is returned, and `check()` raises it. Raises
        `ExecutionTimeoutException`, `KernelDiedException` or `OutOfMemoryException` (`state_lost` tells whether the
        context's state went too, `execution` what came), `InterruptedException` where somebody else stopped it,
        `ContextNotFoundException`, `LanguageNotSupportedException`, and `StreamInterruptedException` when a broken
        connection could not be resumed.

        Example:
            >>> execution = interpreter.codes.run("print('hi'); 6 * 7", timeout=30)  # doctest: +SKIP
            >>> execution.text, execution.stdout  # doctest: +SKIP
            ('42', 'hi\\n')
        """
        request = self._request(
            code,
            context_id=context_id,
            language=language,
            timeout=timeout,
            envs=envs,
            ephemeral=ephemeral,
            allow_stdin=on_input is not None,
        )
        run = self._runs.open(request, interrupt=calls.interrupt_run)
        stream = CodeStream(self._transport, run, on_input=on_input)
        return stream.drain(on_stdout=on_stdout, on_stderr=on_stderr, on_result=on_result)

    def run_stream(
        self,
        code: str,
        *,
        context_id: Context | None = None,
        language: str | None = None,
        timeout: float | None = None,
        envs: Mapping[str, str] | None = None,
        ephemeral: bool = False,
        on_input: Handler[InputRequest, str | None] | None = None,
        mode: Literal["lines", "chunks"] = "lines",
    ) -> CodeStream:
        """Run a cell and read it as it comes: `OutputLine`, `Result`, and at the end an `ExecutionError` if it raised.

        The cell starts with the first event asked for. After the last one this raises as `run` does. Leaving the loop
        early interrupts the cell; inside `async with` it is also waited for. `mode="chunks"` yields output as it was
        written instead of whole lines.

        Example:
            >>> with interpreter.codes.run_stream("for i in range(3): print(i)") as events:  # doctest: +SKIP
            ...     for event in events:
            ...         print(event)
        """
        request = self._request(
            code,
            context_id=context_id,
            language=language,
            timeout=timeout,
            envs=envs,
            ephemeral=ephemeral,
            allow_stdin=on_input is not None,
        )
        run = self._runs.open(request, interrupt=calls.interrupt_run)
        return CodeStream(self._transport, run, mode=mode, on_input=on_input, keep=KEPT_OF_A_STREAM)

    def _request(
        self,
        code: str,
        *,
        context_id: Context | None,
        language: str | None,
        timeout: float | None,
        envs: Mapping[str, str] | None,
        ephemeral: bool,
        allow_stdin: bool,
    ) -> StreamRequest[_wire.Event]:
        return calls.run_code(
            code,
            execution_id=uuid.uuid4().hex,
            features=self._transport.features,
            context_id=context_id,
            language=language,
            timeout=timeout,
            envs=envs,
            ephemeral=ephemeral,
            allow_stdin=allow_stdin,
        )

    def interrupt(self, context_id: Context) -> None:
        """Stop what runs in a context, and return when it has ended; nothing to stop is fine.

        An execution id is as good as a context id.
        """
        self._transport.send(calls.interrupt(context_id))

    def create_context(
        self, language: str, *, working_dir: str | None = None, envs: Mapping[str, str] | None = None
    ) -> CodeContext:
        """Start a context, in which code keeps its state from run to run; returns when it takes code.

        A `working_dir` that is missing is made. Raises `LanguageNotSupportedException` (`details["installed"]` lists
        what there is), `LimitReachedException`, and `ServerException` when its kernel does not start.

        Example:
            >>> context = interpreter.codes.create_context(SupportedLanguage.PYTHON)  # doctest: +SKIP
            >>> interpreter.codes.run("x = 1", context_id=context.context_id)  # doctest: +SKIP
        """
        context_id = uuid.uuid4().hex
        request = calls.create_context(
            language,
            context_id=context_id,
            features=self._transport.features,
            working_dir=working_dir,
            envs=envs,
        )
        try:
            return decode.context((self._transport.send(request)).body)
        except SandboxException:
            raise
        except BaseException:
            # Left in the middle, it would go on unseen; a daemon that chose the id itself cannot be told.
            if "context_id" in self._transport.features:
                finish(partial(self._take_back, context_id), grace=_GRACE_S)
            raise

    def _take_back(self, context_id: str) -> None:
        with suppress(SandboxException, ValueError):
            self.delete_context(context_id)

    def list_contexts(self, language: str | None = None) -> list[CodeContext]:
        """Return the contexts that there are, in the order of their starts."""
        return decode.contexts((self._transport.send(calls.list_contexts(language))).body)

    def get_context(self, context_id: Context) -> CodeContext:
        """Tell what a context is; raises `ContextNotFoundException`."""
        return decode.context((self._transport.send(calls.get_context(context_id))).body)

    def restart_context(self, context_id: Context) -> CodeContext:
        """Give a context a fresh kernel: its state goes, its id stays; raises `ContextNotFoundException`."""
        request = calls.restart_context(context_id, features=self._transport.features)
        return decode.context((self._transport.send(request)).body)

    def delete_context(self, context_id: Context) -> None:
        """End a context and everything that it has started; raises `ContextNotFoundException`."""
        self._transport.send(calls.delete_context(context_id))

    def languages(self) -> list[Language]:
        """Return the languages that the sandbox has."""
        return decode.languages((self._transport.send(calls.languages())).body)
