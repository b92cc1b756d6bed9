# Generated from packages/sdk/tests/_async/test_files.py by tools/unasync.py; do not edit.
"""Files against a daemon that does as it is told, and over connections that break."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest

from opensandbox import SandboxSync, WriteEntry
from opensandbox.exceptions import (
    FileNotFoundException,
    IsADirectoryException,
    NoSpaceException,
    SandboxConnectionException,
    StreamInterruptedException,
)

from ..worlds import FEATURES, Incoming, Wire, cutting_proxy, fake_daemon

CURRENT = [*FEATURES, "create_mode"]
TOLD = {
    "path": "/work/a", "type": "file", "size": 3, "modified_at": "2026-11-23T10:00:12.588Z",
    "created_at": "2026-11-23T10:00:12.588Z", "owner": "root", "group": "root", "mode": 755,
}  # fmt: skip


def parts(request: Incoming) -> list[bytes]:
    """Return the contents of a multipart body's parts."""
    boundary = request.headers["content-type"].partition("boundary=")[2]
    return [
        part.partition(b"\r\n\r\n")[2] for part in (b"\r\n" + request.body).split(f"\r\n--{boundary}".encode())[1:-1]
    ]


def written(request: Incoming) -> list[tuple[dict[str, Any], bytes]]:
    found = parts(request)
    return [(json.loads(metadata), content) for metadata, content in zip(found[::2], found[1::2], strict=True)]


class OneReader:
    """An open file that cannot go back."""

    def __init__(self, content: bytes) -> None:
        self._content = BytesIO(content)

    def read(self, size: int, /) -> bytes:
        return self._content.read(size)


def test_text_bytes_paths_and_open_files_are_written(tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"from here")
    begun = BytesIO(b"abcdef")
    begun.seek(2)
    contents: list[tuple[Any, bytes]] = [
        ("h\u00e9", b"h\xc3\xa9"), (b"b", b"b"), (bytearray(b"c"), b"c"), (local, b"from here"), (begun, b"cdef"),
        (StringIO("\u00fc"), b"\xc3\xbc"), (OneReader(b"once"), b"once"), ("", b""),
    ]  # fmt: skip
    with fake_daemon(features=CURRENT) as daemon:
        daemon.on("POST", "/files/upload", lambda _, wire: wire.reply())
        with SandboxSync.connect(daemon.url) as sandbox:
            for data, _ in contents:
                sandbox.files.write_file("a", data)
        sent = [written(request) for request in daemon.seen("POST", "/files/upload")]
    assert sent == [[({"path": "a", "create_mode": 644}, content)] for _, content in contents]


class Changing:
    """A path whose file becomes another one once somebody has looked at it."""

    def __init__(self, path: Path, *, then: bytes) -> None:
        self._path = path
        self._then: list[bytes | None] = [None, then]

    def __fspath__(self) -> str:
        then = self._then.pop(0) if self._then else None
        if then is not None:
            self._path.write_bytes(then)
        return str(self._path)


def test_the_length_of_a_body_is_told_where_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "local").write_bytes(b"x" * 3_000_000)
    known: list[Any] = ["\u00fc", b"12", tmp_path / "local"]
    with fake_daemon(features=CURRENT) as daemon:
        daemon.on("POST", "/files/upload", lambda _, wire: wire.reply())
        with SandboxSync.connect(daemon.url) as sandbox:
            sandbox.files.write_files([(str(number), data) for number, data in enumerate(known)])
            sandbox.files.write_files([("a", "known"), ("b", OneReader(b"not"))])
        told, untold = daemon.seen("POST", "/files/upload")
    assert int(told.headers["content-length"]) == len(told.body)
    assert "content-length" not in untold.headers
    assert [len(content) for _, content in written(told)] == [2, 2, 3_000_000]


def test_a_file_that_grows_meanwhile_is_sent_as_long_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one")
    with fake_daemon(features=CURRENT) as daemon:
        daemon.on("POST", "/files/upload", lambda _, wire: wire.reply())
        with SandboxSync.connect(daemon.url) as sandbox:
            sandbox.files.write_file("a", Changing(tmp_path / "log", then=b"one and two"))
        ((_, content),) = written(daemon.seen("POST", "/files/upload")[0])
    assert content == b"one"


def test_a_file_that_shrinks_meanwhile_is_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one and two")
    with fake_daemon(features=CURRENT) as daemon:
        daemon.on("POST", "/files/upload", lambda _, wire: wire.reply())
        with SandboxSync.connect(daemon.url) as sandbox:
            with pytest.raises(OSError, match="became shorter"):
                sandbox.files.write_file("a", Changing(tmp_path / "log", then=b"one"))
            sandbox.files.write_file("a", "the sandbox still works")


