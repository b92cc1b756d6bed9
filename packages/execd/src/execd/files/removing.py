"""Entries taken away: files and links by themselves, directories with all that is in them. Blocking calls.

What is missing is fine. Everything is looked at before anything is removed, for there is no way back.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from typing import Final

from execd.errors import DirectoryNotEmpty, ExecdError, IsADirectory, NotADirectory, PermissionDenied
from execd.files.changes import Changes
from execd.files.clearing import remove_tree
from execd.files.refusals import refusal, refused, shown

_NOT_EMPTY: Final[dict[int, type[ExecdError]]] = {
    errno.ENOTEMPTY: DirectoryNotEmpty,
    errno.EEXIST: DirectoryNotEmpty,
    errno.ENOTDIR: NotADirectory,
}


def remove_files(paths: Iterable[str]) -> None:
    """Remove files and links; raises `IsADirectory` before anything is removed, and the refusals of the wire."""
    there = [path for path in paths if _looked_at(path, directory=False)]
    with Changes() as changes:
        for path in there:
            with refused(path):
                try:
                    os.unlink(path)
                except FileNotFoundError:
                    continue
                except IsADirectoryError:
                    raise IsADirectory(f"{shown(path)} is a directory", details={"path": shown(path)}) from None
            changes.made(path, None)


def remove_directories(paths: Iterable[str], *, recursive: bool) -> None:
    """Remove directories, without `recursive` only empty ones; raises `NotADirectory` before anything is removed."""
    there = [path for path in paths if _looked_at(path, directory=True)]
    if not recursive:
        for path in there:
            _be_empty(path)
    with Changes() as changes:
        for path in there:
            if recursive:
                _remove_tree(path)
            else:
                with refused(path, also=_NOT_EMPTY):
                    os.rmdir(path)
            changes.made(path, None)


def _looked_at(path: str, *, directory: bool) -> bool:
    """Return whether there is something, of the kind that it has to be."""
    details = {"path": shown(path)}
    with refused(path):
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
    if stat.S_ISDIR(mode) is not directory:
        if directory:
            raise NotADirectory(f"{shown(path)} is no directory", details=details)
        raise IsADirectory(f"{shown(path)} is a directory", details=details)
    if directory and os.path.realpath(path) == "/":
        raise PermissionDenied("the root of the file system is not removed", details=details)
    return True


def _be_empty(path: str) -> None:
    with refused(path), os.scandir(path) as entries:
        if next(entries, None) is not None:
            raise DirectoryNotEmpty(f"{shown(path)} is not empty", details={"path": shown(path)})


def _remove_tree(path: str) -> None:
    try:
        remove_tree(path)
    except OSError as error:
        raise refusal(error, error.filename or path, also=_NOT_EMPTY) from error
