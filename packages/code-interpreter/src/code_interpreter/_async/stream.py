"""One cell as it comes: lines and results out, answers to its questions in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Final, Literal, Self

from code_interpreter import _wire
from code_interpreter._acompat import AsyncHandler, acall
from code_interpreter._core import calls
from code_interpreter._core.execution import Fold, Item
from code_interpreter._core.outcome import conclude
from code_interpreter.results import CodeExecution, InputRequest, Result
from opensandbox.exceptions import NotFoundException, StdinClosedException, StreamInterruptedException
from opensandbox.gathering import Lines, Piece
from opensandbox.results import ExecutionError, OutputLine
from opensandbox.runs import AsyncRun
from opensandbox.transport import AsyncTransport

CodeEvent = OutputLine | Result | ExecutionError
"""What is told of a cell while it runs: a line of output, a result, and at its end what its code raised."""

KEPT_OF_A_STREAM: Final = 64 * 1024


class CodeStream:
    """Output and results of one cell, read once: `async for event in stream`, best inside `async with`.

    Leaving the `async with` before the end interrupts the cell and waits for that. After the last event it raises as
    `run` does. `execution` is what has come so far, of its output the end only: a stream keeps memory flat.
    """

    def __init__(
        self,
        transport: AsyncTransport,
        run: AsyncRun[_wire.Event],
        *,
        mode: Literal["lines", "chunks"] = "lines",
        on_input: AsyncHandler[InputRequest, str | None] | None = None,
        keep: int | None = None,
    ) -> None:
        self._transport = transport
        self._run = run
        self._mode = mode
        self._on_input = on_input
        self._fold = Fold(execution_id=run.execution_id, keep=keep)
        self._lines = Lines()

    @property
    def execution(self) -> CodeExecution:
        """What has come so far; complete after the last event."""
        return self._fold.execution()

    def __aiter__(self) -> AsyncIterator[CodeEvent]:
        """Read the stream; once."""
        return self._events()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Interrupt the cell if it still runs, and wait briefly for that."""
        await self._run.aclose()

    async def drain(
        self,
        *,
        on_stdout: AsyncHandler[OutputLine, object] | None,
        on_stderr: AsyncHandler[OutputLine, object] | None,
        on_result: AsyncHandler[Result, object] | None,
    ) -> CodeExecution:
        """Read to the end, tell the handlers, and return the execution or raise for it."""
        of_lines = {"stdout": on_stdout, "stderr": on_stderr}
        async with aclosing(self._items()) as items:
            async for item in items:
                if isinstance(item, Result) and on_result is not None:
                    await acall(on_result, item)
                elif isinstance(item, Piece) and (on_line := of_lines[item.stream]) is not None:
                    for line in self._lines.feed(item):
                        await acall(on_line, line)
        for line in self._lines.flush():
            if (on_line := of_lines[line.stream]) is not None:
                await acall(on_line, line)
        return conclude(self._fold)

    async def _events(self) -> AsyncGenerator[CodeEvent, None]:
        async with aclosing(self._items()) as items:
            async for item in items:
                if isinstance(item, Piece):
                    for line in self._cut(item):
                        yield line
                elif isinstance(item, ExecutionError):
                    for line in self._lines.flush():
                        yield line
                    yield item
                elif isinstance(item, Result):
                    yield item
        for line in self._lines.flush():
            yield line
        conclude(self._fold)

    def _cut(self, piece: Piece) -> list[OutputLine]:
        if self._mode == "lines":
            return self._lines.feed(piece)
        return [OutputLine(piece.text, stream=piece.stream, timestamp_ms=piece.timestamp_ms)] if piece.text else []

    async def _items(self) -> AsyncGenerator[Item, None]:
        batches = self._run.batches()
        try:
            async for batch in batches:
                for event in batch:
                    for item in self._fold.add(event):
                        if isinstance(item, InputRequest):
                            await self._answer(item)
                        else:
                            yield item
        except StreamInterruptedException as fault:
            fault.execution = self._fold.execution()
            raise
        finally:
            with suppress(RuntimeError, ValueError):  # leaving the block around a loop may be closing it at this moment
                await batches.aclose()

    async def _answer(self, question: InputRequest) -> None:
        if self._on_input is None:
            return
        text = await acall(self._on_input, question)
        with suppress(StdinClosedException, NotFoundException):  # the cell has ended meanwhile
            await self._transport.send(calls.answer(self._run.execution_id, text))
