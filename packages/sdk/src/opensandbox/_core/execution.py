"""Events of a run folded into an `Execution`; the same whatever way the output was cut into events."""

from __future__ import annotations

import codecs
from array import array
from base64 import b64decode
from collections import deque
from typing import Any, Final, Literal, NamedTuple

from opensandbox import _wire
from opensandbox._output import Output
from opensandbox.exceptions import StreamInterruptedException
from opensandbox.results import Execution, ExecutionError, Stream

Mode = Literal["lines", "chunks"]
"""How the daemon cuts output: as lines without terminators, or as it was written."""

_decoder: Final = codecs.getincrementaldecoder("utf-8")


class Piece(NamedTuple):
    """Some text of one stream and when it came (Unix ms)."""

    stream: Stream
    text: str
    timestamp_ms: int


class _Entry(NamedTuple):
    text: str
    timestamp_ms: int
    exact: bytes | None


class _Gathering:
    """One stream as it grows; with `keep`, only about its last `keep` characters."""

    def __init__(self, stream: Stream, *, keep: int | None) -> None:
        self.stream: Stream = stream
        self.received = 0
        self._keep = keep
        self._kept = 0
        self._entries: deque[_Entry] = deque()
        self._decoder = _decoder("replace")
        self._torn = False

    def add_text(self, text: str, timestamp_ms: int) -> Piece:
        if self._torn:
            return self.add_bytes(text.encode(), timestamp_ms)
        self.received += len(text) if text.isascii() else len(text.encode())
        self._put(_Entry(text, timestamp_ms, None))
        return Piece(self.stream, text, timestamp_ms)

    def add_bytes(self, data: bytes, timestamp_ms: int) -> Piece:
        self.received += len(data)
        text = self._decoder.decode(data)
        self._torn = bool(self._decoder.getstate()[0])
        self._put(_Entry(text, timestamp_ms, data))
        return Piece(self.stream, text, timestamp_ms)

    def finish(self, timestamp_ms: int) -> Piece:
        text = self._decoder.decode(b"", final=True)
        self._torn = False
        if text:
            self._put(_Entry(text, timestamp_ms, b""))
        return Piece(self.stream, text, timestamp_ms)

    def _put(self, entry: _Entry) -> None:
        self._entries.append(entry)
        if self._keep is None:
            return
        self._kept += len(entry.text)
        while self._kept - len(self._entries[0].text) >= self._keep:
            self._kept -= len(self._entries.popleft().text)

    def output(self) -> Output:
        ends, times = array("q"), array("q")
        total = 0
        for entry in self._entries:
            total += len(entry.text)
            ends.append(total)
            times.append(entry.timestamp_ms)
        exact = {at: entry.exact for at, entry in enumerate(self._entries) if entry.exact is not None}
        pieces = [entry.text for entry in self._entries]
        return Output(self.stream, pieces=pieces, ends=ends, times=times, exact=exact)


class Fold:
    """Takes the events of one run in order. `keep` bounds the characters kept of each stream (None: all of them)."""

    def __init__(self, *, execution_id: str = "", mode: Mode = "chunks", keep: int | None = None) -> None:
        self.execution_id = execution_id
        self.has_begun = False
        """Whether the daemon has said that the run exists."""
        self.end: _wire.ExecutionCompleteEvent | _wire.ErrorEvent | None = None
        self._mode: Mode = mode
        self._streams = {"stdout": _Gathering("stdout", keep=keep), "stderr": _Gathering("stderr", keep=keep)}
        self._truncated = False

    def add(self, event: _wire.Event) -> tuple[Piece, ...]:
        """Take one event and return the output in it."""
        self.has_begun = True
        match event:
            case _wire.StdoutEvent():
                return (self._output(self._streams["stdout"], event),)
            case _wire.StderrEvent():
                return (self._output(self._streams["stderr"], event),)
            case _wire.InitEvent():
                self.execution_id = event.text
            case _wire.TruncatedEvent():
                self._truncated = True
            case _wire.ExecutionCompleteEvent() | _wire.ErrorEvent():
                return self._finish(event)
            case _:
                pass
        return ()

    def _output(self, stream: _Gathering, event: _wire.StdoutEvent | _wire.StderrEvent) -> Piece:
        data = event.data
        if data is not None:
            return stream.add_bytes(b64decode(data), event.timestamp)
        text = event.text or ""
        if self._mode == "lines" and not event.partial:
            text = "\n" if text == "\n" else text + "\n"
        return stream.add_text(text, event.timestamp)

    def _finish(self, event: _wire.ExecutionCompleteEvent | _wire.ErrorEvent) -> tuple[Piece, ...]:
        self.end = event
        self._truncated = self._truncated or bool(event.truncated)
        return tuple(piece for stream in self._streams.values() if (piece := stream.finish(event.timestamp)).text)

    def execution(self) -> Execution:
        """Return what has come so far; complete once the terminal event has."""
        return Execution(
            id=self.execution_id,
            truncated=self._truncated,
            output=(self._streams["stdout"].output(), self._streams["stderr"].output()),
            **({} if self.end is None else _end_fields(self.end)),
        )

    def fault(self) -> StreamInterruptedException | None:
        """Return what is wrong with a stream that is over: no end, or other bytes than the program wrote."""
        if self.end is None:
            return StreamInterruptedException("the stream ended without a terminal event")
        told = {"stdout": self.end.stdout_bytes, "stderr": self.end.stderr_bytes}
        expected = {name: count for name, count in told.items() if count is not None}
        received = {name: self._streams[name].received for name in expected}
        if self._truncated or self._mode == "lines" or expected == received:
            return None
        return StreamInterruptedException(
            f"the program wrote {expected} bytes and {received} came",
            details={"expected": expected, "received": received},
        )


def _end_fields(end: _wire.ExecutionCompleteEvent | _wire.ErrorEvent) -> dict[str, Any]:
    took = end.execution_time
    fields: dict[str, Any] = {
        "cause": end.cause or "exited",
        "exit_code": end.exit_code,
        "signal": end.signal,
        "duration": None if took is None else took / 1000,
    }
    if isinstance(end, _wire.ErrorEvent):
        said = end.error
        fields["error"] = ExecutionError(name=said.ename, value=said.evalue, traceback=tuple(said.traceback or ()))
        if end.cause is None and said.evalue.isdigit():
            fields["exit_code"] = int(said.evalue)
    elif end.cause is None:
        fields["exit_code"] = 0
    return fields
