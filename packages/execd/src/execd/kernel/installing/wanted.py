"""What `execd kernels install` is asked for: languages, or names of their interpreters, each maybe with a version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from execd.kernel.spec import ALIASES
from execd.settings import UsageError
from execd.versions.number import parse
from execd.versions.places import Tool

TOOLS: Final[dict[str, Tool]] = {
    "python": "python",
    "javascript": "node",
    "typescript": "node",
    "java": "java",
    "go": "go",
}
"""The interpreter of a language; Bash is what it is."""


class Wanted(NamedTuple):
    """A language, and the version of its interpreter that is asked for."""

    language: str
    version: str | None


def wanted(words: Sequence[str]) -> list[Wanted]:
    """Return what is asked for, everything if nothing is; raises `UsageError`."""
    if not words:
        return [Wanted(language, None) for language in dict.fromkeys(ALIASES.values())]
    return list(dict.fromkeys(map(_one, words)))


def _one(word: str) -> Wanted:
    name, at, version = word.partition("@")
    language = ALIASES.get(name.lower())
    if language is None:
        raise UsageError(f"{name[:32]!r} is no language: there are {', '.join(dict.fromkeys(ALIASES.values()))}")
    if at and (parse(version) is None or language not in TOOLS):
        raise UsageError(
            f"{word[:64]!r}: {'no version of bash can be chosen' if language not in TOOLS else 'no version'}"
        )
    return Wanted(language, version or None)
