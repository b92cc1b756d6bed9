"""Patterns of what is left out of a directory.

One without `/` is for the name of an entry at any depth, one with `/` for the path below the directory, where `**`
crosses any number of directories.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


class Ignored:
    """Some patterns, ready to be asked.

    >>> ignored = Ignored(["*.pyc", "node_modules", "./build", "docs/**/*.html"])
    >>> [ignored(path) for path in ("a/b.pyc", "a/node_modules", "build", "a/build", "docs/x/y/i.html", "docs/i.md")]
    [True, True, True, False, True, False]
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        if isinstance(patterns, str):
            raise TypeError("ignore is several patterns, not one string")
        self.patterns = tuple(patterns)
        if not all(self.patterns):
            raise ValueError("a pattern is empty")
        self._names = [pattern for pattern in self.patterns if "/" not in pattern]
        self._paths = [_steps(pattern) for pattern in self.patterns if "/" in pattern]

    def __call__(self, path: str) -> bool:
        """Whether an entry is left out; its path is below the directory."""
        steps = _steps(path)
        return any(fnmatchcase(steps[-1], name) for name in self._names) or any(
            _fits(pattern, steps) for pattern in self._paths
        )


def _steps(path: str) -> list[str]:
    return [step for step in path.split("/") if step not in ("", ".")]


def _fits(pattern: list[str], steps: list[str]) -> bool:
    # How many of the first steps each part of the pattern may have taken.
    taken = {0}
    for part in pattern:
        if part == "**":
            taken = set(range(min(taken), len(steps) + 1))
        else:
            taken = {at + 1 for at in taken if at < len(steps) and fnmatchcase(steps[at], part)}
        if not taken:
            return False
    return len(steps) in taken
