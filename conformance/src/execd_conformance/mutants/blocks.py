"""The events of a stream as blocks of bytes: cut apart unread, and read only where a mutant asks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

TERMINAL = frozenset({"execution_complete", "error"})
OUTPUT = frozenset({"stdout", "stderr"})


@dataclass(frozen=True, slots=True)
class Block:
    """The bytes of one event with the blank line that ends it (of a stream that was cut: what came of the last one)."""

    raw: bytes

    @property
    def data(self) -> dict[str, Any]:
        """The event's JSON; empty where the block has none."""
        lines = self.raw.split(b"\n")
        text = b"".join(line[5:] for line in lines if line.startswith(b"data:")) or self.raw
        try:
            value = json.loads(text)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def type(self) -> str:
        """The event's type, empty where it has none."""
        return str(self.data.get("type", ""))

    @property
    def number(self) -> int | None:
        """What `id:` says."""
        lines = (line for line in self.raw.split(b"\n") if line.startswith(b"id:"))
        return next((int(line[3:]) for line in lines if line[3:].strip().isdigit()), None)

    @property
    def is_terminal(self) -> bool:
        """Whether the stream is to end with this event."""
        return self.type in TERMINAL

    @property
    def is_output(self) -> bool:
        """Whether this is a piece of what the program wrote."""
        return self.type in OUTPUT

    def changed(self, **fields: object) -> Block:
        """Give some fields other values; None takes a field away."""
        merged = {**self.data, **fields}
        return block({key: value for key, value in merged.items() if value is not None}, number=self.number)

    def numbered(self, number: int | None) -> Block:
        """Give the event another number, or none."""
        return block(self.data, number=number)


def block(data: dict[str, Any], *, number: int | None = None) -> Block:
    """Frame an event as the contract wants it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    head = "" if number is None else f"id: {number}\n"
    return Block(f"{head}data: {text}\n\n".encode())


async def cut_apart(pieces: AsyncIterator[bytes]) -> AsyncIterator[Block]:
    """Cut a body at its blank lines; each block is there as soon as its blank line is."""
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n\n")
        for raw in whole:
            yield Block(raw + b"\n\n")
    if rest:
        yield Block(rest)
