"""Staging: nothing is seen before it is whole, nothing is left when it is given up, and marks are kept or set."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.errors import InvalidFile, IsADirectory
from execd.files.staging import Staged, Wish, make_parents, remove_parents

from .worlds import as_nobody

NEW = Wish(create_mode=0o755)
WAYS = ("nameless", "hidden")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to stage: without a name, and with a hidden one, where the file system cannot do without."""
    if request.param == "hidden":
        opened = os.open

        def refuse_nameless(path: str, flags: int, mode: int = 0o777) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "Operation not supported")
            return opened(path, flags, mode)

        monkeypatch.setattr(os, "open", refuse_nameless)
    return str(request.param)


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


@pytest.mark.usefixtures("way")
def test_a_file_that_is_to_last_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, bool]] = []
    target = tmp_path / "file"

    def note(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, target.exists()))

    monkeypatch.setattr(os, "fsync", note)
    for wish in (Wish(create_mode=0o644), Wish(create_mode=0o644, fsync=True)):
        staged = Staged(str(target), wish=wish)
        staged.write(b"content")
        target.unlink(missing_ok=True)
        staged.publish()

    assert synced == [(target.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


def test_content_appears_whole_and_only_when_it_is_published(tmp_path: Path) -> None:
    target = tmp_path / "file"
    staged = Staged(str(target), wish=NEW)
    staged.write(b"one ")
    staged.write(b"two")
    assert not target.exists()
    staged.seal()
    assert not target.exists()
    staged.publish()
    assert target.read_bytes() == b"one two"
    assert names(tmp_path) == ["file"]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("sealed", [False, True])
def test_what_is_given_up_leaves_nothing_and_changes_nothing(tmp_path: Path, sealed: bool) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    staged = Staged(str(target), wish=NEW)
    staged.write(b"new")
    if sealed:
        staged.seal()
    staged.abandon()
    staged.abandon()
    assert names(tmp_path) == ["file"]
    assert target.read_text() == "old"


def test_content_without_a_name_is_seen_by_nobody(tmp_path: Path) -> None:
    staged = Staged(str(tmp_path / "file"), wish=NEW)
    if staged._hidden is not None:
        pytest.skip("this file system has no nameless files")
    staged.write(b"x")
    assert names(tmp_path) == []
    staged.abandon()


def test_unfinished_content_is_private(tmp_path: Path) -> None:
    staged = Staged(str(tmp_path / "file"), wish=NEW)
    assert staged._fd is not None
    assert stat.S_IMODE(os.fstat(staged._fd).st_mode) == 0o600
    staged.abandon()


@given(mode=st.integers(1, 0o7777), mask=st.sampled_from([0o000, 0o022, 0o077, 0o777]))
def test_all_twelve_bits_are_set_whatever_the_mask(
    tmp_path_factory: pytest.TempPathFactory, mode: int, mask: int
) -> None:
    target = tmp_path_factory.mktemp("modes") / "file"
    before = os.umask(mask)
    try:
        Staged(str(target), wish=Wish(mode=mode, create_mode=0o755)).publish()
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == mode


@pytest.mark.parametrize(
    ("wish", "existing", "mode"),
    [
        (NEW, None, 0o755),
        (Wish(create_mode=0o644), None, 0o644),
        (Wish(mode=0o600, create_mode=0o644), None, 0o600),
        (NEW, 0o4640, 0o4640),
        (Wish(create_mode=0o644), 0o4640, 0o4640),
        (Wish(mode=0o600, create_mode=0o644), 0o4640, 0o600),
    ],
)
def test_a_file_keeps_its_mode_unless_one_is_given_and_a_new_one_gets_the_default(
    tmp_path: Path, wish: Wish, existing: int | None, mode: int
) -> None:
    target = tmp_path / "file"
    if existing is not None:
        target.touch()
        target.chmod(existing)
    Staged(str(target), wish=wish).publish()
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_a_file_keeps_its_owner_unless_one_is_given(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away; run the tests as root")
    target = tmp_path / "file"
    target.touch()
    os.chown(target, 4711, 4712)
    target.chmod(0o6755)
    Staged(str(target), wish=NEW).publish()
    found = target.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (4711, 4712, 0o6755)
    Staged(str(target), wish=Wish(gid=4713, create_mode=0o755)).publish()
    assert (target.stat().st_uid, target.stat().st_gid) == (4711, 4713)


def test_who_cannot_give_a_file_back_to_its_owner_does_not_keep_its_set_id_bits(open_directory: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make files of others; run the tests as root")
    target = open_directory / "file"
    target.touch()
    target.chmod(0o6777)
    as_nobody(
        """
        from execd.files.staging import Staged, Wish
        Staged(sys.argv[1], wish=Wish(create_mode=0o755)).publish()
        """,
        str(target),
    )
    found = target.stat()
    assert found.st_uid != 0
    assert stat.S_IMODE(found.st_mode) == 0o777


def test_a_user_without_privilege_stages_too_even_when_the_process_is_not_dumpable(open_directory: Path) -> None:
    said = as_nobody(
        """
        import ctypes
        from execd.files.staging import Staged, Wish
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: the daemon is so, because of its token
        staged = Staged(sys.argv[1], wish=Wish(create_mode=0o640))
        staged.write(b"mine")
        nameless = staged._hidden is None
        staged.publish()
        print(nameless, open(sys.argv[1]).read(), oct(os.stat(sys.argv[1]).st_mode))
        """,
        str(open_directory / "file"),
    )
    assert said in ("True mine 0o100640", "False mine 0o100640")


def test_a_file_that_may_not_be_written_is_not_replaced_either(open_directory: Path) -> None:
    target = open_directory / "file"
    target.touch(mode=0o444)
    said = as_nobody(
        """
        from execd.errors import PermissionDenied
        from execd.files.staging import Staged, Wish
        try:
            Staged(sys.argv[1], wish=Wish(create_mode=0o755))
        except PermissionDenied:
            print("refused")
        """,
        str(target),
    )
    assert said == "refused"


def test_attributes_and_access_lists_stay(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.touch()
    try:
        os.setxattr(target, "user.origin", b"here")
    except OSError:
        pytest.skip("this file system has no attributes")
    Staged(str(target), wish=NEW).publish()
    assert os.getxattr(target, "user.origin") == b"here"


def test_only_a_regular_file_is_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (f"{tmp_path}/pipe", "/dev/null"):
        with pytest.raises(InvalidFile):
            Staged(path, wish=NEW)
    with pytest.raises(IsADirectory):
        Staged(str(tmp_path), wish=NEW)
    assert names(tmp_path) == ["pipe"]


def test_parents_are_made_and_told_of_so_that_they_can_go_again(tmp_path: Path) -> None:
    made = make_parents(f"{tmp_path}/a/b/c")
    assert made == [f"{tmp_path}/a", f"{tmp_path}/a/b", f"{tmp_path}/a/b/c"]
    assert make_parents(f"{tmp_path}/a/b") == []
    (tmp_path / "a" / "kept").touch()
    remove_parents(made)
    assert names(tmp_path / "a") == ["kept"]


def test_parents_that_cannot_all_be_made_are_not_made_at_all(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_parents(f"{tmp_path}/file/a/b")
    too_long = "x" * 300
    with pytest.raises(OSError, match="too long"):
        make_parents(f"{tmp_path}/new/{too_long}")
    assert names(tmp_path) == ["file"]


def test_a_write_that_is_cut_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "writev", lambda fd, views: os.write(fd, b"".join(views)[:3]))
    staged = Staged(str(tmp_path / "file"), wish=NEW)
    for piece in (b"01", b"", b"23456", b"789"):
        staged.write(piece)
    staged.publish()
    assert (tmp_path / "file").read_bytes() == b"0123456789"
