"""Names under which content waits beside its place, and how they are known again: nobody else is to hear of them.

A name tells whether a file is there that the content is to replace: whoever watches the directory sees only a rename.
"""

from __future__ import annotations

import re
import secrets
from itertools import count
from typing import Final

_START: Final = f".execd-{secrets.token_hex(8)}-"
_numbers: Final = count()
_REPLACES: Final = "r"
_OURS: Final = re.compile(r"\.execd-[0-9a-f]{16}-[0-9]+(r?)")


def new_name(*, replaces: bool = False) -> str:
    """Return a name that no entry has.

    >>> is_hidden(new_name()), is_replacing(new_name()), is_replacing(new_name(replaces=True)), is_hidden(".execd-x")
    (True, False, True, False)
    """
    return f"{_START}{next(_numbers)}{_REPLACES if replaces else ''}"


def is_hidden(name: str) -> bool:
    """Whether a name is one of those, of this daemon or of another."""
    return _OURS.fullmatch(name) is not None


def is_replacing(name: str) -> bool:
    """Whether what has that name is to replace a file."""
    match = _OURS.fullmatch(name)
    return match is not None and match[1] == _REPLACES
