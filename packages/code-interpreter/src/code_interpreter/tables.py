"""Tables as values: what a frame of data holds, whichever library it is of."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Column", "Table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    name: Any
    """Its name; a list of names where there are several levels of them."""
    type: str
    """boolean, integer, number, complex, string, datetime, date, time, duration, category, or mixed."""
    dtype: str
    """The same in the library's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The first rows of a frame, and how many there are.

    A value is what JSON can hold: None where there is none (NaN, NaT, null), dates and durations as ISO 8601 says them,
    `Infinity` and `-Infinity` as texts.

    Example:
        >>> execution = await interpreter.codes.run("pd.DataFrame({'a': [1, 2]})")  # doctest: +SKIP
        >>> execution.result[0].data.column("a")  # doctest: +SKIP
        [1, 2]
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    total_rows: int
    """Rows of the frame, told or not."""
    total_columns: int
    is_truncated: bool = False
    """Whether there is more than is told: 1,000 rows, 500 columns, about 1 MiB, or 10,000 characters of a text."""
    index: tuple[Any, ...] | None = None
    """Labels of the rows, None where they are just counted."""
    index_names: tuple[Any, ...] = ()

    def __len__(self) -> int:
        """Return how many rows are told."""
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Go through the rows, each a dictionary by the columns' names."""
        names = [str(column.name) for column in self.columns]
        return (dict(zip(names, row, strict=True)) for row in self.rows)

    def column(self, name: Any) -> list[Any]:
        """Return the values of a column; raises `KeyError`."""
        for at, column in enumerate(self.columns):
            if column.name == name:
                return [row[at] for row in self.rows]
        raise KeyError(name)

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the columns by their names."""
        return {str(column.name): [row[at] for row in self.rows] for at, column in enumerate(self.columns)}

    def to_csv(self) -> str:
        """Return the rows that are told as CSV, below the columns' names."""
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow([str(column.name) for column in self.columns])
        writer.writerows(self.rows)
        return written.getvalue()
