"""What calls about files and directories as a whole send and get back: changes, lists, searches."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from opensandbox import _wire
from opensandbox._core import decode
from opensandbox._core.files import ALL_BITS, SandboxPath, mode_to_wire, text_of, told, writable
from opensandbox._core.request import Request
from opensandbox.exceptions import SandboxConnectionException
from opensandbox.results import FileInfo

_WALK_S: Final = 300.0
"""Longest silence of a walk: the next match may be far away."""
_WEEK_S: Final = 7 * 24 * 60 * 60
_WILD: Final = re.compile(r"[*?\[{\\]")


def set_permissions(path: SandboxPath, *, mode: int | None, owner: str | None, group: str | None) -> Request:
    """Set rights."""
    return _change("/files/permissions", {writable(path): _permission(mode, owner, group)}, is_idempotent=True)


def create_directory(
    path: SandboxPath, *, mode: int | None, owner: str | None, group: str | None, parents: bool
) -> Request:
    """Make a directory; an exclusive one is asked for once, for a second answer would say that it exists."""
    return _change(
        "/directories",
        {writable(path): _permission(mode, owner, group)},
        query=(("parents", _flag(parents)),),
        is_idempotent=parents,
    )


def _permission(mode: int | None, owner: str | None, group: str | None) -> _wire.Permission:
    if mode is not None and not 0 < mode <= ALL_BITS:
        raise ValueError(f"mode must be between 0o1 and 0o7777, not {mode!r}")
    return _wire.Permission(owner=owner, group=group, mode=None if mode is None else mode_to_wire(mode))


def move(src: SandboxPath, dest: SandboxPath) -> Request:
    """Move an entry; a second answer would say that it is not there."""
    return _change("/files/mv", [_wire.Move(src=writable(src), dest=writable(dest))])


def replace(path: SandboxPath, old: str, new: str) -> Request:
    """Exchange text in a file."""
    if not old:
        raise ValueError("old must not be empty")
    return _change(
        "/files/replace", {writable(path): _wire.Replacement(old=old, new=new)}, query=(("verbose", "true"),)
    )


def count(data: bytes) -> int:
    """Decode how often a text was exchanged in the one file that was named."""
    counts = decode.body(data, dict[str, _wire.ReplacementCount])
    if len(counts) != 1:
        raise SandboxConnectionException(f"the answer cannot be read: it tells of {len(counts)} files")
    return next(iter(counts.values())).replacedCount


def sign(path: SandboxPath, *, method: Literal["GET", "PUT"], expires: float, max_bytes: int | None) -> Request:
    """Ask for a URL that needs no token."""
    if method not in ("GET", "PUT"):
        raise ValueError(f"method must be 'GET' or 'PUT', not {method!r}")
    if not 1 <= expires <= _WEEK_S:
        raise ValueError(f"expires must be between 1 and {_WEEK_S} seconds, not {expires!r}")
    body = _wire.SignRequest(method=method, path=writable(path), expires_s=int(expires), max_bytes=max_bytes)
    return Request(
        method="POST",
        path="/sign",
        body=msgspec.json.encode(body),
        content_type="application/json",
        is_idempotent=True,
    )


def signed(data: bytes) -> str:
    """Decode path and query of a signed URL."""
    return decode.body(data, _wire.SignedUrl).url


def delete_file(path: SandboxPath) -> Request:
    """Remove a file."""
    return Request(method="DELETE", path="/files", query=(("path", text_of(path)),), is_idempotent=True)


def delete_directory(path: SandboxPath, *, recursive: bool) -> Request:
    """Remove a directory."""
    query = (("path", text_of(path)), ("recursive", _flag(recursive)))
    return Request(method="DELETE", path="/directories", query=query, is_idempotent=True, silence_s=_WALK_S)


def list_directory(path: SandboxPath, *, depth: int) -> Request:
    """List a directory."""
    if depth < 0:
        raise ValueError(f"depth must not be negative, not {depth!r}")
    query = (("path", text_of(path)), ("depth", str(depth)))
    return Request(method="GET", path="/directories/list", query=query, is_idempotent=True, silence_s=_WALK_S)


def search(pattern: SandboxPath, *, limit: int | None, include_directories: bool) -> Request:
    """Look for entries below the longest part of the pattern that has no wildcard."""
    if limit is not None and limit < 0:
        raise ValueError(f"limit must not be negative, not {limit!r}")
    root, below = _cut(text_of(pattern))
    query = [("path", root), ("pattern", f"./{below}")]
    if limit is not None:
        query.append(("limit", str(limit)))
    if include_directories:
        query.append(("include_directories", "true"))
    return Request(method="GET", path="/files/search", query=tuple(query), is_idempotent=True, silence_s=_WALK_S)


def _cut(pattern: str) -> tuple[str, str]:
    """Return the directory where a search starts, and what is looked for below it.

    >>> _cut("/workspace/src/**/*.py"), _cut("/*.log"), _cut("a/b.txt"), _cut("*.py")
    (('/workspace/src', '**/*.py'), ('/', '*.log'), ('a', 'b.txt'), ('.', '*.py'))
    """
    wild = _WILD.search(pattern)
    slash = pattern.rfind("/", 0, wild.start() if wild else len(pattern))
    if slash < 0:
        return ".", pattern
    return pattern[:slash] or "/", pattern[slash + 1 :]


def entries(data: bytes) -> list[FileInfo]:
    """Decode a list of entries."""
    return [told(entry) for entry in decode.body(data, list[_wire.FileInfo])]


def _change(path: str, body: Any, *, query: tuple[tuple[str, str], ...] = (), is_idempotent: bool = False) -> Request:
    return Request(
        method="POST",
        path=path,
        query=query,
        body=msgspec.json.encode(body),
        content_type="application/json",
        is_idempotent=is_idempotent,
        # A move may have to copy, a replacement has to read.
        silence_s=_WALK_S,
    )


def _flag(flag: bool) -> str:  # noqa: FBT001 - it is the value itself
    return "true" if flag else "false"
