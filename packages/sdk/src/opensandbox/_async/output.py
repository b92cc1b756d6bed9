"""The output of one command as it comes: lines or chunks out, standard input in beside them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from functools import partial
from types import TracebackType
from typing import Literal, Self

from opensandbox import _wire
from opensandbox._acompat import AsyncLineHandler, acall, afinish
from opensandbox._async.run import AsyncRuns
from opensandbox._async.writing import StdinWrite
from opensandbox._core import arguments, calls, decode
from opensandbox._core.execution import Fold
from opensandbox._core.gathering import Piece
from opensandbox._core.lines import Lines
from opensandbox._core.outcome import conclude
from opensandbox.exceptions import (
    NotFoundException,
    StdinClosedException,
    StreamInterruptedException,
)
from opensandbox.results import Execution, OutputLine, Stream
from opensandbox.transport import AsyncTransport, StreamRequest

Stdin = str | bytes | bytearray | memoryview | AsyncIterable[bytes]


class OutputStream:
    """Lines (or chunks) of one execution, read once: `async for line in stream`, best inside `async with`.

    Leaving the `async with` before the end interrupts the command and waits for that. After the last item it raises as
    `run` does. `execution` is what has come so far, of its output the end only: a stream keeps memory flat.
    """

    def __init__(
        self,
        transport: AsyncTransport,
        request: StreamRequest[_wire.Event],
        *,
        runs: AsyncRuns,
        is_owned: bool = True,
        mode: Literal["lines", "chunks"] = "lines",
        check: bool = True,
        stdin: Stdin | None = None,
        keep: int | None = None,
        chunked_by: str = "output",
    ) -> None:
        wire_mode: Literal["lines", "chunks"] = "chunks" if chunked_by in transport.features else "lines"
        interrupt = partial(calls.interrupt, silence_s=calls.BRIEF_SILENCE_S) if is_owned else None
        self._transport = transport
        self._run = runs.open(request, interrupt=interrupt)
        self._is_owned = is_owned
        self._mode = mode
        self._check = check
        self._stdin = None if stdin is None else _checked(stdin)
        self._fold = Fold(execution_id=request.execution_id or "", mode=wire_mode, keep=keep)
        self._lines = Lines()
        self._stdin_fault: Exception | None = None

    @property
    def execution(self) -> Execution:
        """What has come so far; complete after the last item."""
        return self._fold.execution()

    def __aiter__(self) -> AsyncIterator[OutputLine]:
        """Read the stream; once."""
        return self._items()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Interrupt the command if it is ours and still runs, and wait briefly for that."""
        await self._run.aclose()

    async def drain(self, handlers: Mapping[Stream, AsyncLineHandler]) -> Execution:
        """Read to the end, tell the handlers each line, and return the execution or raise for it."""
        async with aclosing(self._pieces()) as batches:
            async for pieces in batches:
                for piece in pieces if handlers else ():
                    await self._tell(piece, handlers)
        for line in self._lines.flush():
            await acall(handlers[line.stream], line)
        return self._conclude()

    async def _tell(self, piece: Piece, handlers: Mapping[Stream, AsyncLineHandler]) -> None:
        handler = handlers.get(piece.stream)
        if handler is not None:
            for line in self._lines.feed(piece):
                await acall(handler, line)

    async def _items(self) -> AsyncGenerator[OutputLine, None]:
        async with aclosing(self._pieces()) as batches:
            async for pieces in batches:
                for piece in pieces:
                    for item in self._cut(piece):
                        yield item
        for line in self._lines.flush():
            yield line
        self._conclude()

    def _cut(self, piece: Piece) -> list[OutputLine]:
        if self._mode == "lines":
            return self._lines.feed(piece)
        return [OutputLine(piece.text, stream=piece.stream, timestamp_ms=piece.timestamp_ms)] if piece.text else []

    def _conclude(self) -> Execution:
        fault = self._stdin_fault
        if isinstance(fault, StreamInterruptedException) and fault.execution is None:
            fault.execution = self._fold.execution()
        if fault is not None:
            raise fault
        return conclude(self._fold, check=self._check)

    async def _pieces(self) -> AsyncGenerator[list[Piece], None]:
        beside = None if self._stdin is None else partial(self._feed, self._stdin)
        if not self._is_owned:
            await self._learn_mode()
        batches = self._run.batches(beside=beside)
        try:
            async for batch in batches:
                yield [piece for event in batch for piece in self._fold.add(event)]
        except StreamInterruptedException as fault:
            fault.execution = self._fold.execution()
            raise
        finally:
            with suppress(RuntimeError, ValueError):  # leaving the block around a loop may be closing it at this moment
                await batches.aclose()

    async def _learn_mode(self) -> None:
        """Ask how the output is cut: whoever started the run chose, and a daemon that cannot tell leaves our choice."""
        reply = await self._transport.send(calls.execution(self._run.execution_id))
        told = decode.body(reply.body, _wire.Execution).output
        if told is not None:
            self._fold.mode = "lines" if told == "lines" else "chunks"

    async def _feed(self, stdin: bytes | AsyncIterable[bytes]) -> None:
        try:
            await self._write(stdin)
        except (StdinClosedException, NotFoundException):
            pass  # the program has ended, or wants no more
        except Exception as fault:  # noqa: BLE001 - the caller's iterator may raise anything; it reaches the caller
            if self._run.is_over:
                return  # the iterator was left behind, and nobody asks any more
            self._stdin_fault = fault
            with suppress(ValueError):  # the sandbox has been closed, which stops the run too
                await afinish(self._run.interrupt, grace=calls.BRIEF_SILENCE_S)

    async def _write(self, stdin: bytes | AsyncIterable[bytes]) -> None:
        writing = StdinWrite(self._transport, self._run.execution_id)
        if isinstance(stdin, bytes):
            await writing.write(stdin, end=True)
            return
        async for data in stdin:
            if self._run.is_over:
                return
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"stdin must yield bytes, not {type(data).__name__}")
            if data:
                await writing.write(bytes(data))
        await writing.write(b"", end=True)


def _checked(stdin: object) -> bytes | AsyncIterable[bytes]:
    """Refuse what cannot be standard input while nothing has been sent yet."""
    if isinstance(stdin, AsyncIterable) and not isinstance(stdin, (str, bytes, bytearray, memoryview)):
        return stdin
    return arguments.stdin_bytes(stdin)
