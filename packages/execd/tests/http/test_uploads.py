"""Resumable uploads: pieces in, in as many requests as it takes, and nothing to be seen before the end."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from execd.files import uploads
from execd.files.uploads import EXPIRES_S

from .worlds import Reply, Wire, World, scope_of, world


@pytest.fixture
def rooms(tmp_path: Path) -> World:
    return world(root=str(tmp_path))


async def create(rooms: World, path: str, size: int, **more: Any) -> str:
    reply = await rooms.call("POST", "/files/uploads", body=msgspec.json.encode({"path": path, "size": size, **more}))
    assert reply.status == 201, reply.json
    assert reply.json == {"upload_id": reply.json["upload_id"], "offset": 0, "size": size}
    return str(reply.json["upload_id"])


async def append(rooms: World, upload_id: str, offset: int, data: bytes) -> Reply:
    headers = [("Upload-Offset", str(offset))]
    return await rooms.call("PATCH", f"/files/uploads/{upload_id}", body=data, headers=headers)


async def complete(rooms: World, upload_id: str, **body: str) -> Reply:
    return await rooms.call(
        "POST", f"/files/uploads/{upload_id}/complete", body=msgspec.json.encode(body) if body else b""
    )


async def offset(rooms: World, upload_id: str) -> int:
    return int((await rooms.call("GET", f"/files/uploads/{upload_id}")).json["offset"])


async def test_pieces_become_a_file_when_all_of_them_are_there(rooms: World, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    upload = await create(rooms, "new/file", len(data), mode=640)

    assert (await append(rooms, upload, 0, data[:100_000])).json["offset"] == 100_000
    assert (await complete(rooms, upload)).code == "OFFSET_MISMATCH"
    assert os.listdir(tmp_path / "new") == []
    assert (await append(rooms, upload, 100_000, data[100_000:])).json["offset"] == len(data)
    assert (await complete(rooms, upload, sha256=hashlib.sha256(data).hexdigest())).status == 200

    assert (tmp_path / "new/file").read_bytes() == data
    assert (tmp_path / "new/file").stat().st_mode & 0o7777 == 0o640


async def test_a_piece_at_another_place_is_refused_and_told_where_to_go_on(rooms: World) -> None:
    upload = await create(rooms, "file", 10)
    await append(rooms, upload, 0, b"1234")

    for place in (0, 3, 5):
        reply = await append(rooms, upload, place, b"x")
        assert (reply.status, reply.code, reply.json["details"]["offset"]) == (409, "OFFSET_MISMATCH", 4)
    assert await offset(rooms, upload) == 4


async def test_more_than_was_announced_is_refused(rooms: World) -> None:
    upload = await create(rooms, "file", 3)

    assert (await append(rooms, upload, 0, b"1234")).status == 413
    assert await offset(rooms, upload) == 0


async def test_another_content_than_was_meant_does_not_appear(rooms: World, tmp_path: Path) -> None:
    upload = await create(rooms, "file", 3)
    await append(rooms, upload, 0, b"abc")

    assert (await complete(rooms, upload, sha256="0" * 64)).code == "INVALID_FILE_CONTENT"
    assert os.listdir(tmp_path) == []


async def test_who_asks_again_whether_it_is_complete_is_told_so(rooms: World, tmp_path: Path) -> None:
    upload = await create(rooms, "file", 0)

    assert (await complete(rooms, upload)).status == 200
    assert (await complete(rooms, upload)).status == 200
    assert (tmp_path / "file").read_bytes() == b""
    assert (await append(rooms, upload, 0, b"")).code == "UPLOAD_NOT_FOUND"


async def test_what_is_given_up_leaves_nothing(rooms: World, tmp_path: Path) -> None:
    upload = await create(rooms, "a/b/file", 3)
    await append(rooms, upload, 0, b"abc")

    assert (await rooms.call("DELETE", f"/files/uploads/{upload}")).status == 200

    assert os.listdir(tmp_path) == []
    assert (await complete(rooms, upload)).code == "UPLOAD_NOT_FOUND"
    assert (await rooms.call("DELETE", f"/files/uploads/{upload}")).code == "UPLOAD_NOT_FOUND"


async def test_what_a_cut_request_brought_counts(rooms: World, tmp_path: Path) -> None:
    upload = await create(rooms, "file", 6)
    wire = Wire([b"abc"], complete=False)
    headers = [("Upload-Offset", "0"), ("Content-Length", "6")]
    cut = asyncio.ensure_future(
        rooms.app(scope_of("PATCH", f"/files/uploads/{upload}", headers=headers), wire.receive, wire.send)
    )
    wire.leave()
    async with asyncio.timeout(5):
        await cut

    assert await offset(rooms, upload) == 3
    await append(rooms, upload, 3, b"def")
    await complete(rooms, upload)
    assert (tmp_path / "file").read_bytes() == b"abcdef"


async def test_a_new_request_ends_one_whose_client_is_long_gone(rooms: World, tmp_path: Path) -> None:
    upload = await create(rooms, "file", 3)
    wire = Wire([], complete=False)
    headers = [("Upload-Offset", "0"), ("Content-Length", "3")]
    silent = asyncio.ensure_future(
        rooms.app(scope_of("PATCH", f"/files/uploads/{upload}", headers=headers), wire.receive, wire.send)
    )
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        reply = await append(rooms, upload, 0, b"abc")
        await silent

    assert reply.json["offset"] == 3
    assert wire.reply().status == 409


async def test_one_that_nobody_goes_on_with_expires(
    rooms: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "EXPIRES_S", 0.01)
    upload = await create(rooms, "a/file", 3)

    async with asyncio.timeout(5):
        while (await rooms.call("GET", f"/files/uploads/{upload}")).status == 200:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        while os.listdir(tmp_path):  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)
    assert EXPIRES_S == 3600


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"path": "directory", "size": 1}, "409 IS_A_DIRECTORY"),
        ({"path": "file/x", "size": 1}, "409 NOT_A_DIRECTORY"),
        ({"path": "x", "size": -1}, "400 INVALID_REQUEST_BODY"),
        ({"path": "", "size": 1}, "400 INVALID_REQUEST_BODY"),
        ({"path": "x", "size": 1, "owner": "no such user"}, "400 INVALID_FILE_METADATA"),
    ],
)
async def test_what_cannot_be_written_is_refused_at_once(
    rooms: World, tmp_path: Path, body: dict[str, Any], refusal: str
) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()

    reply = await rooms.call("POST", "/files/uploads", body=msgspec.json.encode(body))

    assert f"{reply.status} {reply.code}" == refusal
    assert sorted(os.listdir(tmp_path)) == ["directory", "file"]


async def test_a_piece_says_where_it_belongs(rooms: World) -> None:
    upload = await create(rooms, "file", 3)

    for headers in ([], [("Upload-Offset", "x")], [("Upload-Offset", "-1")]):
        reply = await rooms.call("PATCH", f"/files/uploads/{upload}", body=b"abc", headers=headers)
        assert reply.code == "INVALID_QUERY"
