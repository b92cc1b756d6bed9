"""Versions as numbers, however an interpreter, an image or a person writes them."""

from __future__ import annotations

import re
from typing import Final

Number = tuple[int, ...]

_NAMED: Final = r"(?:v|go|node-?v?|c?python-?|(?:openjdk|jdk|jre|java|temurin|corretto|zulu)-?)?"
_WRITTEN: Final = re.compile(rf"{_NAMED}(\d+(?:[._]\d+)*)", re.IGNORECASE)
_OLD_JAVA: Final = re.compile(r"(?:jdk)?8u(\d+)", re.IGNORECASE)
_REST: Final = re.compile(r"(?:[-+.]|[a-z]+\d).*|\+?", re.IGNORECASE)
"""What may follow: a build (`+9`), a release that is not final (`rc1`, `-ea`), a distribution's mark."""


def parse(text: str) -> Number | None:
    """Return the numbers of a version, None where it has none.

    >>> parse("v20.11.1"), parse("go1.22rc1"), parse("jdk-17.0.9+9"), parse("1.8.0_392"), parse("jdk8u392-b08")
    ((20, 11, 1), (1, 22), (17, 0, 9), (8, 0, 392), (8, 0, 392))
    """
    text = text.strip()
    if old := _OLD_JAVA.match(text):
        return 8, 0, int(old[1])
    found = _WRITTEN.match(text)
    if found is None or not _REST.fullmatch(text, found.end()):
        return None
    numbers = tuple(int(part) for part in re.split(r"[._]", found[1]))
    # Java was 1.8 before it was 9.
    return numbers[1:] if numbers[:2] == (1, 8) else numbers


def matches(wish: Number, version: Number) -> bool:
    """Whether a version is one of those that a wish leaves open: 17 is met by 17.0.9, and 1.21.0 by 1.21."""
    return (version + (0,) * len(wish))[: len(wish)] == wish


def shown(number: Number) -> str:
    """Return a version as it is written."""
    return ".".join(map(str, number))
