"""What a path in a file request stands for: `~` and variables at its start, and the root that relative ones start from.

Sans-IO. A `$` elsewhere is a plain character, as in any file name; `..` is left to the system, which knows the links.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\{([^}]*)\})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where paths start from: the working root (absolute), and variables."""

    root: str
    environment: Mapping[str, str]

    def resolve(self, path: str) -> str:
        """Return the absolute path, without empty and `.` steps.

        >>> places = Places(root="/srv", environment={"HOME": "/home/ada", "DATA": "sets"})
        >>> [places.resolve(path) for path in ("~/a", "$DATA/./b//c", "${HOME}", "cost$HOME", "$NONE", "/a/../b/")]
        ['/home/ada/a', '/srv/sets/b/c', '/home/ada', '/srv/cost$HOME', '/srv/$NONE', '/a/../b']
        """
        expanded = self._expand(path)
        if not expanded.startswith("/"):
            expanded = f"{self.root}/{expanded}"
        return "/" + "/".join(step for step in expanded.split("/") if step not in ("", "."))

    def _expand(self, path: str) -> str:
        if path == "~" or path.startswith("~/"):
            return self.environment.get("HOME", "~") + path[1:]
        if match := _VARIABLE.match(path):
            return self.environment.get(match[1] or match[2], match[0]) + path[match.end() :]
        return path
