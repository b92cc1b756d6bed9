"""Files on their way in: what is written, with which mode and owner, and what is refused."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any, Final

from execd_conformance.checks import Checks, scenario
from execd_conformance.polling import eventually, steady
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import (
    Part,
    digest,
    digest_of,
    download,
    file,
    form,
    inside,
    listed,
    metadata,
    mode_of,
    pair,
    send,
    upload,
)

_MIB: Final = 1024 * 1024


def _bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - no secret, but the same each time


@scenario(
    "files",
    "upload.pairs",
    "upload.content",
    "upload.empty-success",
    "upload.metadata-with-filename",
    "upload.metadata-without-filename",
    "upload.parents",
    "upload.default-mode",
    "upload.mode",
    "mode.decimal",
    profiles=["compat"],
)
async def test_files_are_written(checks: Checks, raw: Raw, folder: str) -> None:
    """Several files in one request: bytes of any kind, a missing parent, modes."""
    contents = {
        "empty": b"",
        "line": b"hello\n",
        "ends": b"\r\n\r\n--\r\n",
        "form": b'--boundary\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--boundary--\r\n',
        "bytes": bytes(range(256)) * 300,
        "odd/place/random": _bytes(200_001),
    }
    parts: list[Part] = []
    for number, (name, content) in enumerate(contents.items()):
        parts += [metadata({"path": f"{folder}/{name}"}, filename="metadata" if number % 2 else None), file(content)]
    reply = await send(raw, *parts)
    checks.that("upload.empty-success", reply.status == 200 and reply.body == b"", reply)
    for number, (name, content) in enumerate(contents.items()):
        saw = await digest_of(raw, f"{folder}/{name}")
        same = saw == digest(content)
        checks.that("upload.content", same, name)
        checks.that("upload.pairs", same, name)
        checks.that("upload.metadata-with-filename" if number % 2 else "upload.metadata-without-filename", same, name)
        checks.equal("upload.default-mode", await mode_of(raw, f"{folder}/{name}"), "755")
    checks.equal("upload.parents", await listed(raw, f"{folder}/odd/place"), ["random"])
    for mode in (600, 644, 755, 777):
        await upload(raw, f"{folder}/m{mode}", b"x", mode=mode)
        for requirement in ("upload.mode", "mode.decimal"):
            checks.equal(requirement, await mode_of(raw, f"{folder}/m{mode}"), str(mode))
    again = await upload(raw, f"{folder}/line", b"other", mode=640)
    checks.equal("upload.mode", (again.status, await mode_of(raw, f"{folder}/line")), (200, "640"))
    checks.equal("upload.content", await inside(raw, "cat", f"{folder}/line"), "other")


@scenario("files", "upload.content", "download.whole", "download.length", profiles=["compat"])
async def test_a_large_file_goes_in_and_comes_out(checks: Checks, raw: Raw, folder: str) -> None:
    """20 MiB, in a body of announced length and in one of chunks."""
    content = _bytes(20 * _MIB + 1)
    made = form(*pair(f"{folder}/large", content))

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(made.body), 300_007):
            yield made.body[at : at + 300_007]

    for body in (made.body, chunks()):
        reply = await raw.request("POST", "/files/upload", content=body, headers=made.headers, timeout_s=25.0)
        checks.equal("upload.content", (reply.status, await digest_of(raw, f"{folder}/large")), (200, digest(content)))
        await inside(raw, "chmod 600", f"{folder}/large")
    got = await download(raw, f"{folder}/large")
    checks.that("download.whole", got.status == 200 and got.body == content, (got.status, len(got.body)))
    checks.equal("download.length", got.headers.get("content-length"), str(len(content)))


@scenario("files", "mode.strings", "mode.twelve-bits", "mode.zero", "mode.invalid", "upload.keeps-mode", "upload.mode")
async def test_all_forms_of_a_mode(checks: Checks, raw: Raw, folder: str) -> None:
    """Numbers, strings, all twelve bits, none, and what is none."""
    path = f"{folder}/file"
    for mode, want in (("0644", "644"), ("0o640", "640"), ("600", "600"), ("0o4755", "4755"), (5, "5")):
        await upload(raw, path, b"x", mode=mode)
        checks.equal("mode.strings", await mode_of(raw, path), want)
        await inside(raw, "chmod 600", path)  # for who is not root, and could not write it any more
    for mode in (4755, 2711, 1644, 7777, 600, 1):
        await upload(raw, path, b"x", mode=mode)
        for requirement in ("mode.twelve-bits", "upload.mode"):
            checks.equal(requirement, await mode_of(raw, path), str(mode))
        told = await raw.request("GET", "/files/info", params={"path": path})
        checks.that("mode.twelve-bits", told.json().get(path, {}).get("mode") == mode, told)
    await inside(raw, "chmod 4710", path)  # also of what could not be written any more
    for requirement, fields in (
        ("mode.zero", {"mode": 0}),
        ("upload.keeps-mode", {}),
        ("upload.keeps-mode", {"mode": None}),
    ):
        await upload(raw, path, b"new", **fields)
        checks.equal(requirement, (await mode_of(raw, path), await inside(raw, "cat", path)), ("4710", "new"))
    wrong: list[Any] = [888, 648, 10000, -1, "rw", "0x1ff", 6.5, [644], "", True]
    for mode in wrong:
        reply = await upload(raw, path, b"refused", mode=mode)
        if mode == "":  # as good as absent
            checks.that("mode.invalid", reply.status in {200, 400}, reply)
            continue
        checks.that("mode.invalid", (reply.status, reply.code) == (400, "INVALID_FILE_METADATA"), (mode, reply))
        checks.that("mode.invalid", await inside(raw, "cat", path) != "refused")


@scenario("files", "upload.create-mode", "upload.keeps-mode", features=["create_mode"])
async def test_the_mode_of_a_new_file(checks: Checks, raw: Raw, folder: str) -> None:
    """create_mode, beside mode and beside a file that is there."""
    for name, fields, want in (
        ("a", {"create_mode": 644}, "644"),
        ("b", {"create_mode": 644, "mode": 600}, "600"),
        ("c", {"create_mode": 644, "mode": 0}, "644"),
        ("d", {"create_mode": 0}, "755"),
    ):
        await upload(raw, f"{folder}/{name}", b"x", **fields)
        checks.equal("upload.create-mode", await mode_of(raw, f"{folder}/{name}"), want)
    await upload(raw, f"{folder}/b", b"y", create_mode=777)
    for requirement in ("upload.create-mode", "upload.keeps-mode"):
        checks.equal(requirement, await mode_of(raw, f"{folder}/b"), "600")


@scenario("files", "upload.owner", "upload.owner-unknown")
async def test_owners(checks: Checks, raw: Raw, folder: str, unique: str) -> None:
    """By name and by number; another one where the daemon may; one that does not exist."""
    path = f"{folder}/file"
    user, group, name, group_name = (await inside(raw, "id -u; id -g; id -un; id -gn")).split("\n")
    wanted = [(user, group), (name, group_name)]
    if user == "0":
        wanted += [("12345", "54321"), ("nobody", group_name)]
    for owner, of_group in wanted:
        reply = await upload(raw, path, b"x", owner=owner, group=of_group)
        seen = await inside(raw, "stat -c '%u %g %U %G'", path)
        told = dict(zip(("u", "g", "U", "G"), seen.split(), strict=False))
        checks.that("upload.owner", owner in {told.get("u"), told.get("U")}, (owner, seen, reply))
        checks.that("upload.owner", of_group in {told.get("g"), told.get("G")}, (of_group, seen, reply))
    before = await digest_of(raw, path)
    for fields in ({"owner": unique}, {"group": unique}):
        reply = await upload(raw, path, b"other", **fields)
        checks.that("upload.owner-unknown", reply.status == 400 and unique in reply.text, reply)
        checks.equal("upload.owner-unknown", await digest_of(raw, path), before)


@scenario(
    "files",
    "upload.through-link",
    "upload.onto-directory",
    "upload.file-in-the-way",
    "upload.all-or-nothing",
    "error.is-a-directory",
    "error.not-a-directory",
    "error.invalid-file",
)
async def test_what_is_at_the_target(checks: Checks, raw: Raw, folder: str) -> None:
    """A link, a dangling one, a directory, a file where a directory would have to be, a FIFO."""
    await raw.run("mkdir d; echo old > f; ln -s f link; ln -s new dangling; mkfifo p", cwd=folder)
    for link, target in (("link", "f"), ("dangling", "new")):
        await upload(raw, f"{folder}/{link}", b"through")
        checks.equal("upload.through-link", await inside(raw, "cat", f"{folder}/{target}"), "through")
        checks.equal("upload.through-link", await inside(raw, "readlink", f"{folder}/{link}"), target)
    before = await listed(raw, folder)
    for place, status, code, requirement in (
        ("d", 409, "IS_A_DIRECTORY", "upload.onto-directory"),
        ("f/below", 409, "NOT_A_DIRECTORY", "upload.file-in-the-way"),
        ("p", 400, "INVALID_FILE", "error.invalid-file"),
    ):
        reply = await send(raw, *pair(f"{folder}/first", b"x"), *pair(f"{folder}/{place}", b"x"))
        checks.that(requirement, (reply.status, reply.code) == (status, code), reply)
        if code != "INVALID_FILE":
            checks.equal(f"error.{code.lower().replace('_', '-')}", (reply.status, reply.code), (status, code))
        checks.equal("upload.all-or-nothing", await listed(raw, folder), before)


def _wrong_forms(good: tuple[Part, Part], path: str) -> list[tuple[str, str, list[Part]]]:
    meta, data = good
    no_meta, no_content, bad = "upload.metadata-missing", "upload.file-missing", "upload.metadata-invalid"
    wrong: list[tuple[str, str, list[Part]]] = [
        (no_meta, "INVALID_FILE_METADATA", [file(b"x")]),
        (no_meta, "INVALID_FILE_METADATA", [meta, data, file(b"x")]),
        (no_content, "INVALID_FILE_CONTENT", [meta]),
        (no_content, "INVALID_FILE_CONTENT", [meta, data, metadata({"path": f"{path}2"})]),
    ]
    told: list[Any] = [b"", b"{", b"[]", b"null", b'"x"', b"{} {}", {}, {"path": ""}, {"path": 7}, {"path": None}]
    told += [{"path": path, "colour": 1}, {"path": path, "owner": 7}, {"path": f"{path}\0"}, b'{"path":"\xff"}']
    return [*wrong, *((bad, "INVALID_FILE_METADATA", [meta, data, metadata(each), file(b"x")]) for each in told)]


@scenario(
    "files",
    "upload.metadata-missing",
    "upload.metadata-invalid",
    "upload.file-missing",
    "upload.no-form",
    "upload.all-or-nothing",
    "error.invalid-file-metadata",
    "error.invalid-file-content",
    "error.invalid-file",
)
async def test_forms_that_are_none(checks: Checks, raw: Raw, folder: str) -> None:
    """Parts that are missing, too many, or say nothing sound; nothing of such a request is written."""
    path = f"{folder}/there"
    await upload(raw, path, b"before", mode=640)
    good = pair(path, b"after", mode=600)
    for requirement, code, parts in _wrong_forms(good, path):
        reply = await send(raw, *parts)
        of_code = f"error.{code.lower().replace('_', '-')}"
        for each in (requirement, of_code):
            checks.that(each, (reply.status, reply.code) == (400, code), ([part.content for part in parts], reply))
    made = form(*good)
    cut = {"Content-Type": "multipart/form-data"}
    for headers, body in (
        ({"Content-Type": "application/json"}, made.body),
        ({"Content-Type": "text/plain"}, b"x"),
        (cut, made.body),
        (made.headers, b""),
        (made.headers, b"nothing of a form"),
        (made.headers, made.body[: len(made.body) // 2]),
        (made.headers, made.body[:-6]),
    ):
        reply = await raw.request("POST", "/files/upload", content=body, headers=headers)
        checks.that("upload.no-form", reply.status == 400 and reply.code is not None, (headers, body[-40:], reply))
        if headers is not made.headers:
            checks.equal("error.invalid-file", reply.code, "INVALID_FILE")
    checks.equal("upload.all-or-nothing", await listed(raw, folder), ["there"])
    seen = (await inside(raw, "cat", path), await mode_of(raw, path))
    checks.equal("upload.all-or-nothing", seen, ("before", "640"))


@scenario("files", "upload.aborted", "upload.all-or-nothing")
async def test_an_upload_that_is_cut_leaves_nothing(checks: Checks, raw: Raw, folder: str) -> None:
    """A connection that breaks at several places of a request with two files, one of them over another one."""
    await upload(raw, f"{folder}/there", b"before")
    made = form(*pair(f"{folder}/there", _bytes(_MIB)), *pair(f"{folder}/sub/new", _bytes(_MIB)))
    token = f"X-EXECD-ACCESS-TOKEN: {raw.token}\r\n" if raw.token else ""
    told = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
    head = f"POST /files/upload HTTP/1.1\r\nHost: x\r\n{token}{told}Content-Length: {len(made.body)}\r\n\r\n".encode()
    for share in (0.1, 0.5, 0.7, 0.999):
        _, writer = await raw.open()
        writer.write(head + made.body[: int(len(made.body) * share)])
        await writer.drain()
        writer.transport.abort()

        async def clean() -> bool:
            return await listed(raw, folder) == ["there"]

        checks.that("upload.aborted", await eventually(clean), "something is left")
        for requirement in ("upload.aborted", "upload.all-or-nothing"):
            checks.equal(requirement, await inside(raw, "cat", f"{folder}/there"), "before")

    async def entries() -> int:
        return len(await listed(raw, folder))

    checks.equal("upload.aborted", await steady(entries), 1)


@scenario("files", "upload.atomic")
async def test_a_reader_never_sees_a_part(checks: Checks, raw: Raw, folder: str) -> None:
    """Uploads over one file, read all the while inside."""
    contents = [_bytes(_MIB), _bytes(3 * _MIB)]
    path = f"{folder}/file"
    await upload(raw, path, contents[0])
    reading = f"cd '{folder}'; echo begun; while [ ! -e stop ]; do sha256sum < file || echo none; done | sort -u"
    async with raw.stream("POST", "/command", json={"command": reading}) as stream:
        await stream.until(lambda event: event.type == "stdout")
        for number in range(12):
            await upload(raw, path, contents[number % 2])
        await raw.run(f"touch '{folder}/stop'")
        await stream.until(lambda event: event.is_terminal)
    seen = {str(event.get("text"))[:64] for event in stream.events[1:] if event.type == "stdout"} - {"begun"}
    seen = {each for each in seen if each.strip()}
    checks.that("upload.atomic", seen <= set(map(digest, contents)), seen)
