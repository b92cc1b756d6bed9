"""Frames and series of pandas and polars as data: columns with their types, the first rows, and how many there are."""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Iterator
from typing import Any

ROWS = 1000
"""Rows that are told."""
COLUMNS = 500
"""Columns that are told."""
BYTES = 1024 * 1024
"""About the size beyond which no further row is told."""
TEXT = 10_000
"""Characters of a value that are told."""
DEPTH = 4

_KINDS = {
    "b": "boolean",
    "i": "integer",
    "u": "integer",
    "f": "number",
    "c": "complex",
    "M": "datetime",
    "m": "duration",
}
_POLARS = (
    ("Boolean", "boolean"),
    ("Int", "integer"),
    ("UInt", "integer"),
    ("Float", "number"),
    ("Decimal", "number"),
    ("String", "string"),
    ("Utf8", "string"),
    ("Categorical", "category"),
    ("Enum", "category"),
    ("Datetime", "datetime"),
    ("Date", "date"),
    ("Time", "time"),
    ("Duration", "duration"),
)


def tell(obj: Any) -> dict[str, Any]:
    """Return a frame, or a series as a frame of one column, as data."""
    if type(obj).__module__.partition(".")[0] == "polars":
        return _polars(obj if hasattr(obj, "columns") else obj.to_frame())
    return _pandas(obj if hasattr(obj, "columns") else obj.to_frame(obj.name if obj.name is not None else "value"))


def _pandas(frame: Any) -> dict[str, Any]:
    head = frame.iloc[:ROWS, :COLUMNS]
    columns = [
        {"name": _label(name), "type": _pandas_type(dtype), "dtype": str(dtype)}
        for name, dtype in zip(head.columns, head.dtypes, strict=True)
    ]
    rows, whole = _rows(_records(head))
    told: dict[str, Any] = {"columns": columns, "rows": rows}
    if not _is_default(frame.index):
        told["index"] = {
            "names": [None if name is None else _label(name) for name in frame.index.names],
            "labels": [_label(label) for label in frame.index[: len(rows)]],
        }
    return _counted(told, whole=whole, rows=len(frame), columns=len(frame.columns))


def _records(head: Any) -> Iterator[tuple[Any, ...]]:
    # Column by column: a row of its own would make one type of all.
    if not len(head.columns):
        return iter([()] * len(head))
    return zip(*(head.iloc[:, at].tolist() for at in range(len(head.columns))), strict=True)


def _is_default(index: Any) -> bool:
    return type(index).__name__ == "RangeIndex" and index.name is None and index.start == 0 and index.step == 1


def _pandas_type(dtype: Any) -> str:
    name = str(dtype)
    if name == "category":
        return "category"
    if name in ("object", "mixed"):
        return "mixed"
    if name.startswith(("string", "str")):
        return "string"
    kind = getattr(dtype, "kind", "O")
    return _KINDS.get(kind, "mixed")


def _polars(frame: Any) -> dict[str, Any]:
    head = frame[:, :COLUMNS].head(ROWS)
    columns = [
        {"name": name, "type": _polars_type(str(dtype)), "dtype": str(dtype)}
        for name, dtype in zip(head.columns, head.dtypes, strict=True)
    ]
    rows, whole = _rows(head.iter_rows())
    return _counted({"columns": columns, "rows": rows}, whole=whole, rows=frame.height, columns=frame.width)


def _polars_type(name: str) -> str:
    return next((kind for begin, kind in _POLARS if name.startswith(begin)), "mixed")


def _counted(told: dict[str, Any], *, whole: bool, rows: int, columns: int) -> dict[str, Any]:
    cut = not whole or len(told["rows"]) < rows or len(told["columns"]) < columns
    return {**told, "total_rows": rows, "total_columns": columns, "truncated": cut}


def _rows(records: Any) -> tuple[list[list[Any]], bool]:
    """Return rows as JSON values, up to the size, and whether each value is told whole."""
    rows: list[list[Any]] = []
    size = 0
    values = Values()
    for record in records:
        row = [values.plain(value) for value in record]
        size += sum(len(value) if isinstance(value, str) else 8 for value in row) + values.taken()
        if rows and size > BYTES:
            break
        rows.append(row)
    return rows, not values.cut


def _label(name: Any) -> Any:
    if isinstance(name, tuple):
        return [_label(part) for part in name]
    return name if isinstance(name, (str, int)) and not isinstance(name, bool) else Values().plain(name)


class Values:
    """Makes JSON values of values; `cut` is whether one had to be shortened."""

    def __init__(self) -> None:
        self.cut = False
        self._taken = 0

    def taken(self) -> int:
        """Return the size of what lay deeper than in the row itself, since the last time."""
        taken, self._taken = self._taken, 0
        return taken

    def plain(self, value: Any, depth: int = 0) -> Any:
        """Return a value as JSON can hold it: what is missing as null, what is no number as text."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._short(value)
        if isinstance(value, (int, float)):
            return _number(value)
        if _is_missing(value):
            return None
        if isinstance(value, (dict, list, tuple, set, frozenset)) and depth < DEPTH:
            return self._nested(value, depth)
        return self._other(value, depth)

    def _nested(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            told = {self._short(str(key)): self.plain(each, depth + 1) for key, each in self._few(value.items())}
            self._taken += sum(len(key) + 8 for key in told)
            return told
        found = [self.plain(each, depth + 1) for each in self._few(value)]
        self._taken += sum(len(each) if isinstance(each, str) else 8 for each in found)
        return found

    def _few(self, items: Any) -> list[Any]:
        few = list(items)
        self.cut = self.cut or len(few) > ROWS
        return few[:ROWS]

    def _other(self, value: Any, depth: int) -> Any:
        if isinstance(value, dt.timedelta):
            return duration(value)
        if hasattr(value, "isoformat"):
            return value.isoformat()
        if hasattr(value, "tolist") and depth < DEPTH:
            return self.plain(value.tolist(), depth + 1)
        try:
            return self._short(str(value))
        except Exception:  # noqa: BLE001 - the user's own
            return f"<{type(value).__name__}>"

    def _short(self, text: str) -> str:
        if len(text) > TEXT:
            self.cut = True
            return f"{text[:TEXT]}…"
        return text


def _number(value: Any) -> Any:
    if isinstance(value, int):
        return int(value)
    if math.isfinite(value):
        return float(value)
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _is_missing(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and any(value is getattr(pandas, name, None) for name in ("NA", "NaT"))


def duration(value: Any) -> str:
    """Return a duration as ISO 8601 says it, in seconds."""
    seconds = f"{value.total_seconds():.9f}".rstrip("0").rstrip(".")
    return f"-PT{seconds[1:]}S" if seconds.startswith("-") else f"PT{seconds}S"
