"""Directories as tar streams, out and in."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from execd.errors import FileNotFound, InvalidFile, IsADirectory, NotADirectory
from execd.files.compression import coder, decoded, wanted
from execd.files.glob import compile_pattern
from execd.files.packing import Packing
from execd.files.unpacking import unpack


def packed(root: Path, *exclude: str) -> bytes:
    packing = Packing(str(root), exclude=[compile_pattern(pattern) for pattern in exclude])
    archive = b""
    while (piece := packing.piece()) is not None:
        archive += piece
    packing.close()
    return archive


def archive_of(*members: dict[str, Any]) -> io.BytesIO:
    """Return an archive of members as a hostile client writes them."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for fields in members:
            content = fields.pop("content", b"")
            info = tarfile.TarInfo()
            for name, value in {"size": len(content), "mode": 0o644, **fields}.items():
                setattr(info, name, value)
            archive.addfile(info, io.BytesIO(content))
    stream.seek(0)
    return stream


def test_a_tree_goes_out_and_in_unchanged(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep/er").mkdir(parents=True)
    (tree / "deep/run.sh").write_bytes(os.urandom(3_000_001))
    (tree / "deep/run.sh").chmod(0o751)
    os.utime(tree / "deep/run.sh", ns=(0, 1_600_000_000_500_000_000))
    (tree / "empty").touch(0o600)
    (tree / "link").symlink_to("deep/run.sh")
    os.mkdir(os.fsencode(tree) + b"/\xff " + b"n" * 200)
    (tree / "closed").mkdir()
    (tree / "closed/in").touch()
    (tree / "closed").chmod(0o555)

    unpack(str(tmp_path / "new/copy"), io.BytesIO(packed(tree)))

    copy = tmp_path / "new/copy"
    assert sorted(os.listdir(os.fsencode(copy))) == sorted(os.listdir(os.fsencode(tree)))
    assert (copy / "deep/run.sh").read_bytes() == (tree / "deep/run.sh").read_bytes()
    assert (copy / "deep/run.sh").stat().st_mtime_ns == 1_600_000_000_500_000_000
    assert os.readlink(copy / "link") == "deep/run.sh"
    assert (copy / "deep/er").is_dir()
    assert (copy / "closed/in").exists()
    for path, mode in (("deep/run.sh", 0o751), ("empty", 0o600), ("closed", 0o555)):
        assert stat.S_IMODE((copy / path).stat().st_mode) == mode


def test_any_tar_reads_what_goes_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_text("content")
    os.mkfifo(tmp_path / "a/fifo")

    with tarfile.open(fileobj=io.BytesIO(packed(tmp_path))) as archive:
        assert archive.getnames() == ["a", "a/file"]
        content = archive.extractfile("a/file")
        assert content is not None
        assert content.read() == b"content"


def test_what_is_excluded_stays_out_with_all_that_is_in_it(tmp_path: Path) -> None:
    for path in ("keep/a.py", "keep/a.pyc", "node_modules/x/y", "keep/node_modules/z", "build/out", "keep/build/in"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()

    archive = packed(tmp_path, "*.pyc", "node_modules", "./build")

    with tarfile.open(fileobj=io.BytesIO(archive)) as read:
        assert read.getnames() == ["keep", "keep/a.py", "keep/build", "keep/build/in"]


def test_a_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFound):
        Packing(str(tmp_path / "gone"), exclude=[])
    with pytest.raises(NotADirectory):
        unpack(str(tmp_path / "file"), io.BytesIO(packed(tmp_path)))


@pytest.mark.parametrize(
    "member",
    [
        {"name": "../outside", "content": b"x"},
        {"name": "a/../../outside", "content": b"x"},
        {"name": "/outside", "content": b"x"},
        {"name": "link", "type": tarfile.SYMTYPE, "linkname": "/etc"},
        {"name": "link", "type": tarfile.SYMTYPE, "linkname": "../outside"},
        {"name": "a/link", "type": tarfile.SYMTYPE, "linkname": "../../outside"},
        {"name": "link", "type": tarfile.SYMTYPE, "linkname": "a/.."},  # where `a` may be a link to `..` itself
        {"name": "link", "type": tarfile.LNKTYPE, "linkname": "../outside"},
        {"name": "device", "type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
        {"name": "fifo", "type": tarfile.FIFOTYPE},
    ],
)
def test_what_leaves_the_directory_is_refused_and_not_made(tmp_path: Path, member: dict[str, Any]) -> None:
    target = tmp_path / "target"

    with pytest.raises(InvalidFile):
        unpack(str(target), archive_of(member))

    assert sorted(os.listdir(tmp_path)) == ["target"]
    assert not (target / "link").is_symlink()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    target, outside = tmp_path / "target", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    (outside / "file").write_text("old")
    (target / "directory").symlink_to(outside)
    (target / "file").symlink_to(outside / "file")

    with pytest.raises(NotADirectory):
        unpack(str(target), archive_of({"name": "directory/new", "content": b"new"}))
    unpack(str(target), archive_of({"name": "file", "content": b"new"}))

    assert os.listdir(outside) == ["file"]
    assert (outside / "file").read_text() == "old"
    assert (target / "file").read_text() == "new"
    assert not (target / "file").is_symlink()


def test_a_link_of_the_archive_is_not_followed_either(tmp_path: Path) -> None:
    target = tmp_path / "target"
    members = (
        {"name": "inside", "type": tarfile.DIRTYPE, "mode": 0o755},
        {"name": "link", "type": tarfile.SYMTYPE, "linkname": "inside"},
        {"name": "link/file", "content": b"x"},
    )
    with pytest.raises(NotADirectory):
        unpack(str(target), archive_of(*members))
    assert os.listdir(target / "inside") == []


def test_links_to_files_of_the_archive_are_made(tmp_path: Path) -> None:
    members = ({"name": "a/file", "content": b"x"}, {"name": "b", "type": tarfile.LNKTYPE, "linkname": "a/file"})
    unpack(str(tmp_path / "target"), archive_of(*members))
    assert (tmp_path / "target/b").read_bytes() == b"x"


def test_what_is_there_stays_and_a_directory_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "there/full").mkdir(parents=True)
    (tmp_path / "there/full/x").touch()
    unpack(str(tmp_path / "there"), archive_of({"name": "new", "content": b"x", "mode": 0o6755}))
    assert stat.S_IMODE((tmp_path / "there/new").stat().st_mode) == 0o755
    with pytest.raises(IsADirectory):
        unpack(str(tmp_path / "there"), archive_of({"name": "full", "content": b"x"}))
    assert sorted(os.listdir(tmp_path / "there")) == ["full", "new"]


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[: len(data) // 2], lambda data: data[:700], lambda data: b"garbage" * 200, lambda _: b"x"],
)
def test_what_is_no_whole_archive_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    data = archive_of({"name": "file", "content": bytes(100_000)}).getvalue()

    with pytest.raises(InvalidFile):
        unpack(str(tmp_path / "target"), io.BytesIO(spoil(data)))

    assert os.listdir(tmp_path / "target") == []


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_codings_give_back_what_they_took(coding: str) -> None:
    data = os.urandom(100_000) + bytes(1_000_000)
    one = coder(coding)
    packed = one.compress(data[:70_000]) + one.compress(data[70_000:]) + one.flush()

    assert decoded(io.BytesIO(packed), coding).read() == data
    assert len(packed) < 200_000


def test_a_coding_that_nobody_knows_is_refused() -> None:
    assert wanted(b"br, *") is None
    with pytest.raises(ValueError, match="br"):
        decoded(io.BytesIO(), "br")


def test_a_torn_coding_is_no_archive(tmp_path: Path) -> None:
    data = gzip.compress(archive_of({"name": "file", "content": os.urandom(100_000)}).getvalue())
    with pytest.raises(InvalidFile):
        unpack(str(tmp_path / "target"), decoded(io.BytesIO(data[:-5000]), "gzip"))
    with pytest.raises(InvalidFile):
        unpack(str(tmp_path / "target"), decoded(io.BytesIO(b"no gzip" * 100), "gzip"))


def test_an_archive_that_is_broken_or_cut_between_two_members_is_refused(tmp_path: Path) -> None:
    whole = archive_of(*({"name": name, "content": b"x" * 100} for name in "abc")).getvalue()
    second = whole.index(b"b\0")
    broken = bytearray(whole)
    broken[second : second + 300] = b"?" * 300

    for archive in (whole[:second], bytes(broken), coder("zstd").compress(whole)):
        with pytest.raises(InvalidFile):
            unpack(str(tmp_path), io.BytesIO(archive))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_no_header_is_held_in_memory_however_long_it_is(tmp_path: Path, kind: bytes) -> None:
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, 1 << 30

    with pytest.raises(InvalidFile, match="larger than"):
        unpack(str(tmp_path), io.BytesIO(header.tobuf(tarfile.GNU_FORMAT)))
