"""From one path to another: in one step where that can be, else by a copy that takes its place in one step.

Nothing that is at a destination is ever replaced. Blocking calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Final

from execd.errors import ExecdError, FileNotFound, InvalidFile, NotADirectory, PathExists
from execd.files.changes import Changes
from execd.files.clearing import remove_tree
from execd.files.copying import copy
from execd.files.hidden import new_name
from execd.files.refusals import WRITING, refused, shown
from execd.files.staging import make_parents, remove_parents

_AT_FDCWD: Final = -100
_NO_REPLACE: Final = 1
_UNKNOWN: Final = frozenset({errno.ENOSYS, errno.EINVAL, errno.EPERM})
"""What a file system, a kernel or a filter says that does not know the flag; `EINVAL` has other reasons too."""
_MEANING: Final[dict[int, type[ExecdError]]] = {
    errno.EEXIST: PathExists,
    errno.ENOTEMPTY: PathExists,
    errno.ENOTDIR: NotADirectory,
    errno.EINVAL: InvalidFile,
}


def move_all(moves: Iterable[tuple[str, str]]) -> None:
    """Move everything, or nothing; raises the refusals of the wire. Parents of destinations are made."""
    moves = list(moves)
    for source, target in moves:
        _check(source, target)
    with Changes() as changes:
        for source, target in moves:
            _move(source, target, changes)


def _check(source: str, target: str) -> None:
    with refused(source):
        os.lstat(source)
    if os.path.lexists(target):
        raise _exists(target)
    if f"{target}/".startswith(f"{source}/"):
        raise InvalidFile(f"{shown(source)} cannot be moved into itself", details={"path": shown(source)})


def _exists(target: str) -> PathExists:
    return PathExists(f"{shown(target)} exists", details={"path": shown(target)})


def _move(source: str, target: str, changes: Changes) -> None:
    with refused(target, also=WRITING):
        parents = make_parents(os.path.dirname(target) or "/")
    changes.made(target, lambda: remove_parents(parents))
    try:
        _rename(source, target)
    except FileNotFoundError:
        raise FileNotFound(f"{shown(source)} is not there any more", details={"path": shown(source)}) from None
    except OSError as error:
        if error.errno != errno.EXDEV:
            may_leave = os.access(os.path.dirname(source) or "/", os.W_OK)
            with refused(target if may_leave else source, also=_MEANING):
                raise
        _carry(source, target, changes)
    else:
        changes.made(source, lambda: _rename(target, source))


def _carry(source: str, target: str, changes: Changes) -> None:
    """Copy to another file system, then remove."""
    staged = f"{os.path.dirname(target)}/{new_name()}"
    try:
        with refused(target, also=_MEANING):
            copy(source, staged)
            _rename(staged, target)
    except BaseException:
        with suppress(OSError):
            remove(staged)
        raise
    try:
        with refused(source):
            remove(source)
    except BaseException:
        # Of a file both are there again; of a tree a part may be gone, and the copy is all there is.
        changes.made(target, None if os.path.isdir(target) else lambda: remove(target))
        raise
    # From here on the copy is the only one.
    changes.made(target, None)
    changes.made(source, None)


def remove(path: str) -> None:
    """Remove a file, a link or a tree; a missing one is fine. Raises `OSError`."""
    if os.path.isdir(path) and not os.path.islink(path):
        remove_tree(path)
    else:
        with suppress(FileNotFoundError):
            os.unlink(path)


def _rename(source: str, target: str) -> None:
    """Rename in one step, and never onto something; raises `OSError`."""
    function = _renameat2()
    if function is not None:
        if function(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _NO_REPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in _UNKNOWN:
            raise OSError(number, os.strerror(number), target)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    os.rename(source, target)


@cache
def _renameat2() -> ctypes._NamedFuncPointer | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    function.restype = ctypes.c_int
    return function
