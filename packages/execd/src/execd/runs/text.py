"""The step function: unfinished bytes and new bytes in, whole pieces and unfinished bytes out.

The same function numbers events when a run is written and frames them when it is read, so the two cannot disagree. It
works on bytes and knows nothing of events; a piece is the payload of exactly one event.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Mode = Literal["lines", "chunks", "whole"]

LINE_LIMIT: Final = 512 * 1024
"""Bytes of one line in one event; deployed clients give up at 4 MiB of JSON."""
CHUNK_LIMIT: Final = 64 * 1024
"""Bytes of one event in chunks mode."""


class Carry(NamedTuple):
    """What one stream has not finished: the bytes of a line or a character, and whether a `\\n` is to be swallowed."""

    pending: bytes = b""
    after_cr: bool = False


class Step(NamedTuple):
    """Pieces completed by a step; `partial` holds the indexes of those whose line goes on in the next piece."""

    pieces: list[bytes]
    partial: tuple[int, ...]
    carry: Carry


NOTHING: Final = Carry()


def step(mode: Mode, carry: Carry, data: bytes, *, last: bool = False) -> Step:
    """Complete what `data` completes; with `last` the stream ends and nothing stays pending."""
    if mode == "lines":
        return _lines(carry, data, last=last)
    if mode == "chunks":
        return _chunks(carry, data, last=last)
    return Step([data] if data else [], (), NOTHING)


def _lines(carry: Carry, data: bytes, *, last: bool) -> Step:
    after_cr = carry.after_cr
    if data:
        if after_cr and data[0] == 0x0A:
            data = data[1:]
        after_cr = data.endswith(b"\r")
    buffer = carry.pending + data if carry.pending else data
    pieces = buffer.splitlines()
    pending = b""
    if not last and pieces and not buffer.endswith((b"\n", b"\r")):
        pending = pieces.pop()
    if len(buffer) <= LINE_LIMIT:
        return Step(pieces, (), Carry(pending, after_cr))
    return _split_long(pieces, pending, after_cr=after_cr)


def _split_long(lines: list[bytes], pending: bytes, *, after_cr: bool) -> Step:
    pieces: list[bytes] = []
    partial: list[int] = []

    def release(line: bytes) -> bytes:
        while len(line) > LINE_LIMIT:
            at = boundary(line, LINE_LIMIT)
            partial.append(len(pieces))
            pieces.append(line[:at])
            line = line[at:]
        return line

    for line in lines:
        last = release(line)
        pieces.append(last)
    rest = release(pending)
    return Step(pieces, tuple(partial), Carry(rest, after_cr))


def _chunks(carry: Carry, data: bytes, *, last: bool) -> Step:
    buffer = carry.pending + data if carry.pending else data
    size = len(buffer)
    whole = size if last else size - torn(buffer)
    if size == whole <= CHUNK_LIMIT:
        return Step([buffer] if buffer else [], (), NOTHING)
    pieces: list[bytes] = []
    start = 0
    while whole - start > CHUNK_LIMIT:
        at = boundary(buffer, start + CHUNK_LIMIT)
        pieces.append(buffer[start:at])
        start = at
    if start < whole:
        pieces.append(buffer[start:whole])
    return Step(pieces, (), Carry(buffer[whole:]))


def boundary(data: bytes, limit: int) -> int:
    """Return the last place at or before `limit` where no UTF-8 character is cut, or `limit` where there is none."""
    at = limit
    while at > limit - 3 and data[at] & 0xC0 == 0x80:
        at -= 1
    return limit if data[at] & 0xC0 == 0x80 else at


def torn(data: bytes) -> int:
    """Return how many bytes at the end begin a UTF-8 character that more bytes could complete (0 to 3)."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        wanted = 2 if 0xC2 <= byte < 0xE0 else 3 if 0xE0 <= byte < 0xF0 else 4 if 0xF0 <= byte < 0xF5 else 1
        return back if back < wanted else 0
    return 0
