"""What a run writes, gathered as it comes: the same text, bytes and lines whatever way it was cut into events."""

from __future__ import annotations

import codecs
from array import array
from base64 import b64decode
from collections import deque
from typing import Final, NamedTuple

from opensandbox._output import Output
from opensandbox.exceptions import StreamInterruptedException
from opensandbox.results import Stream

_decoder: Final = codecs.getincrementaldecoder("utf-8")


class Piece(NamedTuple):
    """Some text of one stream and when it came (Unix ms)."""

    stream: Stream
    text: str
    timestamp_ms: int


class Gathering:
    """The output of one run, both streams; with `keep`, only about the last `keep` characters of each."""

    def __init__(self, *, keep: int | None = None) -> None:
        self._streams = {"stdout": _Growing("stdout", keep=keep), "stderr": _Growing("stderr", keep=keep)}

    def add_text(self, stream: Stream, text: str, *, timestamp_ms: int) -> Piece:
        """Take text as it was written."""
        return self._streams[stream].add_text(text, timestamp_ms)

    def add_data(self, stream: Stream, data: str, *, timestamp_ms: int) -> Piece:
        """Take bytes, in base64: what is no text, or not yet."""
        try:
            raw = b64decode(data, validate=True)
        except ValueError as fault:
            raise StreamInterruptedException(f"bytes of {stream} cannot be read: {fault}") from fault
        return self._streams[stream].add_bytes(raw, timestamp_ms)

    def finish(self, *, timestamp_ms: int) -> tuple[Piece, ...]:
        """Return what half a character at the end of a stream reads as."""
        return tuple(piece for stream in self._streams.values() if (piece := stream.finish(timestamp_ms)).text)

    def output(self) -> tuple[Output, Output]:
        """Return what has come so far on standard output and on standard error."""
        return self._streams["stdout"].output(), self._streams["stderr"].output()

    def fault(self, *, stdout_bytes: int | None, stderr_bytes: int | None) -> StreamInterruptedException | None:
        """Return what to raise when other bytes have come than the program wrote; None for a count nobody knows."""
        told = {"stdout": stdout_bytes, "stderr": stderr_bytes}
        expected = {name: count for name, count in told.items() if count is not None}
        received = {name: self._streams[name].received for name in expected}
        if expected == received:
            return None
        return StreamInterruptedException(
            f"the program wrote {expected} bytes and {received} came",
            details={"expected": expected, "received": received},
        )


class _Entry(NamedTuple):
    text: str
    timestamp_ms: int
    exact: bytes | None


class _Growing:
    """One stream as it grows."""

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
