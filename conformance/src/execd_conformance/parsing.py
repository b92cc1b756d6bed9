"""What the daemon writes, read as strictly as the strictest of its clients would."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, NoReturn


def json_value(text: str | bytes) -> Any:
    """Return the value of a JSON text; `ValueError` or `RecursionError` where it is none, as with Python's `NaN`."""
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def is_time(value: object) -> bool:
    """Whether a value is RFC 3339 in UTC with milliseconds and `Z`."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value, re.ASCII):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
