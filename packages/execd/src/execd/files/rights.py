"""Whose an entry is and what may be done with it: told in words, looked up, set, and set back. Blocking calls.

A link stands for what it leads to. Only what is named changes: giving a file away takes no bit of its mode.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from execd._wire import Permission
from execd.errors import ExecdError, InvalidRequestBody
from execd.files.changes import Changes
from execd.files.modes import from_wire
from execd.files.owners import gid_of, uid_of
from execd.files.refusals import refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Numbers and bits; None leaves what is there."""

    uid: int | None = None
    gid: int | None = None
    mode: int | None = None


def rights(wish: Permission, *, field: str, refuse: type[ExecdError] = InvalidRequestBody) -> Rights:
    """Return what is wished as numbers; `refuse` is raised for an unknown owner and for what is no mode."""
    try:
        return Rights(
            uid=_number(wish.owner, uid_of, "owner"),
            gid=_number(wish.group, gid_of, "group"),
            mode=from_wire(wish.mode),
        )
    except ValueError as error:
        raise refuse(f"{field}: {error}", details={"field": field}) from None


def _number(name: str | None, number_of: Callable[[str], int], what: str) -> int | None:
    if not name:
        return None
    try:
        return number_of(name)
    except LookupError:
        raise ValueError(f"{what}: there is no {name[:64]!r}") from None


def set_all(wishes: Mapping[str, Rights]) -> None:
    """Set the rights at every path, or at none; raises the refusals of the wire."""
    for path in wishes:
        with refused(path):
            os.stat(path)
    with Changes() as changes:
        for path, wish in wishes.items():
            with refused(path):
                before = os.stat(path)
                # Before the change: of an owner and a mode the first may have been set when the second is refused.
                changes.made(path, _way_back(path, before))
                give(path, wish, before=before)


def _way_back(path: str, before: os.stat_result) -> Callable[[], object]:
    old = Rights(uid=before.st_uid, gid=before.st_gid, mode=stat.S_IMODE(before.st_mode))
    return lambda: give(path, old, before=os.stat(path))


def give(path: str, wish: Rights, *, before: os.stat_result) -> None:
    """Set what is wished of what is there; raises `OSError`."""
    uid = None if wish.uid == before.st_uid else wish.uid
    gid = None if wish.gid == before.st_gid else wish.gid
    if uid is not None or gid is not None:
        os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)
    # The system takes the set-id bits when the owner changes.
    mode = stat.S_IMODE(before.st_mode) if wish.mode is None else wish.mode
    if stat.S_IMODE(os.stat(path).st_mode) != mode:
        os.chmod(path, mode)
