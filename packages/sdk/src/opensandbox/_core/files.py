"""What calls about files send and get back: paths, modes, multipart bodies, entries."""

from __future__ import annotations

import os
import stat
from base64 import b64decode
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from opensandbox import _wire
from opensandbox._core import decode
from opensandbox._core.request import TRIES, Request
from opensandbox.exceptions import SandboxConnectionException
from opensandbox.results import FileInfo

BLOCK: Final = 1024 * 1024
"""Bytes that are read, and sent, in one go."""
NEW_FILE_MODE: Final = 0o644
ALL_BITS: Final = 0o7777
STORED_WITHIN_S: Final = 300.0
"""Longest silence after the last byte: the daemon may have to wait for its disk."""

SandboxPath = str | os.PathLike[str]
"""A path in the sandbox; a byte that is no UTF-8 is a lone surrogate, as in Python's own paths."""


class Readable(Protocol):
    """A file object, of bytes or of text."""

    def read(self, size: int, /) -> bytes | str:
        """Return at most `size` bytes or characters, nothing at the end."""
        ...


Data = str | bytes | bytearray | memoryview | os.PathLike[str] | Readable | Iterable[bytes] | AsyncIterable[bytes]
"""What a file is made of: text (written as UTF-8), bytes, a path on this side, an open file, or something that yields
bytes. What is asynchronous serves the asynchronous client only."""
IN_MEMORY: Final = (str, bytes, bytearray, memoryview)


@dataclass(frozen=True, slots=True)
class WriteEntry:
    """One file to be written, as in the arguments of `write_file`."""

    path: SandboxPath
    data: Data
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    fsync: bool = False


def check(entry: WriteEntry) -> WriteEntry:
    """Return an entry that can be sent, or raise `TypeError` or `ValueError`."""
    writable(entry.path)
    if not is_data(entry.data):
        raise TypeError(f"data must be text, bytes, a path or a file, or yield bytes, not {type(entry.data).__name__}")
    if entry.mode is not None and not 0 < entry.mode <= ALL_BITS:
        # The wire has no word for a mode without any bit: 0 says "leave it as it is".
        raise ValueError(f"mode must be between 0o1 and 0o7777, not {entry.mode!r}")
    return entry


def is_data(data: object) -> bool:
    """Whether it can be what a file is made of; a mapping yields keys, which nobody wants to write."""
    if isinstance(data, Mapping):
        return False
    if isinstance(data, (list, tuple)):
        return all(isinstance(piece, (bytes, bytearray, memoryview)) for piece in data)
    return isinstance(data, (*IN_MEMORY, os.PathLike, Iterable, AsyncIterable)) or hasattr(data, "read")


def upload(boundary: str, *, is_repeatable: bool, length: int | None = None) -> Request:
    """Write files; a body that cannot be made again is sent once.

    `length` is that of the body, None where only making it tells.
    """
    size = {} if length is None else {"Content-Length": str(length)}
    return Request(
        method="POST",
        path="/files/upload",
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}", **size},
        is_idempotent=is_repeatable,
        tries=TRIES if is_repeatable else 1,
        silence_s=STORED_WITHIN_S,
    )


def size_of(data: Data) -> int | None:
    """Return how many bytes there are; None where only reading tells."""
    if isinstance(data, str):
        return len(data) if data.isascii() else len(data.encode())
    if isinstance(data, (bytes, bytearray, memoryview)):
        return memoryview(data).nbytes
    if not isinstance(data, os.PathLike):
        return None
    # Files of the kernel's own say that they are empty.
    found = os.stat(data)
    return found.st_size or None if stat.S_ISREG(found.st_mode) else None


def length_of(boundary: str, sizes: Iterable[tuple[WriteEntry, int | None]]) -> int | None:
    """Return the length of a whole body; None where only making it tells."""
    total = len(closing(boundary))
    for entry, size in sizes:
        if size is None:
            return None
        total += len(opening(boundary, entry)) + size + len(b"\r\n")
    return total


