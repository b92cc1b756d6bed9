"""Events of a run folded into an `Execution`; the same whatever way the output was cut into events."""

from __future__ import annotations

from typing import Any, Literal

from opensandbox import _wire
from opensandbox._core.gathering import Gathering, Piece
from opensandbox.exceptions import StreamInterruptedException
from opensandbox.results import Execution, ExecutionError, Stream

Mode = Literal["lines", "chunks"]
"""How the daemon cuts output: as lines without terminators, or as it was written."""


class Fold:
    """Takes the events of one run in order. `keep` bounds the characters kept of each stream (None: all of them)."""

    def __init__(self, *, execution_id: str = "", mode: Mode = "chunks", keep: int | None = None) -> None:
        self.execution_id = execution_id
        self.has_begun = False
        """Whether the daemon has said that the run exists."""
        self.end: _wire.ExecutionCompleteEvent | _wire.ErrorEvent | None = None
        self.mode: Mode = mode
        """May change until the first event."""
        self._gathering = Gathering(keep=keep)
        self._truncated = False

    def add(self, event: _wire.Event) -> tuple[Piece, ...]:
        """Take one event and return the output in it."""
        self.has_begun = True
        match event:
            case _wire.StdoutEvent():
                return (self._output("stdout", event),)
            case _wire.StderrEvent():
                return (self._output("stderr", event),)
            case _wire.InitEvent():
                self.execution_id = event.text
            case _wire.TruncatedEvent():
                self._truncated = True
            case _wire.ExecutionCompleteEvent() | _wire.ErrorEvent():
                return self._finish(event)
            case _:
                pass
        return ()

    def _output(self, stream: Stream, event: _wire.StdoutEvent | _wire.StderrEvent) -> Piece:
        data = event.data
        if data is not None:
            return self._gathering.add_data(stream, data, timestamp_ms=event.timestamp)
        text = event.text or ""
        if self.mode == "lines" and not event.partial:
            text = "\n" if text == "\n" else text + "\n"
        return self._gathering.add_text(stream, text, timestamp_ms=event.timestamp)

    def _finish(self, event: _wire.ExecutionCompleteEvent | _wire.ErrorEvent) -> tuple[Piece, ...]:
        self.end = event
        self._truncated = self._truncated or bool(event.truncated)
        return self._gathering.finish(timestamp_ms=event.timestamp)

    def execution(self) -> Execution:
        """Return what has come so far; complete once the terminal event has."""
        return Execution(
            id=self.execution_id,
            truncated=self._truncated,
            output=self._gathering.output(),
            **({} if self.end is None else _end_fields(self.end)),
        )

    def fault(self) -> StreamInterruptedException | None:
        """Return what is wrong with a stream that is over: no end, or other bytes than the program wrote."""
        if self.end is None:
            return StreamInterruptedException("the stream ended without a terminal event")
        if self._truncated or self.mode == "lines":
            return None
        return self._gathering.fault(stdout_bytes=self.end.stdout_bytes, stderr_bytes=self.end.stderr_bytes)


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
