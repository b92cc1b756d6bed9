"""Modes on the wire: numbers whose decimal digits are the octal mode, and what those mean.

Sans-IO. `644` and the strings `"644"`, `"0644"`, `"0o644"` are all `0o644`; all twelve bits are kept; 0 says "leave it
as it is".
"""

from __future__ import annotations

import re
from typing import Final

ALL_BITS: Final = 0o7777
_OCTAL: Final = re.compile(r"(?:0o)?0?[0-7]{1,4}")


def from_wire(value: int | str | None) -> int | None:
    """Return the permission bits, None for "leave as it is"; raises `ValueError` that says what is wrong."""
    if value is None:
        return None
    digits = str(value)
    if not _OCTAL.fullmatch(digits):
        raise ValueError(f"{digits[:20]!r} is no octal mode, such as 644, 4755 or '0o644'")
    return int(digits.removeprefix("0o"), 8) or None


def to_wire(bits: int) -> int:
    """Return permission bits as the number whose decimal digits are their octal form."""
    return int(format(bits & ALL_BITS, "o"))
