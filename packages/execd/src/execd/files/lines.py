"""Some lines of a text, cut out of its bytes while they pass by; a line's `\\n` belongs to it. Sans-IO."""

from __future__ import annotations


class Lines:
    """Lines from number `first` (counted from 1), at most `count` of them (None: all that follow).

    >>> lines = Lines(first=2, count=2)
    >>> lines.take(b"one\\ntw"), lines.take(b"o\\nthree\\nfo"), lines.over
    (b'tw', b'o\\nthree\\n', True)
    """

    def __init__(self, *, first: int, count: int | None) -> None:
        self._skip = first - 1
        self._left = count

    @property
    def over(self) -> bool:
        """Whether nothing more is wanted."""
        return self._left == 0

    def take(self, block: bytes) -> bytes:
        """Return what is wanted of the next bytes."""
        start = _after(block, self._skip)
        self._skip -= block.count(b"\n", 0, start)
        if self._skip or self.over:
            return b""
        if self._left is None:
            return block[start:]
        stop = _after(block, self._left, start)
        self._left -= block.count(b"\n", start, stop)
        return block[start:stop]


def _after(block: bytes, lines: int, start: int = 0) -> int:
    """Return where so many more lines are over, the end of the block if they are not."""
    if lines == 0:
        return start
    if block.count(b"\n", start) < lines:
        return len(block)
    at = start
    for _ in range(lines):
        at = block.index(b"\n", at) + 1
    return at
