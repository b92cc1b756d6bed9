"""A log of bytes in blocks: what is written stays readable until it is dropped, wherever the spool keeps it by then."""

from __future__ import annotations

from execd.runs.spool import BLOCK, Block, Spool


class Log:
    """An append-only sequence of bytes that keeps a small tail in memory and forgets from the front.

    Offsets count from the first byte ever appended. `start` is the oldest offset still there, `end` the next to come.
    """

    __slots__ = ("_blocks", "_keep_blocks", "_open", "_open_start", "_resident", "_spool", "end", "start")

    def __init__(self, spool: Spool, *, keep_blocks: int = 4) -> None:
        self._spool = spool
        self._keep_blocks = keep_blocks
        # Lists, though blocks leave at the front: an empty deque costs 600 bytes, and there are thousands of logs.
        self._blocks: list[Block] = []
        self._open = bytearray()
        self._open_start = 0
        self._resident: list[Block] = []
        self.start = 0
        self.end = 0

    @property
    def size(self) -> int:
        """Bytes that can still be read."""
        return self.end - self.start

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""
        self.end += len(data)
        at = 0
        if self._open:
            at = BLOCK - len(self._open)
            self._open += data[:at]
            if len(self._open) < BLOCK:
                return
            self._add_block(bytes(self._open))
            self._open.clear()
        while len(data) - at >= BLOCK:
            self._add_block(data[at : at + BLOCK])
            at += BLOCK
        self._open += data[at:]

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes in [start, end), all of which must still be there."""
        if start >= end:
            return b""
        if start < self.start or end > self.end:
            raise IndexError(f"[{start}, {end}) is not within [{self.start}, {self.end})")
        if start >= self._open_start:
            return bytes(self._open[start - self._open_start : end - self._open_start])
        parts: list[bytes] = []
        for at in range(self._find(start), len(self._blocks)):
            block = self._blocks[at]
            if block.start >= end:
                break
            data = self._spool.read(block)
            if block.start < start or block.start + block.length > end:
                data = data[max(start - block.start, 0) : end - block.start]
            parts.append(data)
        if end > self._open_start:
            parts.append(bytes(self._open[: end - self._open_start]))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def drop(self, before: int) -> None:
        """Forget everything before an offset; whole blocks are freed."""
        self.start = max(self.start, min(before, self.end))
        while self._blocks and self._blocks[0].start + self._blocks[0].length <= self.start:
            self._spool.drop(self._blocks.pop(0))
        while self._resident and self._resident[0].dropped:
            self._resident.pop(0)

    def clear(self) -> None:
        """Forget everything."""
        for block in self._blocks:
            self._spool.drop(block)
        self._blocks.clear()
        self._resident.clear()
        self.start = self.end

    def copy(self, start: int, end: int) -> Log:
        """Return [start, end), all of it still there, as a log that keeps it until it is cleared there too."""
        twin = Log(self._spool)
        twin.start, twin.end = start, end
        twin._open_start = min(self._open_start, end)
        if self._blocks and start < self._open_start:
            twin._blocks = self._blocks[self._find(start) : self._find(twin._open_start - 1) + 1]
        twin._open = self._open[: max(0, end - self._open_start)]
        for block in twin._blocks:
            block.holders += 1
        return twin

    def settle(self) -> None:
        """No more is coming: keep little of this log in memory."""
        if self.size <= BLOCK // 2:
            return
        self._keep_blocks = 0
        if self._open:
            self._add_block(bytes(self._open))
            self._open.clear()
        self._spill()

    def _add_block(self, data: bytes) -> None:
        block = Block(self._open_start, data)
        self._open_start += len(data)
        self._blocks.append(block)
        self._resident.append(block)
        self._spill()

    def _spill(self) -> None:
        if not self._spool.usable:
            return
        while len(self._resident) > self._keep_blocks:
            block = self._resident.pop(0)
            if not block.dropped:
                self._spool.store(block)

    def _find(self, offset: int) -> int:
        # Every block but the last of a settled log has BLOCK bytes, so the place follows from the offset.
        return (offset - self._blocks[0].start) // BLOCK
