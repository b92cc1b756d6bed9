"""Every route that writes, where it cannot: each reason has its own code, and nothing is half-written."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from .daemons import Answer, Daemon, daemon
from .disks import mounted, names, remounted
from .files.worlds import BOUNDARY, file, form, metadata

MIB = 1 << 20
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all: what fails leaves nothing behind."""
    place = tmp_path_factory.mktemp("disks")
    (place / "root").mkdir()
    with daemon("--working-root", str(place / "root"), log=place / "log") as one:
        yield one


@pytest.fixture
def root(running: Daemon) -> Iterator[Path]:
    """Its working root, with nothing in it."""
    path = running.log.parent / "root"
    yield path
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@pytest.fixture
def disk(root: Path) -> Iterator[Path]:
    """A mebibyte, with one file."""
    with mounted(root / "disk") as at:
        (at / "old").write_text("old")
        yield at


def post(running: Daemon, target: str, body: object, method: str = "POST") -> Answer:
    return running.ask(method, target, body=json.dumps(body).encode())


def upload(running: Daemon, path: str, size: int) -> Answer:
    return running.ask("POST", "/files/upload", body=form(metadata(path), file(bytes(size))), Content_Type=FORM)


def write(running: Daemon, path: str, size: int) -> Answer:
    return running.ask("PUT", f"/files/content?path={path}", body=bytes(size))


def resumable(running: Daemon, path: str, size: int) -> Answer:
    created = post(running, "/files/uploads", {"path": path, "size": size})
    if created.status != 201:
        return created
    upload_id = created.json["upload_id"]
    appended = running.ask("PATCH", f"/files/uploads/{upload_id}", body=bytes(size), Upload_Offset="0")
    if appended.status != 200:
        assert running.ask("DELETE", f"/files/uploads/{upload_id}").status == 200
        return appended
    return running.ask("POST", f"/files/uploads/{upload_id}/complete")


def unpack(running: Daemon, path: str, size: int) -> Answer:
    stream = io.BytesIO()
    directory, _, name = path.rpartition("/")
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = size
        archive.addfile(member, io.BytesIO(bytes(size)))
    return running.ask("PUT", f"/directories/archive?path={directory}", body=stream.getvalue())


def move(running: Daemon, path: str, size: int) -> Answer:
    answer = write(running, "source/tree/big", size)
    assert answer.status == 200
    return post(running, "/files/mv", [{"src": "source/tree/big", "dest": path}])


def move_tree(running: Daemon, path: str, size: int) -> Answer:
    answer = write(running, "source/tree/big", size)
    assert answer.status == 200
    return post(running, "/files/mv", [{"src": "source/tree", "dest": path}])


Write = Callable[[Daemon, str, int], Answer]
WRITES: dict[str, Write] = {
    "upload": upload, "write": write, "resumable": resumable, "archive": unpack, "move": move, "move_tree": move_tree
}  # fmt: skip
each_write = pytest.mark.parametrize("way", WRITES.values(), ids=WRITES)


