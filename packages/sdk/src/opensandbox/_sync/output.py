# Generated from packages/sdk/src/opensandbox/_async/output.py by tools/unasync.py; do not edit.
"""The output of one execution as it comes, and what must happen when somebody stops reading it.

Whoever started the run and leaves before its end interrupts it in the sandbox: nothing keeps running unseen.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from types import TracebackType
from typing import Final, Literal, Self

from opensandbox import _wire
from opensandbox._acompat import LineHandler, call, finish, sleep, spawn
from opensandbox._core import calls
from opensandbox._core.execution import Fold, Piece
from opensandbox._core.lines import LineSplitter
from opensandbox._core.outcome import conclude
from opensandbox.exceptions import NotFoundException, SandboxException, StdinClosedException, StreamInterruptedException
from opensandbox.results import Execution, OutputLine, Stream
from opensandbox.transport import SyncTransport, Received, StreamRequest

Stdin = str | bytes | Iterable[bytes]

_INIT_WITHIN_S: Final = 2.0
"""How long a cancelled start may take to become a run that can be interrupted."""
_POLL_S: Final = 0.05
_STDIN_PIECE: Final = 1024 * 1024


class OutputStream:
    """Lines (or chunks) of one execution, read once: `async for line in stream`, best inside `async with`.

    Leaving the `async with` before the end interrupts the command and waits for that. After the last item it raises as
    `run` does. `execution` is what has come so far, of its output the end only: a stream keeps memory flat.
    """

    def __init__(
        self,
        transport: SyncTransport,
        request: StreamRequest[_wire.Event],
        *,
        live: set[OutputStream],
        is_owned: bool = True,
        mode: Literal["lines", "chunks"] = "lines",
        check: bool = True,
        stdin: Stdin | None = None,
        keep: int | None = None,
    ) -> None:
        wire_mode: Literal["lines", "chunks"] = "chunks" if "output" in transport.features else "lines"
        self._transport = transport
        self._request = request
        self._live = live
        self._is_owned = is_owned
        self._mode = mode
        self._check = check
        self._stdin = stdin
        self._fold = Fold(execution_id=request.execution_id or "", mode=wire_mode, keep=keep)
        self._splitters: dict[Stream, LineSplitter] = {}
        self._items_ref: weakref.ref[Generator[OutputLine, None]] | None = None
        self._is_read = False
        self._is_stopped = False
        self._stdin_fault: Exception | None = None

    @property
    def execution(self) -> Execution:
        """What has come so far; complete after the last item."""
        return self._fold.execution()

    def __iter__(self) -> Iterator[OutputLine]:
        """Read the stream; once."""
        items = self._items()
        # Weak: a bare loop that is left drops its iterator, and only then can the iterator tell.
        self._items_ref = weakref.ref(items)
        return items

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Interrupt the command if it is ours and still runs, and wait briefly for that."""
        items = None if self._items_ref is None else self._items_ref()
        try:
            if items is not None:
                items.close()
        except (RuntimeError, ValueError):
            pass  # it is being read, or closed, by somebody else at this moment
        if self._is_read:
            self._stop()

    def drain(self, handlers: Mapping[Stream, LineHandler]) -> Execution:
        """Read to the end, tell the handlers each line, and return the execution or raise for it."""
        with closing(self._pieces()) as batches:
            for pieces in batches:
                for piece in pieces if handlers else ():
                    self._tell(piece, handlers)
        for line in self._rest(set(handlers)):
            call(handlers[line.stream], line)
        return self._conclude()

    def _tell(self, piece: Piece, handlers: Mapping[Stream, LineHandler]) -> None:
        handler = handlers.get(piece.stream)
        if handler is not None:
            for line in self._split(piece):
                call(handler, line)

    def _items(self) -> Generator[OutputLine, None]:
        with closing(self._pieces()) as batches:
            for pieces in batches:
                for piece in pieces:
                    for item in self._cut(piece):
                        yield item
        for line in self._rest({"stdout", "stderr"}):
            yield line
        self._conclude()

    def _cut(self, piece: Piece) -> list[OutputLine]:
        if self._mode == "lines":
            return self._split(piece)
        return [OutputLine(piece.text, stream=piece.stream, timestamp_ms=piece.timestamp_ms)] if piece.text else []

    def _split(self, piece: Piece) -> list[OutputLine]:
        splitter = self._splitters.get(piece.stream)
        if splitter is None:
            splitter = self._splitters[piece.stream] = LineSplitter(piece.stream)
        return splitter.feed(piece.text, timestamp_ms=piece.timestamp_ms)

    def _rest(self, wanted: set[Stream]) -> list[OutputLine]:
        """Return the last lines that have no terminator, standard output's first."""
        order = sorted(wanted & self._splitters.keys(), reverse=True)
        return [line for stream in order for line in self._splitters[stream].flush()]

    def _conclude(self) -> Execution:
        if self._stdin_fault is not None:
            raise self._stdin_fault
        return conclude(self._fold, check=self._check)

    def _pieces(self) -> Generator[list[Piece], None]:
        if self._is_read:
            raise RuntimeError("a stream of output can be read once")
        self._is_read = True
        self._live.add(self)
        feeding = None
        events = self._transport.stream(self._request)
        try:
            yield finish(partial(self._first, events), grace=_INIT_WITHIN_S)
            if self._stdin is not None:
                feeding = spawn(partial(self._feed, self._stdin))
            for batch in events:
                yield self._take(batch)
        except BaseException as fault:
            events.close()
            if isinstance(fault, StreamInterruptedException):
                fault.execution = self._fold.execution()
            # A refused start has nothing to stop; any other exception may leave a run behind.
            if self._fold.has_begun or not isinstance(fault, SandboxException):
                self._stop()
            raise
        finally:
            if feeding is not None:
                feeding.close()
            self._live.discard(self)

    def _first(self, events: Generator[list[Received[_wire.Event]], None]) -> list[Piece]:
        """Read on until the run is known to exist: an interrupt that overtakes the start finds nothing."""
        pieces: list[Piece] = []
        for batch in events:
            pieces += self._take(batch)
            if self._fold.has_begun:
                break
        return pieces

    def _take(self, batch: list[Received[_wire.Event]]) -> list[Piece]:
        return [piece for received in batch for piece in self._fold.add(received.event)]

    def _stop(self) -> None:
        if self._is_owned and not self._is_stopped and self._fold.end is None:
            finish(self._interrupt, grace=_INIT_WITHIN_S)

    def _interrupt(self) -> None:
        """Interrupt the run; one that is not there yet may be on its way."""
        give_up = time.monotonic() + _INIT_WITHIN_S
        while self._fold.execution_id:
            try:
                self._transport.send(
                    calls.interrupt(self._fold.execution_id, silence_s=calls.BRIEF_SILENCE_S)
                )  # fmt: skip
            except NotFoundException:
                if not self._fold.has_begun and time.monotonic() < give_up:
                    sleep(_POLL_S)
                    continue
            except SandboxException:
                return  # it cannot be reached; the daemon ends it when its grace is over
            self._is_stopped = True
            return

    def _feed(self, stdin: Stdin) -> None:
        try:
            if isinstance(stdin, (str, bytes)):
                self._feed_bytes(stdin.encode() if isinstance(stdin, str) else stdin)
            else:
                self._feed_each(stdin)
        except (StdinClosedException, NotFoundException):
            pass  # the program has ended, or wants no more
        except Exception as fault:  # noqa: BLE001 - the caller's iterator may raise anything; it reaches the caller
            self._stdin_fault = fault
            self._interrupt()

    def _feed_bytes(self, data: bytes) -> None:
        for start in range(0, max(len(data), 1), _STDIN_PIECE):
            end = start + _STDIN_PIECE >= len(data)
            self._write(data[start : start + _STDIN_PIECE], end=end)

    def _feed_each(self, source: Iterable[bytes]) -> None:
        for data in source:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"stdin must yield bytes, not {type(data).__name__}")
            if data:
                self._write(bytes(data), end=False)
        self._write(b"", end=True)

    def _write(self, data: bytes, *, end: bool) -> None:
        self._transport.send(calls.write_stdin(self._fold.execution_id, data, end=end))
