"""Uploads: files out of multipart bytes in pieces of any size, all of them or none."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execd.errors import (
    ExecdError,
    InvalidFile,
    InvalidFileContent,
    InvalidFileMetadata,
    IsADirectory,
    NotADirectory,
    PayloadTooLarge,
)
from execd.files.upload import METADATA_BYTES, WAITING_BYTES, Upload

from .worlds import BOUNDARY, as_nobody, file, form, in_pieces, metadata, part


def upload(pieces: Iterable[bytes], *, resolve: Callable[[str], str] = str) -> None:
    """Take a whole body in, as the daemon does: whatever happens, nothing unfinished stays."""
    upload = Upload(BOUNDARY, resolve=resolve)
    try:
        for piece in pieces:
            upload.feed(piece)
        upload.finish()
    finally:
        upload.abandon()


def tree(root: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in root.rglob("*")}


nasty = st.lists(
    st.sampled_from(
        [b"\r\n", b"\r", b"\n--", f"\r\n--{BOUNDARY}"[:-1].encode(), b"--", b"\0", b"text", BOUNDARY.encode()]
    )
).map(b"".join)
contents = st.lists(st.one_of(nasty, st.binary(max_size=100)), max_size=5).filter(
    lambda found: not any(f"\r\n--{BOUNDARY}".encode() in content for content in found)
)


@settings(max_examples=60)
@given(contents, st.integers(1, 300), st.booleans(), st.booleans())
def test_files_arrive_byte_for_byte_however_the_body_is_cut(
    found: list[bytes], size: int, with_filename: bool, metadata_first: bool
) -> None:
    if not found:
        return
    with TemporaryDirectory() as directory:
        heads = [
            metadata(f"{directory}/{at}/file", filename="m" if with_filename else None) for at in range(len(found))
        ]
        bodies = [file(content) for content in found]
        pairs = (
            [*heads, *bodies] if metadata_first else [each for pair in zip(heads, bodies, strict=True) for each in pair]
        )
        upload(in_pieces(form(*pairs), size))
        got = [(Path(directory) / str(at) / "file").read_bytes() for at in range(len(found))]
    assert got == found


@settings(max_examples=60)
@given(st.data())
def test_a_body_that_is_cut_anywhere_leaves_everything_as_it_was(data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "old").write_text("old")
        before = tree(root)
        body = form(
            metadata(root / "old"), file(b"new" * 100),
            metadata(root / "a" / "b" / "new"), file(b"x" * 300),
            metadata(root / "a" / "c"), file(b""),
        )  # fmt: skip
        cut = data.draw(st.integers(0, len(body) - 3))
        with pytest.raises(ExecdError):
            upload(in_pieces(body[:cut], data.draw(st.integers(1, 400))))
        assert tree(root) == before


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (b"", InvalidFile, "multipart"),
        (b"no form at all, and rather long, longer than the boundary is, certainly", InvalidFile, "multipart"),
        (form(), InvalidFileMetadata, "no file"),
        (form(file(b"x")), InvalidFileMetadata, "file 1 has no metadata"),
        (form(metadata("/nope/a")), InvalidFileContent, "no file part"),
        (form(metadata("a"), file(b""), file(b"")), InvalidFileMetadata, "file 2 has no metadata"),
        (form(metadata("a"), file(b""), metadata("b")), InvalidFileContent, "b: there is metadata"),
        (form(metadata("a"), part("files", b"")), InvalidFile, "'files'"),
        (form(part("metadata", b"{")), InvalidFileMetadata, "not one JSON object"),
        (form(part("metadata", b'{"path":"a"} x')), InvalidFileMetadata, "not one JSON object"),
        (form(part("metadata", b'{"path":"\xff"}')), InvalidFileMetadata, "not one JSON object"),
        (form(part("metadata", b"[" * 5000)), InvalidFileMetadata, "metadata"),
        (form(part("metadata", b"{}")), InvalidFileMetadata, "path"),
        (form(metadata("")), InvalidFileMetadata, "path"),
        (form(metadata("a\0b")), InvalidFileMetadata, "path"),
        (form(metadata("a", owner=7)), InvalidFileMetadata, "owner"),
        (form(metadata("a", modus=644)), InvalidFileMetadata, "modus"),
        (form(metadata("a", mode=648), file(b"")), InvalidFileMetadata, "mode"),
        (form(metadata("a", mode=True), file(b"")), InvalidFileMetadata, "mode"),
        (form(metadata("a", mode="u+x"), file(b"")), InvalidFileMetadata, "mode"),
        (form(metadata("a", create_mode="644\n"), file(b"")), InvalidFileMetadata, "create_mode"),
        (form(metadata("a", owner="no such user"), file(b"")), InvalidFileMetadata, "no such user"),
        (form(metadata("a", group="99999999999"), file(b"")), InvalidFileMetadata, "99999999999"),
        (form(part("metadata", b" " * (METADATA_BYTES + 1))), PayloadTooLarge, "metadata"),
        (form(metadata("/etc/passwd/x"), file(b"")), NotADirectory, "/etc/passwd"),
        (form(metadata("/etc/"), file(b"")), IsADirectory, "/etc/"),
        (form(metadata("/etc"), file(b"")), IsADirectory, "/etc"),
        (form(metadata("/dev/null"), file(b"")), InvalidFile, "/dev/null"),
        (form(metadata("/" + "x" * 300), file(b"")), InvalidFile, "too long"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    tmp_path: Path, body: bytes, error: type[ExecdError], says: str
) -> None:
    with pytest.raises(error, match=says):
        upload([body] if body else [], resolve=lambda path: os.path.join(tmp_path, path))
    assert tree(tmp_path) == {}


def test_null_and_empty_fields_are_absent_fields(tmp_path: Path) -> None:
    upload([form(metadata(tmp_path / "a", owner=None, group="", mode=0, create_mode=None), file(b"x"))])
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755


@pytest.mark.parametrize(("mode", "bits"), [(640, 0o640), ("0640", 0o640), ("0o4750", 0o4750), (1777, 0o1777)])
def test_a_mode_is_taken_in_every_form(tmp_path: Path, mode: int | str, bits: int) -> None:
    upload([form(metadata(tmp_path / "a", mode=mode), file(b"x"))])
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == bits


def test_owners_are_names_or_numbers(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away; run the tests as root")
    upload([form(metadata(tmp_path / "a", owner="nobody", group="4711"), file(b"x"))])
    found = (tmp_path / "a").stat()
    assert (found.st_uid, found.st_gid) == (65534, 4711)


def test_a_link_is_written_through_and_stays_also_when_it_dangles(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("sub/new")
    upload([form(metadata(tmp_path / "link"), file(b"one"), metadata(tmp_path / "dangling"), file(b"two"))])
    assert (tmp_path / "link").is_symlink()
    assert tree(tmp_path) == {"link": b"one", "real": b"one", "dangling": b"two", "sub": None, "sub/new": b"two"}


def test_links_that_go_round_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InvalidFile):
        upload([form(metadata(tmp_path / "a"), file(b"x"))])


def test_of_two_files_with_one_path_the_later_stays(tmp_path: Path) -> None:
    upload([form(metadata(tmp_path / "a"), file(b"1"), metadata(tmp_path / "a"), file(b"2"))])
    assert tree(tmp_path) == {"a": b"2"}


def test_a_file_and_a_file_below_it_cannot_both_be(tmp_path: Path) -> None:
    with pytest.raises(IsADirectory):
        upload([form(metadata(tmp_path / "a"), file(b"1"), metadata(tmp_path / "a" / "b"), file(b"2"))])
    assert tree(tmp_path) == {}


def test_when_the_last_step_fails_half_way_it_is_said_what_is_written(tmp_path: Path) -> None:
    upload_ = Upload(BOUNDARY, resolve=str)
    upload_.feed(form(metadata(tmp_path / "a"), file(b"1"), metadata(tmp_path / "b"), file(b"2")))
    (tmp_path / "b").mkdir()
    with pytest.raises(IsADirectory) as caught:
        upload_.finish()
    upload_.abandon()
    assert caught.value.details == {"path": f"{tmp_path}/b", "written": [f"{tmp_path}/a"]}
    assert tree(tmp_path) == {"a": b"1", "b": None}


def test_many_files_take_few_descriptors(tmp_path: Path) -> None:
    body = form(*(each for at in range(300) for each in (metadata(tmp_path / str(at)), file(b"%d" % at))))
    upload_ = Upload(BOUNDARY, resolve=str)
    before = len(os.listdir("/proc/self/fd"))
    upload_.feed(body)
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    upload_.finish()
    upload_.abandon()
    assert tree(tmp_path) == {str(at): b"%d" % at for at in range(300)}


def test_metadata_that_waits_is_bounded_and_metadata_that_does_not_is_not(tmp_path: Path) -> None:
    padded = metadata(tmp_path / "a", owner="", group="")
    large = padded.replace(b'{"path"', b" " * (METADATA_BYTES - 200) + b'{"path"')
    enough = WAITING_BYTES // METADATA_BYTES + 2
    upload([*(each for _ in range(enough) for each in (large, file(b"x"))), form()])
    assert tree(tmp_path) == {"a": b"x"}
    with pytest.raises(PayloadTooLarge, match="without a file"):
        upload([large] * enough)


def test_who_may_not_write_somewhere_is_told_where(open_directory: Path) -> None:
    closed = open_directory / "closed"
    closed.mkdir(mode=0)
    said = as_nobody(
        """
        from execd.errors import PermissionDenied
        from execd.files.upload import Upload
        upload = Upload(sys.argv[1], resolve=str)
        try:
            upload.feed(sys.argv[2].encode())
        except PermissionDenied as error:
            print(error.details["path"])
        upload.abandon()
        """,
        BOUNDARY,
        form(metadata(closed / "a" / "b"), file(b"x")).decode(),
    )
    assert said == str(closed / "a" / "b")
