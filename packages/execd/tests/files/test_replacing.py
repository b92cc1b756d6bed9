"""Text within files exchanged for other text."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd.errors import FileNotFound, IsADirectory
from execd.files.content import BLOCK
from execd.files.replacing import exchanged, replace_all


@given(
    st.lists(st.binary(max_size=6).map(lambda data: bytes(byte % 3 for byte in data)), max_size=6),
    st.sampled_from([b"\0", b"\0\1", b"\0\0", b"\1\0\1", b"\2\2\2\2"]),
    st.binary(max_size=3),
)
def test_the_cuts_between_blocks_make_no_difference(blocks: list[bytes], old: bytes, new: bytes) -> None:
    whole = b"".join(blocks)

    pieces = list(exchanged(iter(blocks), old, new))

    assert b"".join(data for data, _ in pieces) == whole.replace(old, new)
    assert sum(found for _, found in pieces) == whole.count(old)


def test_every_occurrence_is_exchanged_and_counted_and_rights_stay(tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_bytes(b"a.b\xffa.b axb")
    path.chmod(0o640)
    other = tmp_path / "other"
    other.write_text("nothing of it")
    before = other.stat()

    counts = replace_all({str(path): ("a.b", "ä"), str(other): ("a.b", "ä")})

    assert counts == {str(path): 2, str(other): 0}
    assert path.read_bytes() == "ä".encode() + b"\xff" + "ä".encode() + b" axb"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert other.stat() == before


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")

    replace_all({str(tmp_path / "link"): ("old", "new")})

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


def test_when_one_file_cannot_be_changed_none_is_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "first").write_text("old")
    (tmp_path / "directory").mkdir()
    wishes = {str(tmp_path / "first"): ("old", "new")}

    with pytest.raises(FileNotFound) as missing:
        replace_all({**wishes, str(tmp_path / "gone"): ("old", "new")})
    with pytest.raises(IsADirectory):
        replace_all({**wishes, str(tmp_path / "directory"): ("old", "new")})

    assert (missing.value.details or {})["path"] == str(tmp_path / "gone")
    assert (tmp_path / "first").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["directory", "first"]


def test_a_letter_that_becomes_a_book_is_written_little_by_little() -> None:
    pieces = [piece for piece, _ in exchanged(iter([b"a" * 1000]), b"a", b"b" * 100_000)]

    assert sum(map(len, pieces)) == 100_000_000
    assert max(map(len, pieces)) <= BLOCK + 100_000
