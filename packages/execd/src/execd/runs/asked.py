"""What a run was asked to do: to be shown, and to tell a repeated start from another one.

A command may have megabytes, and thousands of them are kept: a long text lies where output does, and counts as it does.
"""

from __future__ import annotations

import hashlib

import msgspec

from execd.runs.blocks import Log
from execd.runs.spool import BLOCK, Spool


class Asked:
    """The text of a run, and a digest of the request it came with."""

    __slots__ = ("_digest", "_text")

    def __init__(self, content: str, body: object, spool: Spool) -> None:
        self._digest = _digest(body)
        self._text: str | Log = content
        if len(content) > BLOCK // 4:
            self._text = Log(spool)
            self._text.append(content.encode("utf-8", "surrogatepass"))
            self._text.settle()

    @property
    def content(self) -> str:
        """The whole text; empty once it has been given back."""
        text = self._text
        return text if isinstance(text, str) else text.read(text.start, text.end).decode("utf-8", "surrogatepass")

    @property
    def size(self) -> int:
        """Bytes that count toward retention; those of an ordinary text do not."""
        return 0 if isinstance(self._text, str) else self._text.size

    def is_same(self, body: object) -> bool:
        """Whether a request is the one that this came with."""
        return self._digest == _digest(body)

    def clear(self) -> None:
        """Give the text back."""
        if not isinstance(self._text, str):
            self._text.clear()


def _digest(body: object) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(body, order="deterministic"), digest_size=32).digest()
