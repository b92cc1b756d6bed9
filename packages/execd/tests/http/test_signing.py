"""Signed requests: one method, one path, one limit, for a while, without the token."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import msgspec
import pytest

from execd.http.auth import Access
from execd.http.signing import Signer

from .worlds import Reply, World, world

TOKEN = ("X-EXECD-ACCESS-TOKEN", "secret")


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(tmp_path: Path, clock: Clock) -> World:
    return world(root=str(tmp_path), access=Access(tokens=("secret",)), signer=Signer(clock))


async def signed(rooms: World, method: str, path: str, **more: Any) -> str:
    body = msgspec.json.encode({"method": method, "path": path, "expires_s": 60, **more})
    reply = await rooms.call("POST", "/sign", headers=[TOKEN], body=body)
    assert reply.status == 200, reply.body
    return str(reply.json["url"])


async def test_a_signed_download_needs_no_token_and_no_allowed_origin(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "a b&c").write_text("content")
    url = await signed(rooms, "GET", "a b&c")

    reply = await rooms.call("GET", url, headers=[("Origin", "https://elsewhere"), ("Range", "bytes=3-")])
    head = await rooms.call("HEAD", url)

    assert (reply.status, reply.body) == (206, b"tent")
    assert (head.status, head.headers["content-length"]) == (200, "7")


async def test_a_signed_upload_writes_one_file_and_no_more_than_it_may(rooms: World, tmp_path: Path) -> None:
    url = await signed(rooms, "PUT", "new/file", max_bytes=4)

    assert (await rooms.call("PUT", url, body=b"12345")).status == 413
    assert os.listdir(tmp_path) == []
    assert (await rooms.call("PUT", url, body=b"1234")).status == 200
    assert (tmp_path / "new/file").read_text() == "1234"


async def test_whatever_is_altered_is_a_401(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "other").touch()
    get = await signed(rooms, "GET", "file")
    put = await signed(rooms, "PUT", "file", max_bytes=4)
    altered: list[tuple[str, str]] = [
        ("GET", get.replace("path=file", "path=other")),
        ("GET", get.replace("path=file", "path=./file")),
        ("GET", get.replace("expires=", "expires=1")),
        ("GET", get[:-1] + ("A" if get[-1] != "A" else "B")),
        ("GET", get.partition("&signature")[0] + "&signature="),
        ("GET", get + "%"),
        ("GET", get.replace("expires=", "expires=%")),
        ("PUT", get.replace("/files/download", "/files/content")),
        ("GET", put.replace("/files/content", "/files/download")),
        ("PUT", put.replace("max_bytes=4", "max_bytes=5")),
        ("PUT", put.replace("&max_bytes=4", "")),
        ("DELETE", get.replace("/files/download", "/files")),
        ("GET", get.replace("/files/download", "/files/info")),
    ]
    for method, url in altered:
        reply: Reply = await rooms.call(method, url, body=b"x" if method == "PUT" else b"")
        assert (reply.status, reply.code) == (401, "UNAUTHORIZED"), url
    assert (await rooms.call("GET", get, headers=[TOKEN])).status == 200


async def test_a_signature_expires(rooms: World, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    url = await signed(rooms, "GET", "file")

    clock.now_s += 59
    assert (await rooms.call("GET", url)).status == 200
    clock.now_s += 1
    assert (await rooms.call("GET", url)).status == 401
    assert (await rooms.call("GET", url, headers=[TOKEN])).status == 401


async def test_another_daemon_knows_nothing_of_it(rooms: World, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    url = await signed(rooms, "GET", "file")

    other = world(root=str(tmp_path), access=Access(tokens=("secret",)), signer=Signer(clock))
    assert (await other.call("GET", url)).status == 401


async def test_what_is_signed_is_asked_for_with_the_token(rooms: World) -> None:
    reply = await rooms.call("POST", "/sign", body=b'{"method":"GET","path":"file","expires_s":60}')
    assert reply.status == 401


@pytest.mark.parametrize(
    "wish",
    [
        {"method": "DELETE", "path": "file", "expires_s": 1},
        {"method": "GET", "path": "file", "expires_s": 0},
        {"method": "GET", "path": "file", "expires_s": 604801},
        {"method": "GET", "path": "", "expires_s": 1},
        {"method": "PUT", "path": "file", "expires_s": 1, "max_bytes": -1},
    ],
)
async def test_what_cannot_be_signed_is_refused(rooms: World, wish: dict[str, Any]) -> None:
    reply = await rooms.call("POST", "/sign", headers=[TOKEN], body=msgspec.json.encode(wish))
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST_BODY")


async def test_a_file_is_written_by_a_plain_body_with_the_token(rooms: World, tmp_path: Path) -> None:
    target = f"/files/content?path={quote_from_bytes(bytes([255]))}"
    assert (await rooms.call("PUT", target, body=b"abc", headers=[TOKEN])).status == 200
    assert os.listdir(os.fsencode(tmp_path)) == [b"\xff"]
    assert (tmp_path / "\udcff").stat().st_mode & 0o7777 == 0o644
