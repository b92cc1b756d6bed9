"""Variables for one cell of a live shell, as shell text: lent before it, given back after it. Sans-IO.

What a variable was, exported or not, array or unset, is kept by the shell itself. Nothing is printed, and nothing is
left in the history.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

_KEPT: Final = "__execd_lent"
_WAS: Final = "__execd_was"
_QUIETLY: Final = "{{ {} ; }} >/dev/null 2>&1"
"""Not even a shell that traces its commands says anything."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

RETURN: Final = _QUIETLY.format(
    f'for {_WAS} in "${{{_KEPT}[@]}}"; do \\builtin eval "${_WAS}"; done; \\builtin unset -v {_KEPT} {_WAS}'
)
"""Gives back what `lend` has lent."""


def is_name(text: str) -> bool:
    """Return whether a shell can have a variable of this name."""
    return _NAME.fullmatch(text) is not None


def lend(values: Mapping[str, str]) -> str:
    """Return what exports variables, and keeps what they were; names are names of variables."""
    return _QUIETLY.format("; ".join([f"{_KEPT}=()", *(_one(name, value) for name, value in values.items())]))


def _one(name: str, value: str) -> str:
    # Setting a readonly variable would not just fail: it takes a shell to its top level, or ends it.
    return (
        f"{_WAS}=$(\\builtin declare -p {name} || \\builtin echo :); "
        f"[[ ${_WAS} =~ ^'declare -'[A-Za-z]*r ]] || {{ "
        f'{_KEPT}+=("\\builtin unset -v {name}; ${_WAS}"); '
        f"\\builtin unset -v {name}; \\builtin export {name}={shlex.quote(value)}; }}"
    )
