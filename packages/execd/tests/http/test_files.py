"""Files over HTTP: what answers say, in the room's own words, and what is closed when a client leaves."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import threading
from base64 import b64decode
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execd.files.content import BLOCK
from execd.files.threads import settled

from ..files.worlds import BOUNDARY, file, form, in_pieces, metadata
from .worlds import Reply, Wire, World, scope_of, world

CMDLINE = Path("/proc/self/cmdline").read_bytes()
FORM = ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")


@pytest.fixture
def rooms(tmp_path: Path) -> World:
    return world(root=str(tmp_path))


async def get(rooms: World, path: object, **headers: str) -> Reply:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return await rooms.call("GET", f"/files/download?path={quote(str(path))}", headers=named)


# ── info ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_several_paths_are_told_under_the_names_they_were_sent_with(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "a b").touch()
    (tmp_path / "link").symlink_to("nowhere")
    reply = await rooms.call("GET", "/files/info?path=a+b&path=~/link&path=.")
    assert reply.status == 200
    assert {key: (entry["path"], entry["type"]) for key, entry in reply.json.items()} == {
        "a b": (f"{tmp_path}/a b", "file"),
        "~/link": (f"{tmp_path}/link", "symlink"),
        ".": (str(tmp_path), "directory"),
    }


async def test_a_name_that_is_no_text_is_asked_for_and_told_in_bytes(rooms: World, tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.close(os.open(raw, os.O_CREAT))
    reply = await rooms.call("GET", "/files/info?path=%FF%FE")
    [(key, entry)] = reply.json.items()
    assert key == "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert b64decode(entry["path_b64"]) == raw


async def test_names_that_read_the_same_as_text_are_not_mixed_up(rooms: World) -> None:
    reply = await rooms.call("GET", "/files/info?path=%FF&path=%FE")
    assert (reply.status, reply.code) == (400, "INVALID_QUERY")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "MISSING_QUERY"),
        ("?path=", 400, "MISSING_QUERY"),
        ("?path=a&path=", 400, "MISSING_QUERY"),
        ("?path=%zz", 400, "INVALID_QUERY"),
        ("?path=%00", 400, "INVALID_FILE"),
        ("?path=nope", 404, "FILE_NOT_FOUND"),
    ],
)
@pytest.mark.parametrize("route", ["/files/info", "/files/download"])
async def test_a_path_that_is_wrong_or_leads_nowhere(
    rooms: World, route: str, query: str, status: int, code: str
) -> None:
    reply = await rooms.call("GET", route + query)
    if route == "/files/download" and "path=a&" in query:
        assert reply.code == "FILE_NOT_FOUND"  # a single value counts once, the first
        return
    assert (reply.status, reply.code) == (status, code)


async def test_what_is_missing_is_named(rooms: World, tmp_path: Path) -> None:
    reply = await rooms.call("GET", "/files/info?path=.&path=gone/file")
    assert (reply.status, reply.json["details"]) == (404, {"path": f"{tmp_path}/gone/file"})


# ── download ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_whole_file_comes_with_all_that_is_known_of_it(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"0123456789")
    os.utime(tmp_path / "data.bin", (1_000_000_000, 1_000_000_000))
    reply = await get(rooms, "data.bin")
    assert (reply.status, reply.body) == (200, b"0123456789")
    assert (
        reply.headers.items()
        >= {
            "content-type": "application/octet-stream",
            "content-length": "10",
            "accept-ranges": "bytes",
            "last-modified": "Sun, 09 Sep 2001 01:46:40 GMT",
            "content-disposition": 'attachment; filename="data.bin"',
        }.items()
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(0, 2 * BLOCK + 9), data=st.data())
async def test_a_range_is_that_part_of_the_file(tmp_path: Path, size: int, data: st.DataObject) -> None:
    content = os.urandom(size)
    (tmp_path / "data").write_bytes(content)
    first = data.draw(st.integers(0, size + 2))
    last = data.draw(st.integers(first, size + 10))
    reply = await get(world(root=str(tmp_path)), "data", Range=f"bytes={first}-{last}")
    wanted = content[first : last + 1]
    if not wanted:
        assert (reply.status, reply.code, reply.headers["content-range"]) == (
            416,
            "RANGE_NOT_SATISFIABLE",
            f"bytes */{size}",
        )
        return
    assert (reply.status, reply.body) == (206, wanted)
    assert reply.headers["content-range"] == f"bytes {first}-{first + len(wanted) - 1}/{size}"
    assert reply.headers["content-length"] == str(len(wanted))


async def test_several_ranges_come_as_a_part_each(rooms: World, tmp_path: Path) -> None:
    data = os.urandom(3 * BLOCK)
    (tmp_path / "data").write_bytes(data)
    reply = await get(rooms, "data", Range=f"bytes=0-1,{BLOCK - 1}-{2 * BLOCK + 5},-3,99999999-")
    assert reply.status == 206
    assert reply.headers["content-length"] == str(len(reply.body))
    message = email.message_from_bytes(
        f"Content-Type: {reply.headers['content-type']}\r\n\r\n".encode() + reply.body, policy=email.policy.HTTP
    )
    parts = {part["content-range"]: part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()}
    assert parts == {
        f"bytes {span.start}-{span.stop - 1}/{len(data)}": data[span]
        for span in (slice(0, 2), slice(BLOCK - 1, 2 * BLOCK + 6), slice(len(data) - 3, len(data)))
    }


async def test_more_ranges_than_there_is_file_and_other_units_get_the_whole_file(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"0123456789")
    for asked in ("bytes=0-,1-,2-", "bytes=" + ",".join(["0-0"] * 101), "lines=1-2", "bytes=x"):
        reply = await get(rooms, "data", Range=asked)
        assert (reply.status, reply.body) == (200, b"0123456789")


async def test_a_range_of_another_state_gets_the_whole_file(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"old old")
    etag = (await get(rooms, "data")).headers["etag"]
    same = await get(rooms, "data", Range="bytes=4-", If_Range=etag)
    assert (same.status, same.body) == (206, b"old")
    (tmp_path / "data").write_bytes(b"new new")
    other = await get(rooms, "data", Range="bytes=4-", If_Range=etag)
    assert (other.status, other.body) == (200, b"new new")


async def test_who_has_the_file_already_is_told_so(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"0123456789")
    first = await get(rooms, "data")
    for headers in ({"If_None_Match": first.headers["etag"]}, {"If_Modified_Since": first.headers["last-modified"]}):
        again = await get(rooms, "data", Range="bytes=0-1", **headers)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert "content-length" not in again.headers


async def test_head_answers_what_get_would_without_reading(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(BLOCK + 1))
    head = await rooms.call("HEAD", "/files/download?path=data", headers=[("Range", "bytes=0-1")])
    full = await get(rooms, "data")
    assert (head.status, head.body) == (200, b"")
    assert {**head.headers, "x-request-id": ""} == {**full.headers, "x-request-id": ""}


async def test_a_file_of_proc_comes_to_its_end_and_takes_no_range(rooms: World) -> None:
    reply = await get(rooms, "/proc/self/cmdline", Range="bytes=0-3")
    assert (reply.status, reply.body) == (200, CMDLINE)
    assert {"accept-ranges", "etag"}.isdisjoint(reply.headers)


async def test_what_is_no_file_is_refused(rooms: World, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert [(reply.status, reply.code) for reply in (await get(rooms, "."), await get(rooms, "pipe"))] == [
        (409, "IS_A_DIRECTORY"),
        (400, "INVALID_FILE"),
    ]


async def test_lines_of_a_text_are_given_by_number(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"one\ntwo\xff\n\nfour")
    for query, wanted in (
        ("offset=2&limit=2", b"two\xff\n\n"),
        ("limit=1", b"one\n"),
        ("offset=4", b"four"),
        ("offset=9", b""),
        ("limit=0", b""),
    ):
        reply = await rooms.call("GET", f"/files/download?path=data&{query}")
        assert (reply.status, reply.body) == (200, wanted)
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"


async def test_lines_go_with_no_range_and_are_counted_from_one(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    for target, headers in (
        ("limit=1", [("Range", "bytes=0-1")]),
        ("offset=0", []),
        ("offset=x", []),
        ("limit=-1", []),
    ):
        reply = await rooms.call("GET", f"/files/download?path=data&{target}", headers=headers)
        assert (reply.status, reply.code) == (400, "INVALID_QUERY")


async def test_a_client_that_leaves_in_the_middle_leaves_no_descriptor_open(rooms: World, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(8 * BLOCK))
    before = len(os.listdir("/proc/self/fd"))
    wire = Wire()
    stuck = asyncio.Event()

    async def send(message: object) -> None:
        await wire.send(message)  # type: ignore[arg-type]
        if len(wire.sent) > 2:
            stuck.set()
            await asyncio.Event().wait()

    serving = asyncio.ensure_future(rooms.app(scope_of("GET", "/files/download?path=data"), wire.receive, send))
    async with asyncio.timeout(10):
        await stuck.wait()
        wire.leave()
        await serving
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_file_that_shrinks_while_it_is_sent_does_not_end_as_if_it_were_whole(
    rooms: World, tmp_path: Path
) -> None:
    path = tmp_path / "data"
    path.write_bytes(bytes(4 * BLOCK))
    wire = Wire()

    async def send(message: object) -> None:
        await wire.send(message)  # type: ignore[arg-type]
        os.truncate(path, BLOCK // 2)

    async with asyncio.timeout(10):
        await rooms.app(scope_of("GET", "/files/download?path=data"), wire.receive, send)
    assert not wire.ended
    assert len(wire.body) < 4 * BLOCK


# ── upload ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_upload_is_there_when_it_is_answered(rooms: World, tmp_path: Path) -> None:
    large = os.urandom(3 * BLOCK + 17)
    body = form(metadata("new/dir/large", mode=600), file(large), metadata("$HOME/small"), file(b"x"))
    reply = await rooms.call("POST", "/files/upload", headers=[FORM], body=in_pieces(body, 65536))
    assert (reply.status, reply.body) == (200, b"")
    assert (tmp_path / "new/dir/large").read_bytes() == large
    assert oct((tmp_path / "new/dir/large").stat().st_mode) == "0o100600"
    assert (tmp_path / "small").read_bytes() == b"x"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data", "multipart/mixed; boundary=a", "multipart/form-data; boundary="],
)
async def test_an_upload_that_is_no_form_is_refused(rooms: World, content_type: str) -> None:
    reply = await rooms.call("POST", "/files/upload", headers=[("Content-Type", content_type)], body=b"x")
    assert (reply.status, reply.code) == (400, "INVALID_FILE")
    assert (await rooms.call("POST", "/files/upload")).code == "INVALID_FILE"


async def test_a_boundary_may_be_in_quotes(rooms: World, tmp_path: Path) -> None:
    headers = [("Content-Type", f'Multipart/Form-Data; charset=utf-8; Boundary="{BOUNDARY}"')]
    reply = await rooms.call("POST", "/files/upload", headers=headers, body=form(metadata("a"), file(b"x")))
    assert reply.status == 200
    assert (tmp_path / "a").read_bytes() == b"x"


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.99])
async def test_a_client_that_leaves_in_mid_upload_leaves_nothing(rooms: World, tmp_path: Path, cut: float) -> None:
    body = form(metadata("dir/a"), file(bytes(2 * BLOCK)), metadata("dir/b"), file(bytes(2 * BLOCK)))
    wire = Wire(in_pieces(body[: int(len(body) * cut)], 65536), complete=False)
    wire.leave()
    headers = [FORM, ("Content-Length", str(len(body)))]
    async with asyncio.timeout(10):
        await rooms.app(scope_of("POST", "/files/upload", headers), wire.receive, wire.send)
    assert wire.sent == []
    assert os.listdir(tmp_path) == []


async def test_silence_in_mid_upload_is_answered_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    rooms = world(root=str(tmp_path), timeout_s=0.05)
    wire = Wire([form(metadata("dir/a"), file(b"x"))[:-30]], complete=False)
    async with asyncio.timeout(10):
        serving = asyncio.ensure_future(
            rooms.app(scope_of("POST", "/files/upload", [FORM, ("Content-Length", "900")]), wire.receive, wire.send)
        )
        await wire.until(b"BODY_TIMEOUT")
        wire.leave()
        await serving
    assert os.listdir(tmp_path) == []


async def test_when_the_daemon_goes_down_an_upload_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    rooms = world(root=str(tmp_path))
    wire = Wire([form(metadata("dir/a"), file(b"x"))[:-30]], complete=False)
    rooms.services.arrivals.close()
    async with asyncio.timeout(10):
        serving = asyncio.ensure_future(
            rooms.app(scope_of("POST", "/files/upload", [FORM, ("Content-Length", "900")]), wire.receive, wire.send)
        )
        await wire.until(b"SHUTTING_DOWN")
        wire.leave()
        await serving
    assert os.listdir(tmp_path) == []


# ── the threads ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_is_cancelled_waits_for_the_call_that_runs() -> None:
    may_end, loop = threading.Event(), asyncio.get_running_loop()
    job = loop.run_in_executor(None, may_end.wait, 10)
    waiting = asyncio.create_task(settled(job))
    await asyncio.sleep(0)
    for _ in range(3):
        waiting.cancel()
        await asyncio.sleep(0)
    assert not waiting.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert job.result() is True