def test_mode_and_owners_go_along() -> None:
    with fake_daemon(features=CURRENT) as daemon:
        daemon.on("POST", "/files/upload", lambda _, wire: wire.reply())
        with SandboxSync.connect(daemon.url) as sandbox:
            sandbox.files.write_file("a", "x", mode=0o4755, owner="ada", group="users")
        ((told, _),) = written(daemon.seen("POST", "/files/upload")[0])
    assert told == {"path": "a", "mode": 4755, "owner": "ada", "group": "users"}


def test_many_files_are_one_request_and_no_file_is_none() -> None:
    with fake_daemon(features=CURRENT) as daemon:
        daemon.on("POST", "/files/upload", lambda _, wire: wire.reply())
        with SandboxSync.connect(daemon.url) as sandbox:
            sandbox.files.write_files([WriteEntry("a", "1", mode=0o600), ("b", b"2")])
            sandbox.files.write_files([])
        (request,) = daemon.seen("POST", "/files/upload")
    assert written(request) == [({"path": "a", "mode": 600}, b"1"), ({"path": "b", "create_mode": 644}, b"2")]


def test_what_is_no_content_is_refused_before_anything_is_sent() -> None:
    with fake_daemon(features=CURRENT) as daemon:
        with SandboxSync.connect(daemon.url) as sandbox:
            with pytest.raises(TypeError):
                sandbox.files.write_file("a", 3)  # type: ignore[arg-type]
            with pytest.raises(ValueError, match="mode"):
                sandbox.files.write_files([("a", "1"), WriteEntry("b", "2", mode=0)])
        assert daemon.seen("POST", "/files/upload") == []


def test_a_file_of_ours_that_is_not_there_is_pythons_own_error(tmp_path: Path) -> None:
    with fake_daemon(features=CURRENT) as daemon:
        daemon.on("POST", "/files/upload", lambda _, wire: wire.reply())
        with SandboxSync.connect(daemon.url) as sandbox:
            with pytest.raises(FileNotFoundError, match="nope") as caught:
                sandbox.files.write_file("a", tmp_path / "nope")
            assert not isinstance(caught.value, FileNotFoundException)
            sandbox.files.write_file("a", "the sandbox still works")


@pytest.mark.parametrize(("existing", "mode"), [(True, 755), (False, 644)])
def test_a_daemon_that_would_choose_another_mode_is_told_ours(existing: bool, mode: int) -> None:
    with fake_daemon(features=FEATURES) as daemon:

        def info(_: Incoming, wire: Wire) -> None:
            if existing:
                wire.reply(200, {"a": TOLD})
            else:
                wire.refuse(404, "FILE_NOT_FOUND")

        daemon.on("GET", "/files/info", info)
        daemon.on("POST", "/files/upload", lambda _, wire: wire.reply())
        with SandboxSync.connect(daemon.url) as sandbox:
            sandbox.files.write_file("a", "x")
            sandbox.files.write_file("a", "x", mode=0o600)
        told = [written(request)[0][0] for request in daemon.seen("POST", "/files/upload")]
        assert [metadata["mode"] for metadata in told] == [mode, 600]
        assert len(daemon.seen("GET", "/files/info")) == 1


def test_a_body_is_made_again_for_another_try(tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"p" * 3_000_000)
    with fake_daemon(features=CURRENT) as daemon:

        def lose_the_first(_: Incoming, wire: Wire) -> None:
            if len(daemon.seen("POST", "/files/upload")) == 1:
                wire.cut()
            else:
                wire.reply()

        daemon.on("POST", "/files/upload", lose_the_first)
        with SandboxSync.connect(daemon.url) as sandbox:
            stream = BytesIO(b"skipped" + b"s" * 2_000_000)
            stream.seek(7)
            sandbox.files.write_files([("a", local), ("b", stream), ("c", "text")])
        first, second = (written(request) for request in daemon.seen("POST", "/files/upload"))
    assert first == second
    assert [len(content) for _, content in first] == [3_000_000, 2_000_000, 4]


def test_a_file_that_cannot_go_back_is_sent_once() -> None:
    with fake_daemon(features=CURRENT) as daemon:
        daemon.on("POST", "/files/upload", lambda _, wire: wire.cut())
        with SandboxSync.connect(daemon.url) as sandbox:
            with pytest.raises(SandboxConnectionException):
                sandbox.files.write_file("a", OneReader(b"once"))
        assert len(daemon.seen("POST", "/files/upload")) == 1


def test_a_refusal_is_the_answer_to_a_write() -> None:
    with fake_daemon(features=CURRENT) as daemon:
        daemon.on("POST", "/files/upload", lambda _, wire: wire.refuse(507, "NO_SPACE", "disk full"))
        with SandboxSync.connect(daemon.url) as sandbox:
            with pytest.raises(NoSpaceException, match="disk full"):
                sandbox.files.write_file("a", "x")


