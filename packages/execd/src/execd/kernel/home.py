"""Where what is prepared for kernels lies: the machine's, which root prepares, and each user's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

SYSTEM: Final = "/usr/local/share/execd/kernels"


def kernels_dirs(named: str | None, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the directories in which to look, in order; one that is named is the only one."""
    if named:
        return (os.path.abspath(named),)
    own = _own(environment)
    return (own, SYSTEM) if own else (SYSTEM,)


def kernels_dir(named: str | None, environment: Mapping[str, str], *, root: bool) -> str:
    """Return the directory in which to prepare."""
    own = _own(environment)
    return os.path.abspath(named) if named else own if own and not root else SYSTEM


def _own(environment: Mapping[str, str]) -> str | None:
    home = environment.get("HOME")
    data = environment.get("XDG_DATA_HOME") or (f"{home}/.local/share" if home else None)
    return f"{data}/execd/kernels" if data else None
