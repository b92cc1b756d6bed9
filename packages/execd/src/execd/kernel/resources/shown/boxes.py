"""Box plots of Matplotlib: which of the lines that were drawn belong to which box, and what they say."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .axes import POINTS, plain, ticks

_OPPOSITE = {5: 2, 11: 5}
"""Points of a box, and of one with a notch → which of them lies opposite of the first."""
_STROKE = 2
"""Points of a whisker, a cap, a median."""
_CAPS = 2
Box = dict[str, Any]
Rectangle = tuple[float, float, float, float]
"""Left, low, right and high."""


def has_line(line: Any) -> bool:
    """Return whether a line is one, on the axes' own scales, and not just its points."""
    return line.get_linestyle() not in ("None", "none", "", " ") and line.get_transform() == line.axes.transData


def boxes(axes: Any) -> tuple[list[Box], set[int]]:
    """Return the boxes of a box plot, and the ids of the lines of which they are made."""
    found: list[Box] = []
    used: set[int] = set()
    for body, (left, low, right, high) in [*_line_bodies(axes), *_patch_bodies(axes)]:
        lines = [line for line in axes.lines if line is not body and id(line) not in used]
        standing = _Parts((low, high), (left, right), lies=False).gather(lines)
        lying = _Parts((left, right), (low, high), lies=True).gather(lines)
        # Strokes of a box that stands can be taken for one that lies, but never as many of them.
        parts = max(standing, lying, key=lambda each: len(each.ids))
        if parts.median is not None:
            axis = axes.yaxis if parts.lies else axes.xaxis
            found.append({"label": str(ticks(axis, [parts.middle])[0]), **parts.told()})
            used.update(parts.ids, {id(body)})
    if found:
        # A box of no numbers is drawn too, as lines that are nowhere.
        used.update(id(line) for line in axes.lines if _is_nowhere(line))
    return found, used


def _is_nowhere(line: Any) -> bool:
    return not any(math.isfinite(x) and math.isfinite(y) for x, y in _path(line))


def _line_bodies(axes: Any) -> Iterator[tuple[Any, Rectangle]]:
    for line in axes.lines:
        if len(line.get_xdata()) in _OPPOSITE and (box := _rectangle(_path(line))) is not None:
            yield line, box


def _patch_bodies(axes: Any) -> Iterator[tuple[Any, Rectangle]]:
    for patch in axes.patches:
        if type(patch).__name__ == "PathPatch":
            corners = [(float(x), float(y)) for x, y in patch.get_path().vertices]
            if (box := _rectangle(corners)) is not None:
                yield patch, box


def _path(line: Any) -> list[tuple[float, float]]:
    xs, ys = line.get_xdata(orig=False), line.get_ydata(orig=False)
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=False)] if len(xs) <= 4 * POINTS else []


def _rectangle(points: Sequence[tuple[float, float]]) -> Rectangle | None:
    """Return a box, which may have a notch; of that, it is the box itself that counts."""
    for length, at in _OPPOSITE.items():
        # A patch has its beginning once more at its end.
        if len(points) in (length, length + 1) and points[length - 1] == points[0]:
            (x, y), (other_x, other_y) = points[0], points[at]
            if x != other_x and (x, other_y) in points and (other_x, y) in points:
                return min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y)
    return None


class _Parts:
    """What belongs to one box, which reaches from one end to the other, and is as wide as its sides are apart."""

    def __init__(self, ends: tuple[float, float], sides: tuple[float, float], *, lies: bool) -> None:
        self.lies = lies
        self.middle = (sides[0] + sides[1]) / 2
        self._bars: list[float] = []
        self.ids: set[int] = set()
        self._first, self._third = self._low, self._high = ends
        self._sides = sides
        self._marks: list[list[float]] = []
        self._is_mean = False

    def gather(self, lines: Iterable[Any]) -> _Parts:
        """Take what belongs to it."""
        before = 0
        for line in lines:
            points = [(y, x) if self.lies else (x, y) for x, y in _path(line)]
            if self._takes(line, {x for x, _ in points}, [y for _, y in points], follows=before in self.ids):
                self.ids.add(id(line))
            before = id(line)
        return self

    def _takes(self, line: Any, across: set[float], along: list[float], *, follows: bool) -> bool:
        if not along:
            return self._takes_nothing(line, follows=follows)
        if has_line(line):
            return len(along) == _STROKE and (self._takes_whisker(across, along) or self._takes_bar(across, along))
        if across != {self.middle}:
            return False
        marker = sys.modules["matplotlib"].rcParams["boxplot.meanprops.marker"]
        self._is_mean = self._is_mean or (not self._marks and line.get_marker() == marker)
        self._marks.append(along)
        return True

    def _takes_nothing(self, line: Any, *, follows: bool) -> bool:
        # Without points beyond its whiskers it has an empty line for them, which comes right after its own.
        if has_line(line) or not follows:
            return False
        self._marks += [[]] * len(self._marks[:1])
        return True

    def _takes_whisker(self, across: set[float], along: list[float]) -> bool:
        if across != {self.middle} or not {self._first, self._third} & {*along}:
            return False
        self._low, self._high = min(self._low, *along), max(self._high, *along)
        return True

    def _takes_bar(self, across: set[float], along: list[float]) -> bool:
        """Take a cap at the end of a whisker, or the median."""
        low, high = self._sides
        if along[0] != along[1] or len(across) != _STROKE or not low <= min(across) <= max(across) <= high:
            return False
        self._bars.append(along[0])
        return True

    @property
    def median(self) -> float | None:
        """The bar that comes after two caps, where there are caps; a mean may come as one after it."""
        return self._bars[_CAPS if len(self._bars) > _CAPS else 0] if self._bars else None

    def told(self) -> Box:
        """Return what it says."""
        low, high, marks = self._low, self._high, self._marks
        # A mean is one mark before those beyond the whiskers; alone it is known by its shape, or lies between them.
        alone = len(marks) == 1 and len(marks[0]) == 1 and (low <= marks[0][0] <= high or self._is_mean)
        beyond = [value for mark in marks[1 if len(marks) > 1 or alone else 0 :] for value in mark]
        return {
            "min": plain(low),
            "q1": plain(self._first),
            "median": plain(self.median),
            "q3": plain(self._third),
            "max": plain(high),
            "outliers": [plain(value) for value in beyond[:POINTS]],
            **({"horizontal": True} if self.lies else {}),
        }
