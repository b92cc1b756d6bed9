"""Names and numbers of users and groups, in both directions; a number as text will do for a name."""

from __future__ import annotations

import grp
import pwd
import re
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_NOBODY: Final = 2**32 - 1
"""Means "leave as it is" to the system, so it can own nothing."""


def user_name(uid: int) -> str:
    """Return a user's name, or its number as text."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)


def group_name(gid: int) -> str:
    """Return a group's name, or its number as text."""
    try:
        return grp.getgrgid(gid).gr_name
    except (KeyError, OverflowError):
        return str(gid)


class Names:
    """Names of owners, each looked up once: a directory is full of the same ones."""

    def __init__(self) -> None:
        self._users: dict[int, str] = {}
        self._groups: dict[int, str] = {}

    def user(self, uid: int) -> str:
        """Return a user's name, or its number as text."""
        if uid not in self._users:
            self._users[uid] = user_name(uid)
        return self._users[uid]

    def group(self, gid: int) -> str:
        """Return a group's name, or its number as text."""
        if gid not in self._groups:
            self._groups[gid] = group_name(gid)
        return self._groups[gid]


def uid_of(name: str) -> int:
    """Return the number of a user; raises `LookupError` for nobody's name."""
    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError):
        return _number(name)


def gid_of(name: str) -> int:
    """Return the number of a group; raises `LookupError` for nobody's name."""
    try:
        return grp.getgrnam(name).gr_gid
    except (KeyError, ValueError):
        return _number(name)


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) and int(text) < _NOBODY:
        return int(text)
    raise LookupError(text)
