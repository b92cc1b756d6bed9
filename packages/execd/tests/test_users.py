from __future__ import annotations

import os
import pwd

import pytest

from execd import users
from execd.errors import InvalidRequestBody, PermissionDenied
from execd.users import Identity, identity

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
NOBODY = pwd.getpwnam("nobody")


def test_without_a_wish_it_is_the_daemon_s_user() -> None:
    assert identity() is None


@root
def test_a_name_brings_its_groups_and_variables() -> None:
    assert identity(user="nobody") == Identity(
        uid=NOBODY.pw_uid,
        gid=NOBODY.pw_gid,
        groups=tuple(os.getgrouplist("nobody", NOBODY.pw_gid)),
        variables={"HOME": NOBODY.pw_dir, "USER": "nobody", "LOGNAME": "nobody"},
    )


@root
def test_numbers_are_taken_as_they_are() -> None:
    assert identity(uid=12345, gid=23456) == Identity(uid=12345, gid=23456)
    assert identity(uid=NOBODY.pw_uid) == Identity(uid=NOBODY.pw_uid, gid=NOBODY.pw_gid)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"user": "no such user"}, "user"),
        ({"user": ""}, "user"),
        ({"user": "0"}, "user"),
        ({"user": "root", "uid": 0}, "user"),
        ({"user": "root", "gid": 0}, "user"),
        ({"gid": 0}, "gid"),
        ({"uid": 4_000_000_000}, "uid"),
    ],
)
def test_what_does_not_exist_or_does_not_go_together_is_refused(wish: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequestBody) as refusal:
        identity(**wish)  # type: ignore[arg-type]
    assert refusal.value.details == {"field": field}


def test_without_the_privilege_others_are_refused_and_oneself_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_may_change_user", lambda: False)
    with pytest.raises(PermissionDenied):
        identity(uid=12345, gid=23456)
    own = identity(uid=os.geteuid(), gid=os.getegid())
    assert own
    assert not own.foreign


def test_root_in_a_container_may_lack_the_privilege() -> None:
    def held(effective: int) -> bool:
        return users._holds_both(f"Name:\tx\nCapEff:\t{effective:016x}\nCapBnd:\tffff\n")

    assert held(0xFFFF)
    assert held(1 << 6 | 1 << 7)
    assert not held(1 << 6)
    assert not held(1 << 7)
    assert not held(0)


@root
def test_this_root_may() -> None:
    assert users._may_change_user()
