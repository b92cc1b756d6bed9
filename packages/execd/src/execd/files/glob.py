"""Patterns of a search: which relative paths they match, and how deep it is worth looking.

Sans-IO. A pattern without `/` is for the name of an entry at any depth, one with `/` for the path below the root;
`./` at its start anchors it. `*` and `?` stay within one step and match leading dots too, `**` crosses any number of
directories, `[…]` is one of some characters, `[!…]` none of them, `{a,b}` either, and a backslash takes the next
character as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MAX_ALTERNATIVES: Final = 1000
"""Ways to read the braces of one pattern: two in each of ten places are about as many."""
_ANYTHING: Final = "[^/]"
_DIRECTORIES: Final = "(?:[^/]+/)*"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, ready to be asked.

    >>> [compile_pattern("*.py").matches(path) for path in ("a.py", "src/a.py", "src/.hidden.py", "a.pyc")]
    [True, True, True, False]
    >>> [compile_pattern("src/**/*.{py,pyi}").matches(path) for path in ("src/a.py", "src/x/y/a.pyi", "b/src/a.py")]
    [True, True, False]
    """

    by_name: bool
    """Whether the last step alone decides."""
    max_depth: int | None
    """How many steps a path that matches has at most; None: any number."""
    _expression: re.Pattern[str]

    def matches(self, path: str) -> bool:
        """Whether a path below the root matches; it has no `/` at either end."""
        return self._expression.fullmatch(path.rpartition("/")[2] if self.by_name else path) is not None

    def matches_name(self, name: str) -> bool:
        """Whether an entry of this name matches; for patterns that go by the name."""
        return self._expression.fullmatch(name) is not None


def compile_pattern(text: str) -> Pattern:
    """Return a pattern; raises `ValueError` that says what is wrong with it."""
    if not text or "\0" in text:
        raise ValueError("a pattern is some text without NUL")
    patterns = [_steps(alternative) for alternative in _unbraced(text)]
    by_name = all(len(steps) == 1 and not anchored for steps, anchored in patterns)
    if not by_name:
        # Alternatives of both kinds: a name alone is a path through any directories.
        patterns = [(steps if anchored or len(steps) > 1 else ["**", *steps], True) for steps, anchored in patterns]
        only = {tuple(steps) for steps, _ in patterns}
        if all(len(steps) == 2 and steps[0] == "**" != steps[1] for steps in only):
            by_name, patterns = True, [([steps[1]], False) for steps in only]
    depths = [None if "**" in steps else len(steps) for steps, _ in patterns]
    return Pattern(
        by_name=by_name,
        max_depth=None if by_name or None in depths else max(depth or 0 for depth in depths),
        _expression=re.compile("|".join(_path_expression(steps) for steps, _ in patterns), re.DOTALL),
    )


def _steps(alternative: str) -> tuple[list[str], bool]:
    """Return the steps of a pattern without braces, and whether it is anchored to the root."""
    anchored = alternative.startswith(("./", "/"))
    steps = [step for step in alternative.split("/") if step not in ("", ".")]
    # Any number of directories, twice in a row, is any number of directories.
    return [step for step, before in zip(steps, [None, *steps], strict=False) if not step == before == "**"], anchored


# ── braces ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _unbraced(text: str) -> list[str]:
    found: list[str] = []
    waiting = [text]
    while waiting:
        pattern = waiting.pop()
        group = _first_group(pattern)
        if group is None:
            found.append(pattern)
        else:
            start, stop, alternatives = group
            waiting += (pattern[:start] + alternative + pattern[stop:] for alternative in reversed(alternatives))
        if len(found) + len(waiting) > MAX_ALTERNATIVES:
            raise ValueError(f"its braces can be read in more than {MAX_ALTERNATIVES} ways")
    return found


def _first_group(pattern: str) -> tuple[int, int, list[str]] | None:
    """Return where the first `{a,b}` is, and its alternatives; braces without a comma or an end are characters."""
    for start in (at for at, character in _plain(pattern) if character == "{"):
        depth, cuts = 0, [start]
        for at, character in _plain(pattern, start):
            depth += (character == "{") - (character == "}")
            if (character == "," and depth == 1) or depth == 0:
                cuts.append(at)
            if depth == 0:
                if len(cuts) == 2:
                    break
                pieces = pairwise(cuts)
                return start, at + 1, [pattern[left + 1 : right] for left, right in pieces]
    return None


def _plain(pattern: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the characters that may have a meaning, with their places: neither escaped nor within brackets."""
    at = start
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            at += 2
            continue
        yield at, character
        at = _set_end(pattern, at) if character == "[" else at + 1


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────
# The shortest way to the next fixed part is as good as any longer one, so it is never taken back (`(?>…)`): the time
# stays bound by the lengths of pattern and path, whatever they hold.


def _path_expression(steps: list[str]) -> str:
    blocks: list[list[str]] = [[]]
    for step in steps:
        if step == "**":
            blocks.append([])
        else:
            blocks[-1].append(_step_expression(step))
    first, *others = ("/".join(block) for block in blocks)
    if not others:
        return first
    *middle, last = others
    return "".join(
        (
            f"{first}/" if first else "",
            *(f"(?>(?:[^/]+/)*?{block}/)" for block in middle),
            _DIRECTORIES,
            last or "[^/]+",
        )
    )


def _step_expression(step: str) -> str:
    fixed: list[str] = [""]
    at = 0
    while at < len(step):
        character = step[at]
        stop = at + 1
        if character == "*":
            fixed.append("")
        elif character == "?":
            fixed[-1] += _ANYTHING
        elif character == "[" and (stop := _set_end(step, at)) > at + 1:
            fixed[-1] += _set_expression(step[at + 1 : stop - 1])
        elif character == "\\" and stop < len(step):
            fixed[-1] += re.escape(step[stop])
            stop += 1
        else:
            fixed[-1] += re.escape(character)
        at = stop
    first, *others = fixed
    if not others:
        return first
    *middle, last = others
    return "".join((first, *(f"(?>{_ANYTHING}*?{part})" for part in middle if part), f"{_ANYTHING}*{last}"))


def _set_end(pattern: str, start: int) -> int:
    """Return where a `[…]` that begins at `start` is over; right behind the bracket when it is none."""
    at = start + 1
    if pattern[at : at + 1] in ("!", "^"):
        at += 1
    end = pattern.find("]", at + 1)  # one that comes first is a member
    return end + 1 if end > 0 and "/" not in pattern[start:end] else start + 1


def _set_expression(inside: str) -> str:
    negated = inside[0] in "!^"
    ranges = re.findall(r"(.)-(.)|(.)", inside[negated:], re.DOTALL)
    members = [
        f"{re.escape(first)}-{re.escape(last)}" if first else re.escape(single)
        for first, last, single in ranges
        if first <= last
    ]
    if not members:
        return _ANYTHING if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{''.join(members)}]"
