"""What a path in a request stands for: `~`, variables, and the root that relative ones start from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\{([^}]*)\})", re.ASCII)


def expand(path: str, *, environment: Mapping[str, str]) -> str:
    """Return `path` with a leading `~` and every `$NAME` and `${NAME}` replaced; unknown names stay as they are.

    >>> expand("~/logs/$DAY/${HOST}/$NONE", environment={"HOME": "/home/ada", "DAY": "mon", "HOST": "a"})
    '/home/ada/logs/mon/a/$NONE'
    """
    if path == "~" or path.startswith("~/"):
        return environment.get("HOME", "~") + substitute(path[1:], environment=environment)
    return substitute(path, environment=environment)


def substitute(text: str, *, environment: Mapping[str, str], missing: str | None = None) -> str:
    """Return `text` with its variables replaced, unknown ones by `missing`, by themselves when that is None."""
    return _VARIABLE.sub(
        lambda found: environment.get(found[1] or found[2], found[0] if missing is None else missing), text
    )


def absolute(path: str, *, root: str, environment: Mapping[str, str]) -> str:
    """Return the expanded path, under `root` where it is relative."""
    return os.path.join(root, expand(path, environment=environment))
