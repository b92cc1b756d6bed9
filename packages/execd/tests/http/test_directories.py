"""Directories, searches and changes over HTTP: what is asked for in which words, and what is answered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from .worlds import Reply, World, world


@pytest.fixture
def rooms(tmp_path: Path) -> World:
    return world(root=str(tmp_path))


async def send(rooms: World, method: str, path: str, body: Any = None) -> Reply:
    return await rooms.call(method, path, body=b"" if body is None else msgspec.json.encode(body))


def names(reply: Reply, root: Path) -> list[str]:
    assert reply.status == 200, reply.json
    return [os.path.relpath(entry["path"], root) for entry in reply.json]


async def test_a_tree_is_made_listed_searched_and_removed(rooms: World, tmp_path: Path) -> None:
    made = await send(rooms, "POST", "/directories", {"a/b": {"mode": 750}, "~/c": {}})
    assert (made.status, made.body) == (200, b"")
    (tmp_path / "a/b/x.py").touch()
    (tmp_path / "link").symlink_to("a")

    assert names(await send(rooms, "GET", "/directories/list?path=."), tmp_path) == ["a", "c", "link"]
    assert names(await send(rooms, "GET", "/directories/list?path=.&depth=9"), tmp_path) == [
        "a",
        "a/b",
        "a/b/x.py",
        "c",
        "link",
    ]
    assert names(await send(rooms, "GET", "/directories/list?path=a&depth=0"), tmp_path) == []
    assert names(await send(rooms, "GET", "/files/search?path=.&pattern=*.py"), tmp_path) == ["a/b/x.py"]
    assert names(await send(rooms, "GET", "/files/search?path=.&pattern=b&include_directories=1"), tmp_path) == ["a/b"]
    assert names(await send(rooms, "GET", "/files/search?path=link&pattern=**&limit=1"), tmp_path) == ["link/b/x.py"]

    assert (await send(rooms, "DELETE", "/directories?path=a&path=c&path=gone")).status == 200
    assert os.listdir(tmp_path) == ["link"]


@pytest.mark.parametrize(
    ("request_line", "body", "refusal"),
    [
        ("GET /directories/list?path=gone", None, "404 FILE_NOT_FOUND"),
        ("GET /directories/list?path=file", None, "400 INVALID_FILE"),
        ("GET /directories/list?path=link", None, "400 INVALID_FILE"),
        ("GET /directories/list", None, "400 MISSING_QUERY"),
        ("GET /directories/list?path=.&depth=-1", None, "400 INVALID_QUERY"),
        ("GET /files/search?path=gone&pattern=*", None, "404 FILE_NOT_FOUND"),
        ("GET /files/search?path=file&pattern=*", None, "409 NOT_A_DIRECTORY"),
        ("GET /files/search?path=.", None, "400 MISSING_QUERY"),
        (f"GET /files/search?path=.&pattern={quote('{a,b}' * 12)}", None, "400 INVALID_QUERY"),
        ("DELETE /files?path=directory", None, "409 IS_A_DIRECTORY"),
        ("DELETE /files", None, "400 MISSING_QUERY"),
        ("DELETE /directories?path=file", None, "409 NOT_A_DIRECTORY"),
        ("DELETE /directories?path=directory&recursive=false", None, "409 DIRECTORY_NOT_EMPTY"),
        ("POST /directories", {"file/x": {}}, "409 NOT_A_DIRECTORY"),
        ("POST /directories?parents=false", {"a/b": {}}, "404 FILE_NOT_FOUND"),
        ("POST /directories?parents=false", {"file": {}}, "409 PATH_EXISTS"),
        ("POST /directories", {"": {}}, "400 INVALID_REQUEST_BODY"),
        ("POST /directories", {"a": {}, "./a": {}}, "400 INVALID_REQUEST_BODY"),
        ("POST /files/permissions", {"gone": {"mode": 644}}, "404 FILE_NOT_FOUND"),
        ("POST /files/permissions", {"file": {"owner": "no such user"}}, "400 INVALID_REQUEST_BODY"),
        ("POST /files/permissions", {"file": {"mode": 888}}, "400 INVALID_REQUEST_BODY"),
        ("POST /files/permissions", {"a\0b": {"mode": 644}}, "400 INVALID_FILE"),
        ("POST /files/mv", [{"src": "gone", "dest": "x"}], "404 FILE_NOT_FOUND"),
        ("POST /files/mv", [{"src": "file", "dest": "directory"}], "409 PATH_EXISTS"),
        ("POST /files/mv", [{"src": "file"}], "400 INVALID_REQUEST_BODY"),
        ("POST /files/replace", {"file": {"old": "", "new": "x"}}, "400 INVALID_REQUEST_BODY"),
        ("POST /files/replace", {"gone": {"old": "a", "new": "x"}}, "404 FILE_NOT_FOUND"),
    ],
)
async def test_each_refusal_has_its_own_code(
    rooms: World, tmp_path: Path, request_line: str, body: Any, refusal: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory/x").touch()
    (tmp_path / "link").symlink_to("directory")
    method, _, path = request_line.partition(" ")

    reply = await send(rooms, method, path, body)

    assert f"{reply.status} {reply.code}" == refusal
    assert sorted(os.listdir(tmp_path)) == ["directory", "file", "link"]


async def test_counts_of_replacements_come_under_the_paths_that_were_sent(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a a")

    told = await send(rooms, "POST", "/files/replace?verbose=true", {"~/file": {"old": "a", "new": "aa"}})
    silent = await send(rooms, "POST", "/files/replace", {"file": {"old": "aa", "new": "a"}})

    assert told.json == {"~/file": {"replacedCount": 2}}
    assert silent.body == b""
    assert (tmp_path / "file").read_text() == "a a"


async def test_a_search_that_finds_thousands_is_one_list(rooms: World, tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number:04}.txt").touch()

    assert names(await send(rooms, "GET", "/files/search?path=.&pattern=*.txt"), tmp_path) == [
        f"{number:04}.txt" for number in range(2000)
    ]
