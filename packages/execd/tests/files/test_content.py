"""Content: what has bytes to give, and how many, whatever its size says."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from execd.errors import FileNotFound, InvalidFile, IsADirectory
from execd.files.content import BLOCK, Content, open_content

from .worlds import as_nobody


def read_all(content: Content) -> bytes:
    pieces: list[bytes] = []
    while piece := content.read(sum(map(len, pieces))):
        pieces.append(piece)
    content.close()
    return b"".join(pieces)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_a_file_of_any_size_is_read_whole_and_knows_its_size(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = tmp_path / "data"
    path.write_bytes(data)
    content = open_content(str(path))
    assert (content.size, content.name) == (size, "data")
    assert content.validators is not None
    assert content.in_memory is (size <= BLOCK)
    assert read_all(content) == data


def test_a_file_of_proc_is_read_to_its_end_although_its_size_is_0() -> None:
    content = open_content("/proc/self/cmdline")
    assert content.validators is None
    assert read_all(content) == Path("/proc/self/cmdline").read_bytes()


def test_a_large_file_of_proc_is_streamed_without_a_size() -> None:
    # Generated, and of several megabytes on every kernel.
    path = "/proc/kallsyms"
    if not os.path.exists(path) or len(Path(path).read_bytes()) <= BLOCK:
        pytest.skip("this kernel has no large file of size 0")
    content = open_content(path)
    assert (content.size, content.validators) == (None, None)
    assert read_all(content) == Path(path).read_bytes()


def test_a_file_of_sys_is_as_long_as_what_it_says_and_never_the_same_twice() -> None:
    path = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not path.exists():
        path = Path("/sys/kernel/profiling")
    content = open_content(str(path))
    assert content.size == len(path.read_bytes()) < path.stat().st_size
    assert content.validators is None
    content.close()


def test_a_file_is_another_one_after_every_change(tmp_path: Path) -> None:
    path = tmp_path / "data"
    tags: set[bytes] = set()
    for number in range(3):
        path.write_text(f"state {number}")
        os.utime(path, (1_000_000, 1_000_000 + number))
        content = open_content(str(path))
        assert content.validators is not None
        tags.add(content.validators.etag)
        content.close()
    assert len(tags) == 3


def test_what_was_opened_stays_whole_when_the_path_gets_new_content(tmp_path: Path) -> None:
    path, other = tmp_path / "data", tmp_path / "other"
    old = os.urandom(2 * BLOCK)
    path.write_bytes(old)
    content = open_content(str(path))
    other.write_bytes(b"new")
    other.rename(path)
    assert read_all(content) == old


def test_only_regular_files_have_bytes_to_give(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for path in (f"{tmp_path}/pipe", f"{tmp_path}/link", "/dev/zero", "/dev/tty"):
        with pytest.raises(InvalidFile, match="not a regular file"):
            open_content(path)
    with pytest.raises(IsADirectory):
        open_content(str(tmp_path))
    with pytest.raises(FileNotFound):
        open_content(f"{tmp_path}/nope")


def test_a_pipe_that_took_the_place_of_a_file_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, pipe = tmp_path / "plain", tmp_path / "pipe"
    plain.touch()
    os.mkfifo(pipe)
    was = plain.stat()
    monkeypatch.setattr(os, "stat", lambda *_, **__: was)
    refusals: list[BaseException] = []

    def open_it() -> None:
        with pytest.raises(InvalidFile) as caught:
            open_content(str(pipe))
        refusals.append(caught.value)

    thread = threading.Thread(target=open_it, daemon=True)
    thread.start()
    thread.join(10)
    assert refusals


def test_a_file_that_may_not_be_read_is_refused(open_directory: Path) -> None:
    path = open_directory / "secret"
    path.touch(mode=0)
    said = as_nobody(
        """
        from execd.errors import PermissionDenied
        from execd.files.content import open_content
        try:
            open_content(sys.argv[1])
        except PermissionDenied as error:
            print(error.details["path"])
        """,
        str(path),
    )
    assert said == str(path)
