"""What is sent and read about files: every byte of a path, every bit of a mode, bodies under any cutting."""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensandbox import WriteEntry
from opensandbox._core import files
from opensandbox.exceptions import SandboxConnectionException

PATHS = st.binary(min_size=1, max_size=30).filter(lambda raw: 0 not in raw).map(os.fsdecode)
INFO: dict[str, Any] = {
    "path": "/srv/run.sh", "type": "file", "size": 12, "modified_at": "2026-11-23T10:00:12.588Z",
    "created_at": "2026-11-23T09:00:00.000Z", "owner": "root", "group": "4711", "mode": 4755,
}  # fmt: skip


def info(**fields: Any) -> bytes:
    return json.dumps({"as sent": {**INFO, **fields}}).encode()


@given(PATHS)
def test_every_byte_of_a_path_reaches_the_query(path: str) -> None:
    for request in (files.download(path), files.info(path)):
        assert unquote_to_bytes(request.target.partition("?path=")[2]) == os.fsencode(path)


@given(st.integers(1, 0o7777))
def test_a_mode_on_the_wire_reads_as_octal(mode: int) -> None:
    wire = files.mode_to_wire(mode)
    assert int(str(wire), 8) == mode
    assert files.entry(info(mode=wire)).mode == mode


def test_an_entry_is_told_in_the_words_of_the_api() -> None:
    entry = files.entry(info())
    assert (entry.path, entry.name, entry.type, entry.is_directory, entry.size) == (
        "/srv/run.sh", "run.sh", "file", False, 12,
    )  # fmt: skip
    assert (oct(entry.mode), entry.owner, entry.group, entry.target) == ("0o4755", "root", "4711", None)
    assert entry.mtime is not None
    assert entry.created is not None
    assert (entry.mtime - entry.created).total_seconds() == 3612.588
    assert "mode=0o4755" in repr(entry)


@pytest.mark.parametrize(("path", "name"), [("/", "/"), ("/a/", "a"), ("a", "a")])
def test_the_name_is_the_last_part_of_the_path(path: str, name: str) -> None:
    assert files.entry(info(path=path)).name == name


def test_a_link_says_where_it_points_and_is_no_directory() -> None:
    entry = files.entry(info(type="symlink", target="/srv"))
    assert (entry.target, entry.is_directory) == ("/srv", False)
    assert files.entry(info(type="directory")).is_directory


def test_a_name_that_is_no_text_comes_back_as_pythons_own() -> None:
    assert os.fsencode(files.entry(info(path="/\ufffd", path_b64="L/8=")).path) == b"/\xff"


def test_a_daemon_that_tells_less_is_understood() -> None:
    told = {name: value for name, value in INFO.items() if name != "type"}
    entry = files.entry(json.dumps({"x": {**told, "modified_at": "yesterday"}}).encode())
    assert (entry.type, entry.is_directory, entry.mtime) == (None, False, None)


@pytest.mark.parametrize("body", [b"{}", b"[]", info(mode=988), json.dumps({"a": INFO, "b": INFO}).encode()])
def test_an_answer_that_is_none_is_told(body: bytes) -> None:
    with pytest.raises(SandboxConnectionException, match="cannot be read"):
        files.entry(body)


def parts(body: bytes, boundary: str) -> list[tuple[dict[str, str], bytes]]:
    """Take a multipart body apart."""
    first, *rest, last = (b"\r\n" + body).split(f"\r\n--{boundary}".encode())
    assert (first, last) == (b"", b"--\r\n")
    found = []
    for part in rest:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        found.append((dict(line.split(": ", 1) for line in head.decode().split("\r\n")), content))
    return found


def body_of(entries: list[WriteEntry], boundary: str) -> bytes:
    contents = [b"".join(files.pieces(entry.data)) for entry in entries]  # type: ignore[arg-type]
    whole = [
        files.opening(boundary, entry) + content + b"\r\n" for entry, content in zip(entries, contents, strict=True)
    ]
    return b"".join((*whole, files.closing(boundary)))


WRITTEN = st.builds(
    WriteEntry,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20),
    st.binary(max_size=40) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    mode=st.none() | st.integers(1, 0o7777),
    owner=st.none() | st.just("ada"),
)


@given(st.lists(WRITTEN, min_size=1, max_size=4))
def test_a_body_holds_each_file_behind_what_is_said_about_it(entries: list[WriteEntry]) -> None:
    found = parts(body_of(entries, "q7X-none"), "q7X-none")
    assert len(found) == 2 * len(entries)
    for entry, (head, metadata), (head_of_file, content) in zip(entries, found[::2], found[1::2], strict=True):
        assert 'name="metadata"' in head["Content-Disposition"]
        assert 'name="file"' in head_of_file["Content-Disposition"]
        assert content == (entry.data.encode() if isinstance(entry.data, str) else entry.data)
        told = json.loads(metadata)
        assert told["path"] == entry.path
        assert told.get("owner") == entry.owner
        if entry.mode is None:
            assert told["create_mode"] == 644
            assert "mode" not in told
        else:
            assert int(str(told["mode"]), 8) == entry.mode


@given(st.lists(st.binary(max_size=9)), st.integers(1, 12))
def test_packing_loses_nothing_and_gives_no_small_blocks(pieces: list[bytes], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK", size)
        packer = files.Packer()
        blocks = [block for piece in pieces if (block := packer.add(piece))]
        rest = packer.rest()
    assert b"".join([*blocks, rest]) == b"".join(pieces)
    assert all(len(block) >= size for block in blocks)
    assert len(rest) < size


@pytest.mark.parametrize("data", ["hé", b"h\xc3\xa9", bytearray(b"h\xc3\xa9"), memoryview(b"h\xc3\xa9")])
def test_text_and_every_kind_of_bytes_are_bytes(data: Any) -> None:
    assert b"".join(files.pieces(data)) == "hé".encode()


@pytest.mark.parametrize("data", [3, None, ["a"], {"a": 1}])
def test_what_is_no_content_is_refused_before_anything_is_sent(data: Any) -> None:
    with pytest.raises(TypeError, match="data must be text, bytes, a path or a file, or yield bytes"):
        files.check(WriteEntry("a", data))


@pytest.mark.parametrize("data", ["a", b"a", Path("a"), BytesIO(b"a")])
@pytest.mark.parametrize("path", ["a", PurePosixPath("/a")])
def test_what_is_content_is_taken(path: Any, data: Any) -> None:
    assert files.check(WriteEntry(path, data)).path == path


@pytest.mark.parametrize("mode", [0, -1, 0o10000, 644_000])
def test_a_mode_that_the_wire_cannot_say_is_refused(mode: int) -> None:
    with pytest.raises(ValueError, match="mode must be between"):
        files.check(WriteEntry("a", "b", mode=mode))


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    for ask in (files.info, files.download, lambda path: files.check(WriteEntry(path, ""))):
        with pytest.raises(ValueError, match="not a path"):
            ask(path)


def test_a_file_has_a_name_that_json_can_hold() -> None:
    with pytest.raises(ValueError, match="no UTF-8"):
        files.check(WriteEntry("\udcff", ""))
    with pytest.raises(TypeError, match="path must be text"):
        files.check(WriteEntry(b"a", ""))  # type: ignore[arg-type]


def test_a_body_that_cannot_be_made_again_is_sent_once() -> None:
    assert files.upload("b", is_repeatable=False).tries == 1
    assert not files.upload("b", is_repeatable=False).is_idempotent
    assert files.upload("b", is_repeatable=True).is_idempotent
