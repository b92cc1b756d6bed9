"""Text as it comes in, whole lines out, by the same rules as `OutputLines`."""

from __future__ import annotations

from opensandbox._core.gathering import Piece
from opensandbox._output import TERMINATOR
from opensandbox.results import OutputLine, Stream


class LineSplitter:
    """Splits one stream. A `\\r` ends a line at once, and a `\\n` that opens the next text is swallowed."""

    def __init__(self, stream: Stream) -> None:
        self._stream: Stream = stream
        self._rest: list[str] = []
        self._after_cr = False
        self._came_ms = 0

    def feed(self, text: str, *, timestamp_ms: int) -> list[OutputLine]:
        """Return the lines that `text` completes."""
        if self._after_cr and text:
            text = text.removeprefix("\n")
            self._after_cr = False
        if not text:
            return []
        self._after_cr = text.endswith("\r")
        self._came_ms = timestamp_ms
        first, *following = TERMINATOR.split(text)
        self._rest.append(first)
        if not following:
            return []
        lines = ["".join(self._rest), *following]
        self._rest = [lines.pop()]
        return [self._line(line) for line in lines]

    def flush(self) -> list[OutputLine]:
        """Return the last line, if it has no terminator."""
        rest = "".join(self._rest)
        self._rest = []
        return [self._line(rest)] if rest else []

    def _line(self, text: str) -> OutputLine:
        return OutputLine(text, stream=self._stream, timestamp_ms=self._came_ms)


class Lines:
    """Splits what a run writes on both streams."""

    def __init__(self) -> None:
        self._splitters: dict[Stream, LineSplitter] = {}

    def feed(self, piece: Piece) -> list[OutputLine]:
        """Return the lines that `piece` completes."""
        splitter = self._splitters.get(piece.stream)
        if splitter is None:
            splitter = self._splitters[piece.stream] = LineSplitter(piece.stream)
        return splitter.feed(piece.text, timestamp_ms=piece.timestamp_ms)

    def flush(self) -> list[OutputLine]:
        """Return the last lines that have no terminator, standard output's first."""
        return [line for stream in sorted(self._splitters, reverse=True) for line in self._splitters[stream].flush()]
