"""The packed index: one record per read, from which every event's number, place and time follow.

A record holds the state *before* its read, so that framing can begin at any record: how many bytes of both streams
are unfinished, and how much of standard output came before. The record is a value; where its bytes are kept is the
log's affair.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple


class Kind(IntEnum):
    """What a record stands for."""

    STDOUT = 0
    STDERR = 1
    STDOUT_END = 2
    STDERR_END = 3
    CONTROL = 4
    TERMINAL = 5
    GAP = 6
    """Output that was never stored; its event names what is missing, and has no number of its own."""


_RECORD: Final = Struct("<5Q2I")
RECORD_BYTES: Final = _RECORD.size
_OUT_CR: Final = 8
_ERR_CR: Final = 16


class Record(NamedTuple):
    """One read of one stream, the end of one, or one control event."""

    kind: Kind
    time_ms: int
    start: int
    """Offset in the raw store: a read covers the bytes up to the next record's start."""
    first_event: int
    """Number that the first event completed by this record has (or would have)."""
    control: int
    """Offset in the control log."""
    stdout_before: int
    """Bytes of standard output before this record."""
    out_pending: int
    """How many of standard output's last bytes are unfinished (of a line or a character)."""
    err_pending: int
    out_cr: bool = False
    err_cr: bool = False

    def pack(self) -> bytes:
        """Return the record in `RECORD_BYTES` bytes."""
        word = self.time_ms << 8 | self.kind | (_OUT_CR if self.out_cr else 0) | (_ERR_CR if self.err_cr else 0)
        return _RECORD.pack(
            word, self.start, self.first_event, self.control, self.stdout_before, self.out_pending, self.err_pending
        )


def unpack(data: bytes) -> list[Record]:
    """Return the records in `data`, a whole number of them."""
    return [
        Record(
            Kind(word & 7), word >> 8, start, first, control, before, out, err,
            bool(word & _OUT_CR), bool(word & _ERR_CR),
        )
        for word, start, first, control, before, out, err in _RECORD.iter_unpack(data)
    ]  # fmt: skip


def rightmost(low: int, high: int, *, accepts: Callable[[int], bool]) -> int:
    """Return the last number in [low, high) that `accepts` takes, or low - 1; it must take a prefix of them."""
    while low < high:
        middle = (low + high) // 2
        if accepts(middle):
            low = middle + 1
        else:
            high = middle
    return low - 1
