"""Server-sent events, by blocks: bytes in any chunking in, frames out.

httpx-sse decodes every byte twice; a run's stream needs more (docs/decisions/0003).
Besides the standard framing this takes a bare JSON line as data, as some daemons of this API write it. An `id:` belongs
to its own event only: the standard lets it stick, which would number the heartbeats.
"""

from __future__ import annotations

from typing import NamedTuple


class Frame(NamedTuple):
    """One event as it came: its number, if it has one, and its data."""

    number: int | None
    data: bytes


class FrameDecoder:
    """Unframes one stream. What is unfinished when the stream ends was never sent whole, and is dropped."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._after_cr = False
        self._data: list[bytes] = []
        self._number: int | None = None

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the frames that `chunk` completes."""
        frames: list[Frame] = []
        chunk = self._plain_newlines(chunk)
        start, end = 0, chunk.find(b"\n")
        if end < 0:
            self._rest.append(chunk)
            return frames
        if self._rest:
            self._take(b"".join((*self._rest, chunk[:end])), frames)
            self._rest.clear()
            start, end = end + 1, chunk.find(b"\n", end + 1)
        # `find` of one byte scans many times faster than `split` does.
        while end >= 0:
            self._take(chunk[start:end], frames)
            start, end = end + 1, chunk.find(b"\n", end + 1)
        if start < len(chunk):
            self._rest.append(chunk[start:])
        return frames

    def _plain_newlines(self, chunk: bytes) -> bytes:
        """Turn `\\r\\n` and `\\r` into `\\n`, across chunks too; a raw `\\r` cannot stand inside JSON."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" not in chunk:
            return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take(self, line: bytes, frames: list[Frame]) -> None:
        if not line:
            if self._data:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                frames.append(Frame(self._number, data))
            self._data, self._number = [], None
        elif line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line.startswith(b"id:"):
            number = line[3:].strip()
            self._number = int(number) if number.isdigit() else None
        elif line.startswith(b"{"):
            self._data.append(line)
