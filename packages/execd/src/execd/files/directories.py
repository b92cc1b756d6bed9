"""Directories made: with their parents or without, with the rights that are wished for the last one. Blocking calls."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Final

from execd.errors import NotADirectory, PathExists
from execd.files.changes import Changes
from execd.files.refusals import WRITING, refused, shown
from execd.files.rights import Rights, give
from execd.files.staging import make_parents, remove_parents

DEFAULT_MODE: Final = 0o755


def make_all(wishes: Mapping[str, Rights], *, parents: bool) -> None:
    """Make every directory, or none; raises the refusals of the wire.

    With `parents` one that is there will do, and gets the rights that are named.
    """
    for path in wishes:
        _check(path, parents=parents)
    with Changes() as changes:
        for path, wish in wishes.items():
            with refused(path, also=WRITING):
                _make(path, wish, changes, parents=parents)


def _check(path: str, *, parents: bool) -> None:
    details = {"path": shown(path)}
    with refused(path):
        if os.path.lexists(path) and not (parents and os.path.isdir(path)):
            if parents:
                raise NotADirectory(f"{shown(path)} is there, and is no directory", details=details)
            raise PathExists(f"{shown(path)} exists", details=details)
        above = os.path.dirname(path)
        if not parents and not os.path.isdir(above):
            with refused(above):
                os.lstat(above)
            raise NotADirectory(f"{shown(above)} is no directory", details={"path": shown(above)})


def _make(path: str, wish: Rights, changes: Changes, *, parents: bool) -> None:
    before = os.stat(path) if os.path.isdir(path) else None
    if before is None:
        # Made for nobody else's eyes until it has the rights that are wished.
        made = make_parents(path) if parents else _one(path)
        changes.made(path, lambda: remove_parents(made))
        new = os.stat(path)
        # What it has from the one above stays: the files of a shared directory belong to its group.
        mode = wish.mode or DEFAULT_MODE | new.st_mode & stat.S_ISGID
        give(path, Rights(uid=wish.uid, gid=wish.gid, mode=mode), before=new)
        return
    old = Rights(uid=before.st_uid, gid=before.st_gid, mode=before.st_mode & 0o7777)
    changes.made(path, lambda: give(path, old, before=os.stat(path)))
    give(path, wish, before=before)


def _one(path: str) -> list[str]:
    try:
        os.mkdir(path)
    except FileExistsError:
        raise PathExists(f"{shown(path)} exists", details={"path": shown(path)}) from None
    return [path]
