# Generated from packages/sdk/tests/_async/test_execd_transfers.py by tools/unasync.py; do not edit.
"""Files sent and fetched by a real daemon, over lines that break."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from opensandbox import SandboxSync
from opensandbox.exceptions import (
    FileNotFoundException,
    IsADirectoryException,
    SandboxConnectionException,
    StreamInterruptedException,
)

from ..conftest import RunningDaemon
from ..worlds import cutting_proxy

SIZE = 3_000_000


@pytest.fixture
def sandbox(execd: RunningDaemon) -> Iterator[SandboxSync]:
    with SandboxSync.connect(execd.url, access_token=execd.token) as sandbox:
        yield sandbox


@pytest.fixture
def place(execd: RunningDaemon) -> Path:
    """A directory of the test's own in the sandbox."""
    return Path(tempfile.mkdtemp(dir=execd.root))


@pytest.fixture
def content() -> bytes:
    return os.urandom(SIZE)


@pytest.fixture
def local(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "local.bin"
    path.write_bytes(content)
    return path


def test_a_file_goes_up_and_comes_back_and_progress_is_told(
    sandbox: SandboxSync, place: Path, local: Path, content: bytes, tmp_path: Path
) -> None:
    up: list[tuple[int, int]] = []
    down: list[tuple[int, int]] = []
    sandbox.files.upload(local, place / "new/big.bin", mode=0o640, progress=lambda *told: up.append(told))
    back = tmp_path / "back.bin"
    back.touch(0o600)
    sandbox.files.download(place / "new/big.bin", back, progress=lambda *told: down.append(told))

    assert back.read_bytes() == (place / "new/big.bin").read_bytes() == content
    assert (place / "new/big.bin").stat().st_mode & 0o7777 == 0o640
    assert back.stat().st_mode & 0o7777 == 0o600
    for told in (up, down):
        assert [done for done, _ in told] == sorted({done for done, _ in told})
        assert told[-1] == (SIZE, SIZE)
    assert sorted(os.listdir(tmp_path)) == ["back.bin", "local.bin"]


def test_a_bar_is_for_terminals(
    sandbox: SandboxSync, place: Path, local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.files.upload(local, place / "file", progress=True)

    assert (place / "file").stat().st_size == SIZE
    assert capsys.readouterr() == ("", "")


def test_empty_files_are_files(sandbox: SandboxSync, place: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    sandbox.files.upload(tmp_path / "empty", place / "empty")
    sandbox.files.download(place / "empty", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (place / "empty").read_bytes() == b""


def cuts(seed: int, *, largest: int) -> Iterator[int | None]:
    """Yield where connections end; every second one lives, for a call that is short is tried four times only."""
    chance = random.Random(seed)
    for _ in range(8):
        yield chance.randrange(largest)
        yield None


def test_an_upload_goes_on_where_it_was_cut(
    execd: RunningDaemon, place: Path, local: Path, content: bytes
) -> None:
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            for seed in range(6):
                proxy.drop()
                proxy.request_cuts = cuts(seed, largest=SIZE // 2)
                proxy.cuts = cuts(seed + 100, largest=400)
                sandbox.files.upload(local, place / "file")
                assert (place / "file").read_bytes() == content
                (place / "file").unlink()


def test_what_has_come_is_not_sent_again(execd: RunningDaemon, place: Path, local: Path, content: bytes) -> None:
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            proxy.drop()
            proxy.request_cuts = iter([SIZE - 100_000])
            told: list[int] = []
            sandbox.files.upload(local, place / "file", progress=lambda done, _: told.append(done))
    backwards = [before - after for before, after in pairwise(told) if after < before]
    assert (place / "file").read_bytes() == content
    # The last block was on its way, and what the connection held with it.
    assert max(backwards, default=0) < SIZE // 2


def test_an_upload_that_is_refused_or_fails_leaves_nothing(
    sandbox: SandboxSync, place: Path, local: Path, tmp_path: Path
) -> None:
    with pytest.raises(IsADirectoryException):
        sandbox.files.upload(local, place)
    with pytest.raises(OSError, match="regular"):
        sandbox.files.upload("/dev/null", place / "file")

    def grow(done: int, _: int) -> None:
        with local.open("ab") as file:
            file.write(b"more")

    with pytest.raises(OSError, match="changed"):
        sandbox.files.upload(local, place / "file", progress=grow)
    with pytest.raises(FileNotFoundException):
        sandbox.files.download(place / "gone", tmp_path / "gone")
    assert os.listdir(place) == []
    assert os.listdir(tmp_path) == ["local.bin"]


def test_a_daemon_that_stays_away_is_told_with_how_far_it_was(
    execd: RunningDaemon, place: Path, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opensandbox._core.uploading.RESUME_FOR_S", 0.3)
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            proxy.drop()
            proxy.request_cuts = iter([1000, *[2_000_000] * 100])
            proxy.cuts = iter([None, *[0] * 100])
            with pytest.raises((StreamInterruptedException, SandboxConnectionException)) as broken:
                sandbox.files.upload(local, place / "file")
            proxy.close()
    assert broken.value.error.details.get("expected", SIZE) == SIZE
    assert not (place / "file").exists()
