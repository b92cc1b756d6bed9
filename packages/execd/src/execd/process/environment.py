"""The file of variables for commands (`EXECD_ENVS`), read anew for each."""

from __future__ import annotations

import os
from collections.abc import Mapping

from execd.paths import expand, substitute


def parse(text: str, *, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a file of `NAME=value` lines; `$NAME` in a value is the daemon's variable, or nothing.

    Blank lines, comments and lines that are no assignment are passed over; quotes are part of the value.

    >>> parse("# tools\\nPATH=/opt/bin:$PATH\\nexport GREETING=hello world\\nnonsense\\n", environment={"PATH": "/bin"})
    {'PATH': '/opt/bin:/bin', 'GREETING': 'hello world'}
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, assigned, value = line.strip().removeprefix("export ").partition("=")
        name = name.strip()
        if assigned and name and not name.startswith("#") and "\0" not in line:
            found[name] = substitute(value, environment=environment, missing="")
    return found


def read_file(path: str | None, *, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables in a file as it is now; none when it cannot be read or is no file."""
    path = expand(path or "", environment=environment)
    if not os.path.isfile(path):  # A FIFO would hold the daemon up.
        return {}
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return parse(file.read(), environment=environment)
    except OSError:
        return {}
