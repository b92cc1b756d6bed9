"""What one stream of a run wrote: its text, its exact bytes, and its lines made on demand.

A hundred megabytes of short lines are a million objects: nothing here makes a line before somebody asks for it.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ClassVar, Final, Literal, Self, overload

Stream = Literal["stdout", "stderr"]

TERMINATOR: Final = re.compile(r"\r\n|\r|\n")
_SHOWN: Final = 20


class OutputLine(str):
    """One line of output without its terminator: a string that knows its stream and its time."""

    __slots__ = ("_ms", "stream")

    _ms: int
    stream: Stream

    def __new__(cls, text: str, *, stream: Stream = "stdout", timestamp_ms: int = 0) -> Self:
        """Make a line; `timestamp_ms` is Unix time in milliseconds."""
        line = super().__new__(cls, text)
        line._ms = timestamp_ms
        line.stream = stream
        return line

    @property
    def text(self) -> str:
        """The line as a plain string."""
        return str(self)

    @property
    def timestamp(self) -> datetime:
        """When the sandbox read the end of the line; aware, UTC."""
        return datetime.fromtimestamp(self._ms / 1000, tz=UTC)

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """Pickle the line with what it knows."""
        return (str(self),), {"stream": self.stream, "timestamp_ms": self._ms}


class Output:
    """Everything that one stream of a run wrote, as a value; joined on first use.

    Piece `i` ends at character `ends[i]` of the text and came at `times[i]` (Unix ms). `exact` holds, by their place,
    the bytes of those pieces that are not valid UTF-8.
    """

    __slots__ = ("_exact", "_text", "ends", "stream", "times")

    def __init__(
        self, stream: Stream, *, pieces: list[str], ends: array[int], times: array[int], exact: Mapping[int, bytes]
    ) -> None:
        self.stream: Final = stream
        self.ends: Final = ends
        self.times: Final = times
        self._text: str | list[str] = pieces
        self._exact = exact

    @property
    def text(self) -> str:
        """The whole text; bytes that are not valid UTF-8 appear as U+FFFD."""
        if not isinstance(self._text, str):
            self._text = "".join(self._text)
        return self._text

    @property
    def data(self) -> bytes:
        """The exact bytes."""
        if not self._exact:
            return self._text.encode() if isinstance(self._text, str) else b"".join(map(str.encode, self._text))
        return b"".join(map(self._bytes_of, range(len(self.ends))))

    def _bytes_of(self, at: int) -> bytes:
        exact = self._exact.get(at)
        return self.text[self.ends[at - 1] if at else 0 : self.ends[at]].encode() if exact is None else exact

    def __eq__(self, other: object) -> bool:
        """Compare by stream and bytes."""
        return isinstance(other, Output) and self.stream == other.stream and self.data == other.data

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash((self.stream, self.data))

    def __repr__(self) -> str:
        """Show the stream and how much there is."""
        return f"<{self.stream}: {self.ends[-1] if self.ends else 0} characters>"


class OutputLines(Sequence[OutputLine]):
    """The lines of one stream, found as they are asked for.

    `\\n`, `\\r` and `\\r\\n` end a line, an empty line is `""`, and a rest without terminator is the last line.
    Equal to any sequence of the same strings.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._text = output.text
        self._ends = array("q")
        self._rest = _line_ends(self._text)

    def _seek(self, count: int | None) -> int:
        """Find the first `count` lines (None: all) and return how many are known."""
        wanted = None if count is None else max(count - len(self._ends), 0)
        self._ends.extend(islice(self._rest, wanted))
        return len(self._ends)

    def _line(self, at: int) -> OutputLine:
        start, end = self._ends[at - 1] if at else 0, self._ends[at]
        text = self._text[start:end]
        # A "\r" ends its line at once: of "\r\n" the first character tells the time.
        told = end - 1 if text.endswith("\r\n") else end
        came = self._output.times[bisect_left(self._output.ends, told)]
        return OutputLine(
            text.removesuffix("\n").removesuffix("\r"), stream=self._output.stream, timestamp_ms=came
        )  # fmt: skip

    def __len__(self) -> int:
        """Count the lines."""
        return self._seek(None)

    def __iter__(self) -> Iterator[OutputLine]:
        """Make one line after another."""
        at = 0
        while at < self._seek(at + 1):
            yield self._line(at)
            at += 1

    @overload
    def __getitem__(self, index: int) -> OutputLine: ...
    @overload
    def __getitem__(self, index: slice) -> list[OutputLine]: ...
    def __getitem__(self, index: int | slice) -> OutputLine | list[OutputLine]:
        """Make the line at `index`, or a list of those in a slice."""
        if isinstance(index, slice):
            return [self._line(at) for at in range(*index.indices(len(self)))]
        at = index if index >= 0 else index + len(self)
        if not 0 <= at < self._seek(at + 1):
            raise IndexError(f"there is no line {index}")
        return self._line(at)

    def __eq__(self, other: object) -> bool:
        """Compare with any sequence of strings."""
        return isinstance(other, Sequence) and not isinstance(other, str) and list(self) == list(other)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # equal to lists, so unhashable like them

    def __repr__(self) -> str:
        """Show the first lines as a list of strings."""
        shown = ", ".join(map(repr, self[:_SHOWN] if len(self) > _SHOWN else self))
        return f"[{shown}, … {len(self) - _SHOWN} more]" if len(self) > _SHOWN else f"[{shown}]"

    def __reduce__(self) -> tuple[type[OutputLines], tuple[Output]]:
        """Pickle the output that the lines lie in."""
        return OutputLines, (self._output,)


def _line_ends(text: str) -> Iterator[int]:
    end = 0
    for match in TERMINATOR.finditer(text):
        end = match.end()
        yield end
    if end < len(text):
        yield len(text)
