# Generated from packages/sdk/tests/_async/test_execd_files.py by tools/unasync.py; do not edit.
"""Files and metrics of a real daemon: modes, sizes, refusals, and transfers that are cut."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opensandbox import SandboxSync, WriteEntry
from opensandbox._core.files import Data
from opensandbox.exceptions import (
    FileNotFoundException,
    InvalidFileException,
    IsADirectoryException,
    NotADirectoryException,
)

from ..conftest import RunningDaemon
from ..worlds import cutting_proxy, random_cuts


@pytest.fixture
def sandbox(execd: RunningDaemon) -> Iterator[SandboxSync]:
    with SandboxSync.connect(execd.url, access_token=execd.token) as sandbox:
        yield sandbox


@pytest.fixture
def place(execd: RunningDaemon) -> Path:
    """A directory of the test's own in the sandbox."""
    return Path(tempfile.mkdtemp(dir=execd.root))


def test_what_is_written_is_read(sandbox: SandboxSync, place: Path) -> None:
    for number, content in enumerate((b"", b"\r\n--\0", bytes(range(256)) * 5000)):
        sandbox.files.write_file(f"{place}/deep/{number} ü+%.bin", content)
        assert sandbox.files.read_file(f"{place}/deep/{number} ü+%.bin", binary=True) == content
    sandbox.files.write_file(f"{place}/text", "h\u00e9\r\n\n")
    assert sandbox.files.read_file(f"{place}/text") == "h\u00e9\r\n\n"


def _yielding(*pieces: bytes) -> Iterator[bytes]:
    for piece in pieces:
        yield piece


