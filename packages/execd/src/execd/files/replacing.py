"""Text within files exchanged for other text: literally, everywhere, and all at once. Blocking calls."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from execd.files.content import BLOCK, Content, open_content
from execd.files.refusals import WRITING, refused
from execd.files.staging import Staged, Wish

_KEPT_MODE: Final = 0o644
"""Of a file that is removed while it is written anew; nobody else needs one."""


def exchanged(blocks: Iterator[bytes], old: bytes, new: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield what blocks become, each with how many times `old` was found in it, whatever way they are cut.

    >>> list(exchanged(iter([b"a-", b"-b--", b"-"]), b"--", b"+"))
    [(b'a', 0), (b'+b+', 2), (b'', 0), (b'-', 0)]
    """
    rest = b""
    for block in blocks:
        rest += block
        pieces = rest.split(old)
        # What may be the beginning of the next one stays.
        keep = min(len(pieces[-1]), len(old) - 1)
        rest = pieces[-1][len(pieces[-1]) - keep :] if keep else b""
        pieces[-1] = pieces[-1][: len(pieces[-1]) - keep]
        count = len(pieces) - 1
        for piece in _joined(pieces, new):
            yield piece, count
            count = 0
    if rest:
        yield rest, 0


def _joined(pieces: list[bytes], new: bytes) -> Iterator[bytes]:
    """Yield pieces with `new` between them, little at once: a letter may become a book."""
    step = max(1, BLOCK // max(1, len(new)))
    for start in range(0, len(pieces), step):
        some = pieces[start : start + step]
        yield new.join(some if start + step >= len(pieces) else (*some, b""))


def replace_all(wishes: Mapping[str, tuple[str, str]]) -> dict[str, int]:
    """Exchange text in every file, or in none; returns how many times by path.

    A link is written through. Raises the refusals of the wire.
    """
    staged: list[tuple[str, Staged]] = []
    counts: dict[str, int] = {}
    try:
        for path, (old, new) in wishes.items():
            with refused(path, also=WRITING):
                target = os.path.realpath(path)
                file, counts[path] = _stage(target, old.encode(), new.encode())
            if counts[path]:
                staged.append((path, file))
            else:
                file.abandon()
        for path, file in staged:
            with refused(path, also=WRITING):
                file.publish()
    finally:
        for _, file in staged:
            file.abandon()
    return counts


def _stage(target: str, old: bytes, new: bytes) -> tuple[Staged, int]:
    content = open_content(target)
    try:
        file = Staged(target, wish=Wish(create_mode=_KEPT_MODE))
        try:
            count = 0
            for piece, found in exchanged(_blocks(content), old, new):
                file.write(piece)
                count += found
                file.flush()
            file.seal()
        except BaseException:
            file.abandon()
            raise
    finally:
        content.close()
    return file, count


def _blocks(content: Content) -> Iterator[bytes]:
    offset = 0
    while block := content.read(offset, BLOCK):
        yield block
        offset += len(block)
