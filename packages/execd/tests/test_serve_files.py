"""Files of a daemon that is a process of its own: uploads that are cut, readers meanwhile, disks that are full."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import socket
import tarfile
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest

from .daemons import LIMIT_S, Daemon, daemon, without_uvloop
from .disks import mounted
from .files.worlds import BOUNDARY, file, form, metadata

MIB = 1 << 20
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The working root, with nothing in it."""
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture(params=[pytest.param(True, id="uvloop"), pytest.param(False, id="asyncio", marks=pytest.mark.slow)])
def running(tmp_path: Path, root: Path, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    variables = {} if request.param else without_uvloop(tmp_path)
    with daemon("--working-root", str(root), log=tmp_path / "log", variables=variables) as one:
        yield one


def until(holds: Callable[[], bool], what: str) -> None:
    """Return when something holds that nothing tells of; fails after the limit."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def head_of_upload(length: int) -> bytes:
    return (
        f"POST /files/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def open_files(running: Daemon) -> int:
    return len(os.listdir(f"/proc/{running.pid}/fd"))


def test_an_upload_that_is_cut_anywhere_leaves_nothing(running: Daemon, root: Path) -> None:
    old = root / "old"
    old.write_text("old")
    before = open_files(running)
    body = form(
        metadata("old"),
        file(os.urandom(2 * MIB)),
        metadata("new/a/b"),
        file(os.urandom(MIB)),
        metadata("c"),
        file(b"x"),
    )
    chance = random.Random(7)
    for turn in range(20):
        with running.connect() as client:
            client.send(head_of_upload(len(body)) + body[: chance.randrange(len(body) - 2)])
            if turn % 2:
                # A reset in place of an end.
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    until(lambda: os.listdir(root) == ["old"], "something is left of an upload")
    assert old.read_text() == "old"
    until(lambda: open_files(running) <= before, "a descriptor is left open")


def test_a_daemon_that_is_killed_in_mid_upload_leaves_no_file(running: Daemon, root: Path) -> None:
    body = form(metadata("a"), file(bytes(4 * MIB)))
    with running.connect() as client:
        client.send(head_of_upload(len(body)) + body[: 3 * MIB])
        until(lambda: _nameless(running), "the daemon has not begun to write")
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    assert os.listdir(root) == []


def _nameless(running: Daemon) -> bool:
    fds = f"/proc/{running.pid}/fd"
    targets = [os.readlink(f"{fds}/{fd}") for fd in os.listdir(fds) if os.path.lexists(f"{fds}/{fd}")]
    return any("(deleted)" in target and "root" in target for target in targets)


def test_readers_never_see_half_a_file(running: Daemon, root: Path) -> None:
    size = 3 * MIB
    (root / "file").write_bytes(b"a" * size)
    done = threading.Event()
    seen: list[bytes] = []
    wrong: list[str] = []

    def check(content: bytes) -> None:
        seen.append(content[:1])
        if len(content) != size or content.count(content[:1]) != size:
            wrong.append(f"{len(content)} bytes, {content[:1]!r} to {content[-1:]!r}")

    def read_disk() -> None:
        while not done.is_set():
            check((root / "file").read_bytes())

    def read_daemon() -> None:
        while not done.is_set():
            check(running.ask("GET", "/files/download?path=file").body)

    readers = [threading.Thread(target=read) for read in (read_disk, read_daemon)]
    for reader in readers:
        reader.start()
    try:
        for turn in range(20):
            content = b"ba"[turn % 2 : turn % 2 + 1] * size
            answer = running.ask("POST", "/files/upload", body=form(metadata("file"), file(content)), Content_Type=FORM)
            assert answer.status == 200
    finally:
        done.set()
        for reader in readers:
            reader.join(LIMIT_S)
    assert wrong == []
    assert set(seen) == {b"a", b"b"}


def test_a_thousand_files_arrive_in_one_request(running: Daemon, root: Path) -> None:
    pairs = [part for at in range(1000) for part in (metadata(f"dir/{at}"), file(b"%d" % at * 300))]
    assert running.ask("POST", "/files/upload", body=form(*pairs), Content_Type=FORM).status == 200
    assert {name: (root / "dir" / name).read_bytes() for name in os.listdir(root / "dir")} == {
        str(at): b"%d" % at * 300 for at in range(1000)
    }


def test_a_file_is_fetched_in_pieces_and_put_together(running: Daemon, root: Path) -> None:
    data = os.urandom(5 * MIB + 3)
    (root / "data").write_bytes(data)
    got, etag = b"", ""
    while len(got) < len(data):
        # As a client whose connection breaks after each piece.
        condition: dict[str, Any] = {"If_Range": etag} if etag else {}
        with running.connect() as client:
            client.request("GET", "/files/download?path=data", Range=f"bytes={len(got)}-", **condition)
            client.until(b"\r\n\r\n")
            head, _, piece = client.received.partition(b"\r\n\r\n")
            assert b" 206 " in head
            etag = next(line for line in head.decode().split("\r\n") if line.startswith("etag: "))[6:]
            while len(piece) < min(2 * MIB, len(data) - len(got)):
                assert client.read()
                piece = client.received[len(head) + 4 :]
        got += piece
    assert got == data


def test_a_client_that_leaves_a_download_leaves_nothing_open(running: Daemon, root: Path) -> None:
    (root / "data").write_bytes(bytes(64 * MIB))
    before = open_files(running)
    for _ in range(10):
        with running.connect() as client:
            client.request("GET", "/files/download?path=data")
            client.until(b"\r\n\r\n")
    until(lambda: open_files(running) <= before, "a descriptor is left open")


def test_names_that_are_no_text_are_told_and_fetched_by_their_bytes(running: Daemon, root: Path) -> None:
    raw = b"caf\xe9 \xff%41?&#+"
    with open(os.fsencode(root) + b"/" + raw, "wb") as made:
        made.write(b"content")
    sent = quote_from_bytes(raw)
    [entry] = running.ask("GET", f"/files/info?path={sent}").json.values()
    assert b64decode(entry["path_b64"]) == os.fsencode(root) + b"/" + raw
    answer = running.ask("GET", f"/files/download?path={sent}")
    assert answer.body == b"content"
    assert "filename*=UTF-8''caf%EF%BF%BD%20%EF%BF%BD%2541%3F&#+" in answer.headers["content-disposition"]


def test_what_waits_for_ever_holds_nobody_up(running: Daemon, root: Path) -> None:
    os.mkfifo(root / "pipe")
    for target in ("pipe", "/dev/random", "/dev/tty"):
        answer = running.ask("GET", f"/files/download?path={target}")
        assert (answer.status, answer.json["code"]) == (400, "INVALID_FILE")


# ── disks that are full ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_disk(root: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    with mounted(root / "disk") as disk:
        yield disk


def test_a_full_disk_is_507_and_nothing_is_left(running: Daemon, small_disk: Path) -> None:
    (small_disk / "old").write_text("old")
    body = form(
        metadata("disk/small"),
        file(b"x"),
        metadata("disk/old"),
        file(b"new"),
        metadata("disk/dir/big"),
        file(bytes(2 * MIB)),
    )
    answer = running.ask("POST", "/files/upload", body=body, Content_Type=FORM)
    assert (answer.status, answer.json["code"]) == (507, "NO_SPACE")
    assert answer.json["details"] == {"path": f"{small_disk}/dir/big"}
    assert os.listdir(small_disk) == ["old"]
    assert (small_disk / "old").read_text() == "old"
    answer = running.ask("POST", "/files/upload", body=form(metadata("disk/small"), file(b"x")), Content_Type=FORM)
    assert (answer.status, os.listdir(small_disk).sort()) == (200, ["old", "small"].sort())


def test_a_client_that_sends_everything_first_is_told_too(running: Daemon, small_disk: Path) -> None:
    def sent() -> Iterator[bytes]:
        yield metadata("disk/big")
        yield file(b"")[:-2]
        for _ in range(200):
            yield bytes(MIB)
        yield b"\r\n" + form()

    with httpx.Client(timeout=LIMIT_S, trust_env=False) as client:
        url = f"http://127.0.0.1:{running.port}/files/upload"
        answer = client.post(url, content=sent(), headers={"Content-Type": FORM})
    assert (answer.status_code, answer.json()["code"]) == (507, "NO_SPACE")
    assert os.listdir(small_disk) == []
    assert running.ask("GET", "/ping").status == 200


def test_every_way_to_write_is_507_on_a_full_disk_and_leaves_nothing(
    running: Daemon, small_disk: Path, root: Path
) -> None:
    (small_disk / "old").write_bytes(b"old" * 1000)
    (root / "elsewhere").mkdir()
    (root / "elsewhere/big").write_bytes(bytes(2 * MIB))
    before = sorted(os.listdir(small_disk))

    def refusal(method: str, target: str, body: bytes, **headers: str) -> tuple[int, str | None]:
        answer = running.ask(method, target, body=body, **headers)
        return answer.status, answer.json.get("code") if answer.body else None

    full = (507, "NO_SPACE")
    assert refusal("PUT", "/files/content?path=disk/a/big", bytes(2 * MIB)) == full
    move = json.dumps([{"src": "elsewhere", "dest": "disk/b/moved"}]).encode()
    assert refusal("POST", "/files/mv", move) == full
    replacement = json.dumps({"disk/old": {"old": "o", "new": "o" * 4000}}).encode()
    assert refusal("POST", "/files/replace", replacement) == full
    created = running.ask("POST", "/files/uploads", body=b'{"path": "disk/c/big", "size": 2097152}').json
    upload = f"/files/uploads/{created['upload_id']}"
    assert refusal("PATCH", upload, bytes(2 * MIB), Upload_Offset="0") == full
    kept = running.ask("GET", upload).json["offset"]
    assert 0 < kept < MIB
    assert running.ask("DELETE", upload).status == 200
    assert sorted(os.listdir(small_disk)) == before

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(root / "elsewhere/big", "whole/big")
    assert refusal("PUT", "/directories/archive?path=disk/d", archive.getvalue()) == full
    # What had come whole before is there, of what had not there is nothing.
    assert list((small_disk / "d").rglob("*")) == [small_disk / "d/whole"]
    assert (root / "elsewhere/big").stat().st_size == 2 * MIB
    assert (small_disk / "old").read_bytes() == b"old" * 1000
    assert running.ask("PUT", "/files/content?path=disk/fits", body=b"x").status == 200
