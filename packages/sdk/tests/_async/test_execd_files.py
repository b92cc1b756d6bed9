"""Files and metrics of a real daemon: modes, sizes, refusals, and transfers that are cut."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from opensandbox import Sandbox, WriteEntry
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
async def sandbox(execd: RunningDaemon) -> AsyncIterator[Sandbox]:
    async with await Sandbox.connect(execd.url, access_token=execd.token) as sandbox:
        yield sandbox


@pytest.fixture
def place(execd: RunningDaemon) -> Path:
    """A directory of the test's own in the sandbox."""
    return Path(tempfile.mkdtemp(dir=execd.root))


async def test_what_is_written_is_read(sandbox: Sandbox, place: Path) -> None:
    for number, content in enumerate((b"", b"\r\n--\0", bytes(range(256)) * 5000)):
        await sandbox.files.write_file(f"{place}/deep/{number} ü+%.bin", content)
        assert await sandbox.files.read_file(f"{place}/deep/{number} ü+%.bin", binary=True) == content
    await sandbox.files.write_file(f"{place}/text", "h\u00e9\r\n\n")
    assert await sandbox.files.read_file(f"{place}/text") == "h\u00e9\r\n\n"


async def _yielding(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_what_yields_bytes_is_written_as_it_comes(sandbox: Sandbox, place: Path) -> None:
    path, big = place / "file", bytes(range(256)) * 8192
    several: list[Data] = [_yielding(b"a", b"", big), [b"a", big], (b"a", big), iter([b"a", big])]
    for data in several:
        await sandbox.files.write_file(path, data)
        assert await sandbox.files.read_file(path, binary=True) == b"a" + big
        path.unlink()
    wrong: Any = _yielding(b"x", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must yield bytes, not int"):
        await sandbox.files.write_file(path, wrong)
    assert not await sandbox.files.exists(path)


async def test_a_relative_path_is_under_the_working_directory(sandbox: Sandbox, place: Path) -> None:
    await sandbox.files.write_file(f"{place.name}/relative", "here")
    assert (place / "relative").read_text() == "here"
    assert (await sandbox.files.get_info(f"{place.name}/relative")).path == f"{place}/relative"


async def test_a_new_file_is_not_executable_and_an_old_one_keeps_its_mode(sandbox: Sandbox, place: Path) -> None:
    path = place / "file"
    await sandbox.files.write_file(path, "new")
    assert oct((await sandbox.files.get_info(path)).mode) == "0o644"
    for mode in (0o600, 0o4755, 0o1):
        path.chmod(mode)
        await sandbox.files.write_file(path, "again")
        assert (await sandbox.files.get_info(path)).mode == mode
    await sandbox.files.write_file(path, "other", mode=0o640)
    assert path.stat().st_mode & 0o7777 == 0o640


async def test_links_are_told_of_themselves(sandbox: Sandbox, place: Path) -> None:
    (place / "link").symlink_to("nowhere")
    info = await sandbox.files.get_info(place / "link")
    assert (info.type, info.target, info.name) == ("symlink", "nowhere", "link")
    assert await sandbox.files.exists(place / "link")
    assert not await sandbox.files.exists(place / "nowhere")
    assert (await sandbox.files.get_info(place)).is_directory


async def test_a_name_that_is_no_text_can_be_read_and_told(sandbox: Sandbox, place: Path) -> None:
    raw = os.fsencode(place) + b"/\xff\xfe"
    os.close(os.open(raw, os.O_CREAT | os.O_WRONLY, 0o600))
    path = os.fsdecode(raw)
    assert await sandbox.files.read_file(path) == ""
    assert (await sandbox.files.get_info(path)).path == path


async def test_all_files_of_a_request_or_none(sandbox: Sandbox, place: Path) -> None:
    (place / "directory").mkdir()
    with pytest.raises(IsADirectoryException):
        await sandbox.files.write_files([(place / "one", "1"), (place / "directory", "2")])
    assert not (place / "one").exists()
    await sandbox.files.write_files([(place / str(number), str(number)) for number in range(500)])
    await sandbox.files.write_files([WriteEntry(place / "run.sh", "echo hi", mode=0o755)])
    assert (await sandbox.commands.run(f"{place}/run.sh; cat {place}/499")).stdout == "hi\n499"


async def test_refusals_have_their_exceptions(sandbox: Sandbox, place: Path) -> None:
    (place / "file").write_text("x")
    os.mkfifo(place / "fifo")
    with pytest.raises(FileNotFoundException, match="nope"):
        await sandbox.files.read_file(place / "nope")
    with pytest.raises(IsADirectoryException):
        await sandbox.files.read_file(place)
    with pytest.raises(InvalidFileException):
        await sandbox.files.read_file(place / "fifo")
    with pytest.raises(NotADirectoryException):
        await sandbox.files.write_file(place / "file" / "below", "x")


@pytest.mark.parametrize("size", [1, 50_000_000])
async def test_a_refusal_reaches_who_is_still_sending(sandbox: Sandbox, place: Path, size: int) -> None:
    for _ in range(3):
        with pytest.raises(IsADirectoryException):
            await sandbox.files.write_file(place, b"x" * size)


async def test_a_file_without_a_size_is_read_to_its_end(sandbox: Sandbox) -> None:
    assert (await sandbox.files.read_file("/proc/version")).startswith("Linux version")


async def test_reads_survive_cuts_at_random_places(execd: RunningDaemon, place: Path) -> None:
    content = os.urandom(3_000_000)
    (place / "file").write_bytes(content)
    with cutting_proxy(execd.address) as proxy:
        async with await Sandbox.connect(proxy.url, access_token=execd.token) as sandbox:
            for seed in range(6):
                proxy.drop()
                proxy.cuts = random_cuts(seed, cuts=6, largest=2_000_000)
                assert await sandbox.files.read_file(place / "file", binary=True) == content


async def test_writes_survive_cuts_of_their_answers(execd: RunningDaemon, place: Path) -> None:
    with cutting_proxy(execd.address) as proxy:
        async with await Sandbox.connect(proxy.url, access_token=execd.token) as sandbox:
            for cut in (0, 1, 40, 100):
                proxy.drop()
                proxy.cuts = iter([cut, 0])
                await sandbox.files.write_file(place / "file", str(cut) * 100_000)
                assert (place / "file").read_text() == str(cut) * 100_000
    assert os.listdir(place) == ["file"]


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def peak_kib() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


async def test_large_files_need_no_memory(sandbox: Sandbox, place: Path, tmp_path: Path) -> None:
    local, size = tmp_path / "local", 256 * 1024 * 1024
    local.touch()
    os.truncate(local, size)
    forget_peak()
    before_kib = peak_kib()
    await sandbox.files.write_file(place / "large", local)
    read = 0
    async for block in sandbox.files.read_stream(place / "large"):
        read += len(block)
    assert read == (await sandbox.files.get_info(place / "large")).size == size
    assert peak_kib() - before_kib < 32 * 1024
    (place / "large").unlink()


async def test_metrics_tell_what_the_sandbox_uses(sandbox: Sandbox) -> None:
    told = await sandbox.get_metrics()
    assert 0 < told.memory_used_in_mib <= told.memory_total_in_mib
    assert 0 <= told.cpu_percent <= 100
    assert told.cpu_count > 0
    assert told.pids is not None
    assert told.pids > 0
    seen = []
    async for sample in sandbox.watch_metrics(interval=0.1):
        seen.append(sample.timestamp)
        if len(seen) == 3:
            break
    assert seen == sorted(seen)
    assert seen[0] >= told.timestamp


async def test_a_watch_through_a_line_that_breaks_goes_on(execd: RunningDaemon) -> None:
    with cutting_proxy(execd.address) as proxy:
        async with await Sandbox.connect(proxy.url, access_token=execd.token) as sandbox:
            count = 0
            async for _ in sandbox.watch_metrics(interval=0.1):
                count += 1
                proxy.drop()
                if count == 4:
                    break