def opening(boundary: str, entry: WriteEntry) -> bytes:
    """Return what stands before the bytes of a file: all that is said about it."""
    metadata = _wire.UploadMetadata(
        path=writable(entry.path),
        owner=entry.owner,
        group=entry.group,
        mode=None if entry.mode is None else mode_to_wire(entry.mode),
        create_mode=mode_to_wire(NEW_FILE_MODE) if entry.mode is None else None,
        fsync=True if entry.fsync else None,
    )
    # Deployed daemons look for metadata among the files, so it has a filename too.
    return b"".join(
        (
            _part(boundary, "metadata", "application/json"),
            msgspec.json.encode(metadata),
            b"\r\n",
            _part(boundary, "file", "application/octet-stream"),
        )
    )


def _part(boundary: str, name: str, content_type: str) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="{name}"'
    return f"--{boundary}\r\n{disposition}\r\nContent-Type: {content_type}\r\n\r\n".encode()


def closing(boundary: str) -> bytes:
    """Return what ends the body."""
    return f"--{boundary}--\r\n".encode()


def pieces(data: str | bytes | bytearray | memoryview) -> Iterator[bytes]:
    """Cut what is in memory into blocks."""
    view = memoryview(data.encode() if isinstance(data, str) else data).cast("B")
    for start in range(0, len(view), BLOCK):
        yield bytes(view[start : start + BLOCK])


class Packer:
    """Joins small pieces into blocks that are worth a send of their own."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> bytes:
        """Take a piece and return a block, or b"" while there is not enough for one."""
        self._pieces.append(piece)
        self._size += len(piece)
        return self.rest() if self._size >= BLOCK else b""

    def rest(self) -> bytes:
        """Return what is left."""
        block = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return block


def download(path: SandboxPath) -> Request:
    """Read a file."""
    return Request(method="GET", path="/files/download", query=(("path", text_of(path)),), is_idempotent=True)


def head(path: SandboxPath) -> Request:
    """Ask how long a file is."""
    return Request(method="HEAD", path="/files/download", query=(("path", text_of(path)),), is_idempotent=True)


def info(path: SandboxPath) -> Request:
    """Ask what is at a path."""
    return Request(method="GET", path="/files/info", query=(("path", text_of(path)),), is_idempotent=True)


def entry(data: bytes) -> FileInfo:
    """Decode what is at the one path that was asked for."""
    found = decode.body(data, _wire.FileInfoMap)
    if len(found) != 1:
        raise SandboxConnectionException(f"the answer cannot be read: it tells of {len(found)} paths")
    return told(next(iter(found.values())))


def told(entry: _wire.FileInfo) -> FileInfo:
    """Return an entry as people see it; raises `SandboxConnectionException` when the daemon's words make no sense."""
    exact = entry.path_b64
    try:
        return FileInfo(
            path=entry.path if exact is None else b64decode(exact).decode("utf-8", "surrogateescape"),
            size=entry.size,
            mode=int(str(entry.mode), 8),
            owner=entry.owner,
            group=entry.group,
            mtime=decode.moment(entry.modified_at),
            created=decode.moment(entry.created_at),
            type=entry.type,
            target=entry.target,
        )
    except ValueError as fault:
        raise SandboxConnectionException(f"the answer cannot be read: {fault}") from fault


def mode_to_wire(mode: int) -> int:
    """Return the number whose decimal digits are the octal mode.

    >>> mode_to_wire(0o644)
    644
    """
    return int(f"{mode:o}")


def writable(path: SandboxPath) -> str:
    """Return a path that a body can hold; raises `ValueError` for one that is no UTF-8."""
    text = text_of(path)
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise ValueError(f"a file cannot be written under a name that is no UTF-8: {text!r}") from fault
    return text


def text_of(path: SandboxPath) -> str:
    """Return a path as text; raises `TypeError`, or `ValueError` for what is no path."""
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"path must be text, not {type(text).__name__}")
    if not text or "\0" in text:
        raise ValueError(f"not a path: {text!r}")
    return text
