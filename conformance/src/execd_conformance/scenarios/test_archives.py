"""Directories as tar streams."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.forms import inside, listed, mode_of
from execd_conformance.scenarios.trees import asked, refusal, tree


def _archive(*members: dict[str, Any]) -> bytes:
    """Return an archive; each member has the fields of a TarInfo, and perhaps content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for fields in members:
            content = fields.pop("content", b"")
            info = tarfile.TarInfo()
            for name, value in {"size": len(content), "mode": 0o644, **fields}.items():
                setattr(info, name, value)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


async def _unpack(raw: Raw, folder: str, data: bytes, **headers: str) -> Reply:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await raw.request("PUT", "/directories/archive", params={"path": folder}, content=data, headers=sent)


def _names(data: bytes) -> list[str]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            return archive.getnames()
    except (tarfile.TarError, EOFError, OSError) as error:
        return [f"no archive: {error}"]


@scenario("files", "archive.out", "archive.exclude", "archive.coding", "archive.missing", features=["archive"])
async def test_a_directory_comes_out_as_an_archive(checks: Checks, raw: Raw, folder: str) -> None:
    """Files, directories and links; what is left out; compressed as asked; a directory that is missing."""
    await raw.run(
        "mkdir -p a/b node_modules/x; seq 1 100000 > a/b/numbers; chmod 751 a/b/numbers; ln -s b/numbers a/link; "
        "mkfifo a/pipe; touch a/x.pyc node_modules/x/y",
        cwd=folder,
    )
    plain = await asked(raw, "GET", "/directories/archive", path=folder)
    everything = ["a", "a/b", "a/b/numbers", "a/link", "a/x.pyc", "node_modules", "node_modules/x", "node_modules/x/y"]
    checks.equal("archive.out", (plain.status, _names(plain.body)), (200, everything))
    with tarfile.open(fileobj=io.BytesIO(plain.body)) as archive:
        member = archive.getmember("a/b/numbers")
        content = archive.extractfile(member)
        want = "".join(f"{number}\n" for number in range(1, 100_001)).encode()
        checks.that("archive.out", content is not None and content.read() == want)
        checks.equal("archive.out", (oct(member.mode), archive.getmember("a/link").linkname), ("0o751", "b/numbers"))
    some = await asked(raw, "GET", "/directories/archive", path=folder, exclude=["*.pyc", "node_modules"])
    checks.equal("archive.exclude", _names(some.body), ["a", "a/b", "a/b/numbers", "a/link"])
    packed = await raw.request(
        "GET", "/directories/archive", params={"path": folder}, headers={"Accept-Encoding": "gzip"}
    )
    checks.equal("archive.coding", packed.headers.get("content-encoding"), "gzip")
    checks.equal("archive.coding", _names(packed.body), everything)
    missing = await asked(raw, "GET", "/directories/archive", path=f"{folder}/missing")
    checks.equal("archive.missing", refusal(missing), "404 FILE_NOT_FOUND")


@scenario("files", "archive.in", "archive.coding", "archive.torn", features=["archive"])
async def test_an_archive_goes_into_a_directory(checks: Checks, raw: Raw, folder: str) -> None:
    """A new directory and one that is there; compressed; one that ends too early; one that is none."""
    content = os.urandom(300_000)
    members = (
        {"name": "a", "type": tarfile.DIRTYPE, "mode": 0o750},
        {"name": "a/file", "content": content, "mode": 0o751},
        {"name": "a/link", "type": tarfile.SYMTYPE, "linkname": "file"},
        {"name": "deep/er/file", "content": b"x"},
    )
    data = _archive(*(dict(member) for member in members))
    reply = await _unpack(raw, f"{folder}/new", data)
    checks.equal("archive.in", (reply.status, reply.body), (200, b""))
    want = ["a", "a/file", "a/link", "deep", "deep/er", "deep/er/file"]
    checks.equal("archive.in", await tree(raw, f"{folder}/new"), want)
    checks.equal(
        "archive.in",
        (await mode_of(raw, f"{folder}/new/a"), await mode_of(raw, f"{folder}/new/a/file")),
        ("750", "751"),
    )
    checks.equal("archive.in", await inside(raw, "wc -c <", f"{folder}/new/a/link"), "300000")
    await raw.run("mkdir there; touch there/kept", cwd=folder)
    packed = await _unpack(raw, f"{folder}/there", gzip.compress(data), Content_Encoding="gzip")
    checks.equal("archive.coding", packed.status, 200)
    checks.equal("archive.coding", await tree(raw, f"{folder}/there"), [*want, "kept"])
    unknown = await _unpack(raw, f"{folder}/there", data, Content_Encoding="br")
    checks.equal("archive.coding", unknown.status, 400)
    for torn in (data[:200_000], b"no archive at all" * 100):
        reply = await _unpack(raw, f"{folder}/torn", torn)
        checks.equal("archive.torn", reply.status, 400)
    checks.that("archive.torn", "a/file" not in await tree(raw, f"{folder}/torn"))


@scenario("files", "archive.leaving", features=["archive"])
async def test_an_archive_does_not_leave_its_directory(checks: Checks, raw: Raw, folder: str) -> None:
    """Names, links and directories that lead out; what is neither file nor directory nor link."""
    await raw.run("mkdir target outside; ln -s ../outside target/link; echo old > outside/file", cwd=folder)
    hostile: tuple[dict[str, Any], ...] = (
        {"name": "../outside/new", "content": b"x"},
        {"name": "a/../../outside/new", "content": b"x"},
        {"name": f"{folder}/outside/new", "content": b"x"},
        {"name": "link/new", "content": b"x"},
        {"name": "out", "type": tarfile.SYMTYPE, "linkname": "../outside"},
        {"name": "out", "type": tarfile.SYMTYPE, "linkname": "/etc"},
        {"name": "hard", "type": tarfile.LNKTYPE, "linkname": "../outside/file"},
        {"name": "device", "type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
    )
    for member in hostile:
        reply = await _unpack(raw, f"{folder}/target", _archive(dict(member)))
        named = (member["name"], member.get("linkname"))
        checks.that("archive.leaving", 400 <= reply.status < 500, (named, reply))
    checks.equal("archive.leaving", await listed(raw, f"{folder}/outside"), ["file"])
    checks.equal("archive.leaving", await inside(raw, "cat", f"{folder}/outside/file"), "old")
    checks.equal("archive.leaving", [name for name in await listed(raw, f"{folder}/target") if name != "a"], ["link"])
