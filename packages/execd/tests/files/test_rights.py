"""Owners and modes, set and set back."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from execd._wire import Permission
from execd.errors import FileNotFound, InvalidRequestBody
from execd.files.rights import Rights, rights, set_all

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_wished_becomes_numbers_and_bits() -> None:
    assert rights(Permission(owner="root", group="0", mode="0o4755"), field="x") == Rights(uid=0, gid=0, mode=0o4755)
    assert rights(Permission(mode=0), field="x") == Rights()


@pytest.mark.parametrize(
    "wish", [Permission(owner="no such user"), Permission(group="no such group"), Permission(mode=8)]
)
def test_what_nobody_knows_is_refused_with_its_path(wish: Permission) -> None:
    with pytest.raises(InvalidRequestBody) as no:
        rights(wish, field="/a")

    assert no.value.details == {"field": "/a"}


def test_all_twelve_bits_are_set_and_a_link_stands_for_its_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    (tmp_path / "link").symlink_to("file")

    set_all({str(tmp_path / "link"): Rights(mode=0o7751)})

    assert mode(path) == 0o7751


@needs_root
def test_only_what_is_named_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o4755)

    set_all({str(path): Rights(uid=1)})
    set_all({str(path): Rights(gid=2)})

    found = path.stat()
    assert (found.st_uid, found.st_gid, mode(path)) == (1, 2, 0o4755)


def test_a_missing_path_is_found_before_anything_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(0o600)

    with pytest.raises(FileNotFound):
        set_all({str(path): Rights(mode=0o777), str(tmp_path / "gone"): Rights(mode=0o777)})

    assert mode(path) == 0o600


def test_what_was_changed_before_a_refusal_is_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.touch(0o600)
    second.touch(0o600)
    real = os.chmod

    def refusing(path: str, bits: int) -> None:
        if path == str(second):
            raise PermissionError(1, "Operation not permitted", path)
        real(path, bits)

    monkeypatch.setattr(os, "chmod", refusing)
    with pytest.raises(Exception, match="not permitted") as no:
        set_all({str(first): Rights(mode=0o777), str(second): Rights(mode=0o777)})

    assert no.value.details == {"path": str(second), "changed": []}  # type: ignore[attr-defined]
    assert mode(first) == 0o600
