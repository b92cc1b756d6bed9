"""Entries: reported as they are, links not followed, whatever their names are made of."""

from __future__ import annotations

import base64
import os
import socket
import time
from datetime import datetime
from pathlib import Path

import pytest

from execd.errors import FileNotFound, InvalidFile
from execd.files import stats, tree


def test_a_file_is_told_with_all_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_bytes(b"echo hi\n")
    path.chmod(0o4751)
    os.utime(path, ns=(0, 1_795_412_412_588_999_999))
    found = tree.entry(str(path))
    assert (found.path, found.type, found.size, found.mode) == (str(path), "file", 8, 4751)
    assert found.modified_at == "2026-11-23T05:40:12.588Z"
    assert (found.target, found.path_b64) == (None, None)


def test_a_link_is_a_link_dangling_or_not(tmp_path: Path) -> None:
    for name, target in (("dangling", "nowhere/at all"), ("whole", str(tmp_path))):
        link = tmp_path / name
        link.symlink_to(target)
        found = tree.entry(str(link))
        assert (found.type, found.target, found.mode) == ("symlink", target, 777)


def test_directories_sockets_and_pipes_have_their_types(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))
    types = {name: str(tree.entry(str(tmp_path / name)).type) for name in ("", "pipe", "socket")}
    assert types == {"": "directory", "pipe": "other", "socket": "other"}


def test_a_name_that_is_no_text_is_given_in_bytes_beside_it(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9"
    os.close(os.open(raw, os.O_CREAT))
    found = tree.entry(os.fsdecode(raw))
    assert found.path == f"{tmp_path}/caf\N{REPLACEMENT CHARACTER}"
    assert base64.b64decode(found.path_b64 or "") == raw


@pytest.mark.parametrize("path", ["/nope", "/etc/passwd/x"])
def test_what_is_not_there_is_named(path: str) -> None:
    with pytest.raises(FileNotFound, match=path) as caught:
        tree.entry(path)
    assert caught.value.details == {"path": path}


@pytest.mark.parametrize("path", ["/a\0b", "/" + "x" * 300])
def test_what_can_be_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidFile):
        tree.entry(path)


def test_an_owner_without_a_name_is_a_number_as_text(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away; run the tests as root")
    path = tmp_path / "foreign"
    path.touch()
    os.chown(path, 54321, 54322)
    found = tree.entry(str(path))
    assert (found.owner, found.group) == ("54321", "54322")


@pytest.mark.parametrize(
    ("nanoseconds", "moment"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (999_999, "1970-01-01T00:00:00.000Z"),
        (-50_000_000_000 * 10**9, "0385-07-25T07:06:40.000Z"),
        (2**63 * 10**9, "9999-12-31T23:59:59.999Z"),
        (-(2**63) * 10**9, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_a_moment_is_written_whatever_a_file_claims(nanoseconds: int, moment: str) -> None:
    assert tree.moment(nanoseconds) == moment


def test_the_birth_is_that_of_the_entry_and_does_not_move(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = time.time_ns() - 10_000_000  # clocks of files tick in steps
    path.touch()
    born = stats.stats(str(path)).born_ns
    if born is None:
        pytest.skip("this file system does not know births")
    assert before <= born <= time.time_ns()
    os.utime(path, ns=(0, 0))
    assert tree.entry(str(path)).created_at == tree.moment(born)
    assert datetime.fromisoformat(tree.entry(str(path)).created_at).tzinfo is not None


def test_without_a_birth_the_change_time_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "_statx", lambda: None)
    path = tmp_path / "file"
    path.touch()
    assert tree.entry(str(path)).created_at == tree.moment(path.stat().st_ctime_ns)