def test_a_file_is_read_as_text_or_bytes() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/files/download", lambda _, wire: wire.reply(200, b"h\xc3\xa9\r\n"))
        with SandboxSync.connect(daemon.url) as sandbox:
            assert sandbox.files.read_file("a b+c") == "h\u00e9\r\n"
            assert sandbox.files.read_file("a", binary=True) == b"h\xc3\xa9\r\n"
            assert sandbox.files.read_file("a", encoding="latin-1") == "h\u00c3\u00a9\r\n"
            assert [block for block in sandbox.files.read_stream("a")] == [b"h\xc3\xa9\r\n"]
        assert daemon.seen("GET", "/files/download")[0].query == {"path": "a b+c"}


def test_what_is_not_text_is_told_unless_asked_otherwise() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/files/download", lambda _, wire: wire.reply(200, b"\xff"))
        with SandboxSync.connect(daemon.url) as sandbox:
            with pytest.raises(UnicodeDecodeError):
                sandbox.files.read_file("a")
            assert sandbox.files.read_file("a", errors="replace") == "\ufffd"


def test_a_missing_file_is_pythons_error_too() -> None:
    with fake_daemon() as daemon:
        for path in ("/files/download", "/files/info"):
            daemon.on("GET", path, lambda _, wire: wire.refuse(404, "FILE_NOT_FOUND", "/work/a: no such file"))
        with SandboxSync.connect(daemon.url) as sandbox:
            with pytest.raises(FileNotFoundError, match="/work/a: no such file"):
                sandbox.files.read_file("a")
            with pytest.raises(FileNotFoundException) as caught:
                sandbox.files.get_info("a")
            assert caught.value.error.code == "FILE_NOT_FOUND"
            assert not sandbox.files.exists("a")


def test_only_a_missing_file_is_missing() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/files/info", lambda _, wire: wire.refuse(409, "IS_A_DIRECTORY"))
        with SandboxSync.connect(daemon.url) as sandbox:
            with pytest.raises(IsADirectoryException):
                sandbox.files.exists("a")


def test_what_is_there_is_told() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/files/info", lambda _, wire: wire.reply(200, {"a": TOLD}))
        with SandboxSync.connect(daemon.url) as sandbox:
            info = sandbox.files.get_info("a")
            assert (info.path, oct(info.mode), info.size) == ("/work/a", "0o755", 3)
            assert sandbox.files.exists("a")


class Served:
    """A file that is served in ranges, and may be replaced at any time."""

    def __init__(self, content: bytes, *, etag: str = '"v1"') -> None:
        self.content = content
        self.etag = etag

    def __call__(self, asked: Incoming, wire: Wire) -> None:
        start = 0
        if asked.headers.get("if-range") == self.etag:
            start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
        place = {"Content_Range": f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"} if start else {}
        wire.reply(206 if start else 200, self.content[start:], ETag=self.etag, Accept_Ranges="bytes", **place)


def test_a_read_survives_a_connection_that_breaks_anywhere() -> None:
    content = bytes(range(256)) * 4000
    with fake_daemon() as daemon, cutting_proxy(("127.0.0.1", daemon.port)) as proxy:
        daemon.on("GET", "/files/download", Served(content))
        with SandboxSync.connect(proxy.url) as sandbox:
            for cuts in ([0, 1], [150], [700_000, 0, 300_000], [200_001, 200_001, 200_001]):
                proxy.drop()
                proxy.cuts = iter(cuts)
                assert sandbox.files.read_file("a", binary=True) == content


def read_while_it_is_replaced(sandbox: SandboxSync, served: Served) -> None:
    for _ in sandbox.files.read_stream("a"):
        served.content, served.etag = b"b" * 500_000, '"v2"'


def test_a_read_that_breaks_while_the_file_is_replaced_says_so() -> None:
    served = Served(b"a" * 500_000)
    with fake_daemon() as daemon, cutting_proxy(("127.0.0.1", daemon.port)) as proxy:
        daemon.on("GET", "/files/download", served)
        with SandboxSync.connect(proxy.url) as sandbox:
            proxy.drop()
            proxy.cuts = iter([300_000])
            with pytest.raises(StreamInterruptedException, match="changed while it was read"):
                read_while_it_is_replaced(sandbox, served)


def test_a_reader_that_leaves_early_leaves_a_sandbox_that_works() -> None:
    with fake_daemon() as daemon:
        daemon.on("GET", "/files/download", Served(b"a" * 5_000_000))
        with SandboxSync.connect(daemon.url) as sandbox:
            for block in sandbox.files.read_stream("a"):
                assert block
                break
            assert len(sandbox.files.read_file("a")) == 5_000_000