@each_write
def test_a_full_disk_is_told_and_nothing_is_half_written(running: Daemon, root: Path, disk: Path, way: Write) -> None:
    answer = way(running, "disk/new", 2 * MIB)

    assert (answer.status, answer.json["code"]) == (507, "NO_SPACE"), answer.body
    assert names(disk) == ["old"]
    if way in (move, move_tree):
        assert (root / "source/tree/big").stat().st_size == 2 * MIB
    # There is room again at once.
    assert write(running, "disk/fits", MIB // 2).status == 200


@each_write
def test_a_disk_without_room_for_one_more_name_is_full_too(running: Daemon, root: Path, disk: Path, way: Write) -> None:
    remounted(disk, "nr_inodes=3")
    (disk / "last").touch()

    answer = way(running, "disk/new", 10)

    assert (answer.status, answer.json["code"]) == (507, "NO_SPACE"), answer.body
    assert names(disk) == ["last", "old"]
    assert not names(root / "source") or (root / "source/tree/big").exists()


def test_directories_are_made_all_or_none_on_a_full_disk(running: Daemon, disk: Path) -> None:
    remounted(disk, "nr_inodes=6")

    answer = post(running, "/directories", {f"disk/{name}/below/deep": {} for name in "abc"})

    assert (answer.status, answer.json["code"]) == (507, "NO_SPACE")
    assert answer.json["details"]["changed"] == []
    assert names(disk) == ["old"]


def test_a_text_that_grows_beyond_the_disk_stays_as_it_was(running: Daemon, disk: Path) -> None:
    (disk / "text").write_text("a" * 100_000)

    answer = post(
        running, "/files/replace", {"disk/text": {"old": "a", "new": "b" * 100}, "disk/old": {"old": "o", "new": "O"}}
    )

    assert (answer.status, answer.json["code"]) == (507, "NO_SPACE")
    assert (disk / "text").read_text() == "a" * 100_000
    assert (disk / "old").read_text() == "old"
    assert names(disk) == ["old", "text"]


def test_an_upload_that_found_the_disk_full_goes_on_when_there_is_room(running: Daemon, disk: Path) -> None:
    data = os.urandom(3 * MIB)
    upload_id = post(running, "/files/uploads", {"path": "disk/new", "size": len(data)}).json["upload_id"]
    full = running.ask("PATCH", f"/files/uploads/{upload_id}", body=data, Upload_Offset="0")
    assert (full.status, full.json["code"]) == (507, "NO_SPACE")

    remounted(disk, "size=5m")
    offset = running.ask("GET", f"/files/uploads/{upload_id}").json["offset"]
    went_on = running.ask("PATCH", f"/files/uploads/{upload_id}", body=data[offset:], Upload_Offset=str(offset))

    assert 0 < offset <= MIB
    assert went_on.status == 200
    assert names(disk) == ["old"]
    assert running.ask("POST", f"/files/uploads/{upload_id}/complete").status == 200
    assert (disk / "new").read_bytes() == data


def test_what_fits_of_an_archive_is_whole(running: Daemon, disk: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in "abcdef":
            member = tarfile.TarInfo(name)
            member.size = 300_000
            archive.addfile(member, io.BytesIO(name.encode() * member.size))

    answer = running.ask("PUT", "/directories/archive?path=disk", body=stream.getvalue())

    assert (answer.status, answer.json["code"]) == (507, "NO_SPACE")
    assert answer.json["details"]["path"].startswith(f"{disk}/")
    there = [name for name in names(disk) if name != "old"]
    assert there == ["a", "b", "c"]
    assert all((disk / name).read_text() == name * 300_000 for name in there)


def small(way: Write, running: Daemon, path: str) -> Answer:
    return way(running, path, 10)


CHANGES: dict[str, Callable[[Daemon, str], Answer]] = {
    **{name: partial(small, way) for name, way in WRITES.items()},
    "directory": lambda running, path: post(running, "/directories", {path: {}}),
    "one_directory": lambda running, path: post(running, "/directories?parents=false", {path: {}}),
}
each_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


@each_change
def test_a_file_system_that_is_read_only_is_told(running: Daemon, disk: Path, change: Callable[..., Answer]) -> None:
    remounted(disk, "ro")

    answer = change(running, "disk/new")

    assert (answer.status, answer.json["code"]) == (403, "PERMISSION_DENIED"), answer.body


def test_nothing_is_changed_on_a_read_only_file_system(running: Daemon, disk: Path) -> None:
    (disk / "full").mkdir()
    (disk / "full/x").touch()
    remounted(disk, "ro")
    for answer in (
        running.ask("DELETE", "/files?path=disk/old"),
        running.ask("DELETE", "/directories?path=disk/full"),
        post(running, "/files/permissions", {"disk/old": {"mode": 600}}),
        post(running, "/files/replace", {"disk/old": {"old": "old", "new": "new"}}),
        post(running, "/files/mv", [{"src": "disk/old", "dest": "disk/new"}]),
        post(running, "/files/mv", [{"src": "disk/old", "dest": "away"}]),
    ):
        assert (answer.status, answer.json["code"]) == (403, "PERMISSION_DENIED"), answer.body
    assert names(disk) == ["full", "full/x", "old"]
    assert not (disk.parent / "away").exists()


@each_change
def test_a_path_through_a_file_is_a_conflict(running: Daemon, root: Path, change: Callable[..., Answer]) -> None:
    (root / "file").write_text("kept")

    answer = change(running, "file/below")

    assert (answer.status, answer.json["code"]) == (409, "NOT_A_DIRECTORY"), answer.body
    assert (root / "file").read_text() == "kept"


@pytest.mark.parametrize("way", [upload, write, resumable, unpack])
def test_a_directory_in_the_way_is_told(running: Daemon, root: Path, way: Write) -> None:
    (root / "in/the/way").mkdir(parents=True)

    answer = way(running, "in/the", 10)

    assert (answer.status, answer.json["code"]) == (409, "IS_A_DIRECTORY"), answer.body
    assert names(root) == ["in", "in/the", "in/the/way"]


@each_change
def test_a_name_that_is_too_long_is_told(running: Daemon, root: Path, change: Callable[..., Answer]) -> None:
    (root / "in").mkdir()

    answer = change(running, f"in/{'n' * 256}")

    assert (answer.status, answer.json["code"]) == (400, "INVALID_FILE"), answer.body
    assert names(root / "in") == []


@each_change
def test_a_loop_of_links_is_told(running: Daemon, root: Path, change: Callable[..., Answer]) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")

    answer = change(running, "a/new")

    assert answer.status in (400, 409), answer.body
    assert answer.json["code"] in ("INVALID_FILE", "NOT_A_DIRECTORY")


def test_what_something_is_mounted_on_stays(running: Daemon, root: Path, disk: Path) -> None:
    for answer in (
        running.ask("DELETE", "/directories?path=disk"),
        post(running, "/files/mv", [{"src": "disk", "dest": "elsewhere"}]),
    ):
        assert (answer.status, answer.json["code"]) == (403, "PERMISSION_DENIED"), answer.body
    assert os.path.ismount(disk)
