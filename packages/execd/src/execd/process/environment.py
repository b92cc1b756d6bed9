"""The file of variables for commands (`EXECD_ENVS`), read anew for each.

Deployed clients append to it (`set_env`): a value in single quotes is taken as it stands, over several lines too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from execd.paths import expand, substitute

_ENTRY: Final = re.compile(
    r"""^(?!\s*\#)(?P<name>[^=\n]*)=[^\S\n]*
    (?: '(?P<literal>[^']*)'[^\S\n]*$ | "(?P<escaped>(?:[^"\\]|\\.)*)"[^\S\n]*$ | (?P<plain>(?!['"])[^\n]*)$ )""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r'\\([nrt\\"])')
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}


def parse(text: str, *, environment: Mapping[str, str]) -> dict[str, str]:
    r"""Return the variables of a file of `NAME=value` lines; `$NAME` in a value is the daemon's variable, or nothing.

    Space around a value is dropped. Within double quotes it stays, and `\n \r \t \\ \"` are escapes; what stands in
    single quotes stays as it is, line ends and dollars included. Blank lines, comments, lines that are no assignment,
    and quotes that do not close, or close before the line's end, are passed over.

    >>> parse("# tools\nPATH=/opt/bin:$PATH\nexport GREETING=hello world\nnonsense\n", environment={"PATH": "/bin"})
    {'PATH': '/opt/bin:/bin', 'GREETING': 'hello world'}
    >>> parse('PRICE=\'$5\'\nSAID="\\"hm\\"\\t"\n', environment={})
    {'PRICE': '$5', 'SAID': '"hm"\t'}
    """
    found: dict[str, str] = {}
    for entry in _ENTRY.finditer(text):
        name = entry["name"].strip().removeprefix("export ").lstrip()
        if name and "\0" not in entry[0]:
            found[name] = _value(entry, environment=environment)
    return found


def _value(entry: re.Match[str], *, environment: Mapping[str, str]) -> str:
    if entry["literal"] is not None:
        return entry["literal"]
    if entry["escaped"] is not None:
        text = _ESCAPE.sub(lambda escape: _ESCAPED[escape[1]], entry["escaped"])
    else:
        text = entry["plain"].strip()
    return substitute(text, environment=environment, missing="")


def read_file(path: str | None, *, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables in a file as it is now; none when it cannot be read or is no file."""
    path = expand(path or "", environment=environment)
    if not os.path.isfile(path):  # A FIFO would hold the daemon up.
        return {}
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:  # "" leaves "\r" in a value.
            return parse(file.read(), environment=environment)
    except OSError:
        return {}
