"""Which bytes a conditional request is owed: `Range`, `If-Range` and the validators of RFC 9110. Sans-IO."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

_SPEC: Final = re.compile(rb"([0-9]*)-([0-9]*)")
_TAG: Final = re.compile(rb'(?:W/)?"[^"]*"')
_MAX_DIGITS: Final = 640
"""Of more digits the language itself may be told to make no number."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from `start` up to, not including, `stop`."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one state of a file from another: a strong tag, quotes included, and whole seconds since the epoch."""

    etag: bytes
    modified_s: int

    @property
    def last_modified(self) -> bytes:
        """The date as the header has it."""
        return formatdate(self.modified_s, usegmt=True).encode()


def spans(header: bytes | None, *, size: int) -> list[Span] | None:
    """Return the spans of a `Range` header that lie in the file, none if none does; None: the header asks for nothing.

    What is malformed, or counts in another unit, is as good as absent.
    """
    unit, equals, specs = (header or b"").partition(b"=")
    if not equals or unit.strip().lower() != b"bytes":
        return None
    found: list[Span] = []
    for spec in specs.split(b","):
        match = _SPEC.fullmatch(spec.strip())
        if match is None or not _in_order(*match.groups()):
            return None
        span = _span(*match.groups(), size=size)
        if span is not None:
            found.append(span)
    return found


def _in_order(first: bytes, last: bytes) -> bool:
    if max(len(first), len(last)) > _MAX_DIGITS or not (first or last):
        return False
    return not (first and last) or int(first) <= int(last)


def _span(first: bytes, last: bytes, *, size: int) -> Span | None:
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    return Span(start, stop) if start < stop else None


def is_unchanged(*, if_none_match: bytes | None, if_modified_since: bytes | None, now: Validators) -> bool:
    """Return whether the asker has this state already (304); a tag wins over a date."""
    if if_none_match is not None:
        tags = {tag.removeprefix(b"W/") for tag in _TAG.findall(if_none_match)}
        return if_none_match.strip() == b"*" or now.etag in tags
    since_s = _seconds(if_modified_since)
    return since_s is not None and now.modified_s <= since_s


def may_be_partial(if_range: bytes | None, *, now: Validators, clock_s: float) -> bool:
    """Return whether a range still fits the state that the asker began with.

    A date counts only when it is older than a second: before that, the file may change again within it.
    """
    if if_range is None:
        return True
    if if_range.strip().endswith(b'"'):
        return if_range.strip() == now.etag
    return _seconds(if_range) == now.modified_s and clock_s - now.modified_s >= 1


def _seconds(date: bytes | None) -> int | None:
    try:
        return int(parsedate_to_datetime((date or b"").decode("latin-1")).timestamp())
    except (ValueError, OverflowError):
        return None


_ATTR_CHARS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~")
_NOT_PLAIN: Final = re.compile(r"[^ !#-$&-\[\]-~]")


def disposition(name: str) -> bytes:
    """Return `Content-Disposition` for a file name of any characters, by RFC 6266: a plain name, and the true one."""
    plain = _NOT_PLAIN.sub("_", name)
    header = f'attachment; filename="{plain}"'.encode()
    if plain == name:
        return header
    true = "".join(chr(byte) if byte in _ATTR_CHARS else f"%{byte:02X}" for byte in name.encode("utf-8", "replace"))
    return header + f"; filename*=UTF-8''{true}".encode()