def test_what_yields_bytes_is_written_as_it_comes(sandbox: SandboxSync, place: Path) -> None:
    path, big = place / "file", bytes(range(256)) * 8192
    several: list[Data] = [_yielding(b"a", b"", big), [b"a", big], (b"a", big), iter([b"a", big])]
    for data in several:
        sandbox.files.write_file(path, data)
        assert sandbox.files.read_file(path, binary=True) == b"a" + big
        path.unlink()
    wrong: Any = _yielding(b"x", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must yield bytes, not int"):
        sandbox.files.write_file(path, wrong)
    assert not sandbox.files.exists(path)


def test_a_relative_path_is_under_the_working_directory(sandbox: SandboxSync, place: Path) -> None:
    sandbox.files.write_file(f"{place.name}/relative", "here")
    assert (place / "relative").read_text() == "here"
    assert (sandbox.files.get_info(f"{place.name}/relative")).path == f"{place}/relative"


def test_a_new_file_is_not_executable_and_an_old_one_keeps_its_mode(sandbox: SandboxSync, place: Path) -> None:
    path = place / "file"
    sandbox.files.write_file(path, "new")
    assert oct((sandbox.files.get_info(path)).mode) == "0o644"
    for mode in (0o600, 0o4755, 0o1):
        path.chmod(mode)
        sandbox.files.write_file(path, "again")
        assert (sandbox.files.get_info(path)).mode == mode
    sandbox.files.write_file(path, "other", mode=0o640)
    assert path.stat().st_mode & 0o7777 == 0o640


def test_links_are_told_of_themselves(sandbox: SandboxSync, place: Path) -> None:
    (place / "link").symlink_to("nowhere")
    info = sandbox.files.get_info(place / "link")
    assert (info.type, info.target, info.name) == ("symlink", "nowhere", "link")
    assert sandbox.files.exists(place / "link")
    assert not sandbox.files.exists(place / "nowhere")
    assert (sandbox.files.get_info(place)).is_directory


def test_a_name_that_is_no_text_can_be_read_and_told(sandbox: SandboxSync, place: Path) -> None:
    raw = os.fsencode(place) + b"/\xff\xfe"
    os.close(os.open(raw, os.O_CREAT | os.O_WRONLY, 0o600))
    path = os.fsdecode(raw)
    assert sandbox.files.read_file(path) == ""
    assert (sandbox.files.get_info(path)).path == path


def test_all_files_of_a_request_or_none(sandbox: SandboxSync, place: Path) -> None:
    (place / "directory").mkdir()
    with pytest.raises(IsADirectoryException):
        sandbox.files.write_files([(place / "one", "1"), (place / "directory", "2")])
    assert not (place / "one").exists()
    sandbox.files.write_files([(place / str(number), str(number)) for number in range(500)])
    sandbox.files.write_files([WriteEntry(place / "run.sh", "echo hi", mode=0o755)])
    assert (sandbox.commands.run(f"{place}/run.sh; cat {place}/499")).stdout == "hi\n499"


def test_refusals_have_their_exceptions(sandbox: SandboxSync, place: Path) -> None:
    (place / "file").write_text("x")
    os.mkfifo(place / "fifo")
    with pytest.raises(FileNotFoundException, match="nope"):
        sandbox.files.read_file(place / "nope")
    with pytest.raises(IsADirectoryException):
        sandbox.files.read_file(place)
    with pytest.raises(InvalidFileException):
        sandbox.files.read_file(place / "fifo")
    with pytest.raises(NotADirectoryException):
        sandbox.files.write_file(place / "file" / "below", "x")


@pytest.mark.parametrize("size", [1, 50_000_000])
def test_a_refusal_reaches_who_is_still_sending(sandbox: SandboxSync, place: Path, size: int) -> None:
    for _ in range(3):
        with pytest.raises(IsADirectoryException):
            sandbox.files.write_file(place, b"x" * size)


def test_a_file_without_a_size_is_read_to_its_end(sandbox: SandboxSync) -> None:
    assert (sandbox.files.read_file("/proc/version")).startswith("Linux version")


def test_reads_survive_cuts_at_random_places(execd: RunningDaemon, place: Path) -> None:
    content = os.urandom(3_000_000)
    (place / "file").write_bytes(content)
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            for seed in range(6):
                proxy.drop()
                proxy.cuts = random_cuts(seed, cuts=6, largest=2_000_000)
                assert sandbox.files.read_file(place / "file", binary=True) == content


def test_writes_survive_cuts_of_their_answers(execd: RunningDaemon, place: Path) -> None:
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            for cut in (0, 1, 40, 100):
                proxy.drop()
                proxy.cuts = iter([cut, 0])
                sandbox.files.write_file(place / "file", str(cut) * 100_000)
                assert (place / "file").read_text() == str(cut) * 100_000
    assert os.listdir(place) == ["file"]


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def peak_kib() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


def test_large_files_need_no_memory(sandbox: SandboxSync, place: Path, tmp_path: Path) -> None:
    local, size = tmp_path / "local", 256 * 1024 * 1024
    local.touch()
    os.truncate(local, size)
    forget_peak()
    before_kib = peak_kib()
    sandbox.files.write_file(place / "large", local)
    read = 0
    for block in sandbox.files.read_stream(place / "large"):
        read += len(block)
    assert read == (sandbox.files.get_info(place / "large")).size == size
    assert peak_kib() - before_kib < 32 * 1024
    (place / "large").unlink()


def test_metrics_tell_what_the_sandbox_uses(sandbox: SandboxSync) -> None:
    told = sandbox.get_metrics()
    assert 0 < told.memory_used_in_mib <= told.memory_total_in_mib
    assert 0 <= told.cpu_percent <= 100
    assert told.cpu_count > 0
    assert told.pids is not None
    assert told.pids > 0
    seen = []
    for sample in sandbox.watch_metrics(interval=0.1):
        seen.append(sample.timestamp)
        if len(seen) == 3:
            break
    assert seen == sorted(seen)
    assert seen[0] >= told.timestamp


def test_a_watch_through_a_line_that_breaks_goes_on(execd: RunningDaemon) -> None:
    with cutting_proxy(execd.address) as proxy:
        with SandboxSync.connect(proxy.url, access_token=execd.token) as sandbox:
            count = 0
            for _ in sandbox.watch_metrics(interval=0.1):
                count += 1
                proxy.drop()
                if count == 4:
                    break
