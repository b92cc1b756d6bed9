"""Who a program runs as: names and numbers from a request, turned into ids, and whether we may become that user."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass, field, replace
from typing import Final

from execd.errors import InvalidRequestBody, PermissionDenied

_CAP_SETGID: Final = 1 << 6
_CAP_SETUID: Final = 1 << 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Ids of a program, its supplementary groups included, and the variables that go with a named user."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    foreign: bool = True
    """Whether these are other ids than the daemon's own."""


def identity(*, uid: int | None = None, gid: int | None = None, user: str | None = None) -> Identity | None:
    """Return whom a request asks to run as, None for the daemon's own user.

    A `uid` without a `gid` takes that user's primary group. Raises `InvalidRequestBody` for what does not exist or does
    not go together, `PermissionDenied` when the daemon may not become that user.
    """
    if user is not None:
        if uid is not None or gid is not None:
            raise _refused("user", "cannot be combined with uid and gid")
        wanted = _by_name(user)
    elif uid is not None:
        wanted = Identity(uid=uid, gid=_primary_group(uid) if gid is None else gid)
    elif gid is not None:
        raise _refused("gid", "needs a uid beside it")
    else:
        return None
    return _become(wanted)


def _by_name(name: str) -> Identity:
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):
        raise _refused("user", f"there is no user {name[:64]!r}") from None
    return Identity(
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        groups=tuple(os.getgrouplist(name, entry.pw_gid)),
        variables={"HOME": entry.pw_dir, "USER": name, "LOGNAME": name},
    )


def _primary_group(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except (KeyError, OverflowError):
        raise _refused("uid", f"there is no user {uid}; name a gid beside it to use the numbers as they are") from None


def _become(wanted: Identity) -> Identity:
    ours = (wanted.uid, wanted.gid) == (os.geteuid(), os.getegid())
    if ours and {*wanted.groups, wanted.gid} == {*os.getgroups(), wanted.gid}:
        return replace(wanted, foreign=False)
    if _may_change_user():
        return wanted
    if ours:  # Without the privilege the groups stay as they are.
        return replace(wanted, foreign=False)
    raise PermissionDenied(f"the daemon may not run programs as uid {wanted.uid}, gid {wanted.gid}")


def _may_change_user() -> bool:
    # Root in a container without these capabilities may not; another user with them may.
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        return _holds_both(status.read())


def _holds_both(status: str) -> bool:
    effective = int(status.partition("CapEff:")[2].split(maxsplit=1)[0], 16)
    return effective & _CAP_SETUID != 0 and effective & _CAP_SETGID != 0


def _refused(field_name: str, why: str) -> InvalidRequestBody:
    return InvalidRequestBody(f"{field_name}: {why}", details={"field": field_name})
