"""Framing: pieces and control payloads in, the bytes of server-sent events out.

Deployed clients read one JSON object on one `data:` line and split lines at U+0085, U+2028 and U+2029 too, so those
three are escaped although JSON does not ask for it.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final, Literal

import msgspec

from execd.runs.text import Mode, Step

Stream = Literal["stdout", "stderr"]

_encoder: Final = msgspec.json.Encoder()
_SEPARATORS: Final = ("\u0085", "\u2028", "\u2029")


def encode(value: Any) -> bytes:
    """Return `value` as JSON that holds no line separator of any kind."""
    return _escape(_encoder.encode(value))


def _escape(encoded: bytes) -> bytes:
    if encoded.isascii():
        return encoded
    for separator in _SEPARATORS:
        encoded = encoded.replace(separator.encode(), b"\\u%04x" % ord(separator))
    return encoded


def control_frame(number: int | None, payload: bytes) -> bytes:
    """Return the frame of an event that is already JSON; without a number it has no `id:` and is not retained."""
    return b"data: %b\n\n" % payload if number is None else b"id: %d\ndata: %b\n\n" % (number, payload)


def ping_frame(timestamp_ms: int) -> bytes:
    """Return the heartbeat."""
    return b'data: {"type":"ping","text":"pong","timestamp":%d}\n\n' % timestamp_ms


def text_frames(mode: Mode, stream: Stream, done: Step, *, skip: int, first: int, timestamp_ms: int) -> list[bytes]:
    """Return, in parts to be joined, the frames of a step's pieces from the `skip`-th on; `first` numbers them all."""
    if skip >= len(done.pieces):
        return []
    if mode == "lines":
        return [_line_frames(stream, done, skip=skip, first=first, timestamp_ms=timestamp_ms)]
    return _chunk_frames(stream, done.pieces, skip=skip, first=first, timestamp_ms=timestamp_ms)


def _chunk_frames(stream: Stream, pieces: list[bytes], *, skip: int, first: int, timestamp_ms: int) -> list[bytes]:
    # Text or data is decided by the whole read, so that within one read the two do not alternate.
    try:
        bodies = [encode(piece.decode()) for piece in pieces]
        name = "text"
    except UnicodeDecodeError:
        bodies = [b'"%b"' % b64encode(piece) for piece in pieces]
        name = "data"
    tail = b',"timestamp":%d}\n\n' % timestamp_ms
    parts: list[bytes] = []
    for number, body in enumerate(bodies[skip:], first + skip):
        parts += (f'id: {number}\ndata: {{"type":"{stream}","{name}":'.encode(), body, tail)
    return parts


def _line_frames(stream: Stream, done: Step, *, skip: int, first: int, timestamp_ms: int) -> bytes:
    # Decoded and encoded in one go, then split: lines hold no line feed, and JSON holds none that is not escaped.
    lines = b"\n".join(done.pieces[skip:]).decode("utf-8", "replace").split("\n")
    encoded = _escape(_encoder.encode_lines([line or "\n" for line in lines])).decode().split("\n")
    encoded.pop()
    head = f'data: {{"type":"{stream}","text":'
    tail = f',"timestamp":{timestamp_ms}}}\n\n'
    number = first + skip
    if not done.partial:
        return "".join([f"id: {at}\n{head}{text}{tail}" for at, text in enumerate(encoded, number)]).encode()
    partial = {at - skip for at in done.partial}
    marked = f',"partial":true{tail}'
    return "".join(
        f"id: {number + at}\n{head}{text}{marked if at in partial else tail}" for at, text in enumerate(encoded)
    ).encode()
