"""Events of a cell folded into a `CodeExecution`; the same whatever way the output was cut into events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from code_interpreter import _wire
from code_interpreter.results import CodeExecution, InputRequest, Result
from opensandbox.exceptions import StreamInterruptedException
from opensandbox.gathering import Gathering, Piece
from opensandbox.results import ExecutionError, Stream

Item = Piece | Result | InputRequest | ExecutionError
"""What somebody who watches a cell gets to see."""

_RAISED: Final = "EXECUTION_FAILED"


class Fold:
    """Takes the events of one cell in order. `keep` bounds the characters kept of each stream (None: all of them)."""

    def __init__(self, *, execution_id: str = "", keep: int | None = None) -> None:
        self.end: _wire.ExecutionCompleteEvent | _wire.ErrorEvent | None = None
        self._execution_id = execution_id
        self._gathering = Gathering(keep=keep)
        self._results: list[Result] = []
        self._is_to_clear = False
        self._count: int | None = None
        self._restarted = False
        self._truncated = False

    def add(self, event: _wire.Event) -> tuple[Item, ...]:
        """Take one event and return what there is to see of it."""
        match event:
            case _wire.StdoutEvent():
                return (self._output("stdout", event),)
            case _wire.StderrEvent():
                return (self._output("stderr", event),)
            case _wire.ResultEvent():
                return (self._show(event),)
            case _wire.InputRequestEvent():
                return (InputRequest(event.prompt, is_password=event.password),)
            case _wire.ExecutionCompleteEvent() | _wire.ErrorEvent():
                return self._finish(event)
            case _:
                self._note(event)
        return ()

    def _note(self, event: _wire.Event) -> None:
        match event:
            case _wire.InitEvent():
                self._execution_id = event.text
            case _wire.StatusEvent():
                self._restarted = self._restarted or event.text == "restarted"
            case _wire.ExecutionCountEvent():
                self._count = event.execution_count
            case _wire.ClearOutputEvent():
                self._is_to_clear = True
                if not event.wait:
                    self._clear()
            case _wire.TruncatedEvent():
                self._truncated = True
            case _:
                pass

    def _clear(self) -> None:
        # What is on the screen goes; what was logged stays.
        if self._is_to_clear:
            self._results.clear()
            self._is_to_clear = False

    def _output(self, stream: Stream, event: _wire.StdoutEvent | _wire.StderrEvent) -> Piece:
        self._clear()
        if event.data is not None:
            return self._gathering.add_data(stream, event.data, timestamp_ms=event.timestamp)
        return self._gathering.add_text(stream, event.text or "", timestamp_ms=event.timestamp)

    def _show(self, event: _wire.ResultEvent) -> Result:
        self._clear()
        result = shown(event)
        if result.is_update and result.display_id is not None:
            places = [at for at, other in enumerate(self._results) if other.display_id == result.display_id]
            for at in places:
                self._results[at] = result
            if places:
                return result
        self._results.append(result)
        return result

    def _finish(self, event: _wire.ExecutionCompleteEvent | _wire.ErrorEvent) -> tuple[Item, ...]:
        self.end = event
        self._truncated = self._truncated or bool(event.truncated)
        rest = self._gathering.finish(timestamp_ms=event.timestamp)
        return (*rest, error(event)) if isinstance(event, _wire.ErrorEvent) and is_raised(event) else rest

    def execution(self) -> CodeExecution:
        """Return what has come so far; complete once the terminal event has."""
        return CodeExecution(
            id=self._execution_id,
            truncated=self._truncated,
            output=self._gathering.output(),
            result=tuple(self._results),
            execution_count=self._count,
            restarted=self._restarted,
            **({} if self.end is None else _end_fields(self.end)),
        )

    def fault(self) -> StreamInterruptedException | None:
        """Return what is wrong with a stream that is over: no end, or other output than the cell wrote."""
        if self.end is None:
            return StreamInterruptedException("the stream ended without a terminal event")
        if self._truncated:
            return None
        return self._gathering.fault(stdout_bytes=self.end.stdout_bytes, stderr_bytes=self.end.stderr_bytes)


def shown(event: _wire.ResultEvent) -> Result:
    """Return what a `result` event shows; other daemons have plain text under the key `text` alone."""
    mime = {kind: text for kind, text in event.results.items() if kind != "text"}
    if "text" in event.results:
        mime.setdefault("text/plain", event.results["text"])
    main = event.is_main_result
    return Result(
        mime=mime,
        values=event.data or {},
        metadata=event.metadata or {},
        is_main_result=True if main is None else main,
        display_id=event.display_id,
        is_update=bool(event.update),
        timestamp=datetime.fromtimestamp(event.timestamp / 1000, tz=UTC),
    )


def is_raised(end: _wire.ErrorEvent) -> bool:
    """Whether the code raised, which is data; other daemons know no other bad end and no code for it."""
    return end.code in (None, _RAISED)


def error(end: _wire.ErrorEvent) -> ExecutionError:
    """Return how the kernel, or the daemon, describes an end that was no success."""
    said = end.error
    return ExecutionError(name=said.ename, value=said.evalue, traceback=tuple(said.traceback or ()))


def _end_fields(end: _wire.ExecutionCompleteEvent | _wire.ErrorEvent) -> dict[str, Any]:
    took = end.execution_time
    failed = error(end) if isinstance(end, _wire.ErrorEvent) else None
    return {
        "cause": end.cause or ("completed" if failed is None else "raised"),
        "duration": None if took is None else took / 1000,
        "state_lost": end.state_lost,
        "error": failed,
    }
