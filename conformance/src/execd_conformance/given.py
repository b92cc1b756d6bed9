"""`Given`: hands pytest a session that the command has opened, instead of the arguments to open one."""

from __future__ import annotations

from dataclasses import dataclass

from execd_conformance.session import Session


@dataclass(frozen=True, eq=False)
class Given:
    """A plugin that only holds a session."""

    session: Session
