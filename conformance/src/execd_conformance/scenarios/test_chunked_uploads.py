"""Uploads that come in pieces."""

from __future__ import annotations

import asyncio
import os

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.forms import digest, digest_of, listed, mode_of
from execd_conformance.scenarios.trees import asked, refusal

_SIZE = 2_000_000


async def _append(raw: Raw, upload: str, offset: int, content: bytes) -> Reply:
    headers = {"Upload-Offset": str(offset)}
    return await raw.request("PATCH", f"/files/uploads/{upload}", content=content, headers=headers)


async def _offset(raw: Raw, upload: str) -> object:
    reply = await asked(raw, "GET", f"/files/uploads/{upload}")
    return reply.json().get("offset") if reply.status == 200 else refusal(reply)


@scenario(
    "files",
    "uploads.create",
    "uploads.append",
    "uploads.offset",
    "uploads.offset-mismatch",
    "uploads.complete",
    "uploads.too-much",
    "uploads.again",
    "error.offset-mismatch",
    features=["chunked_upload"],
)
async def test_pieces_become_a_file(checks: Checks, raw: Raw, folder: str) -> None:
    """In order, at their offsets, visible at the end; pieces that belong elsewhere, and too much."""
    content = os.urandom(_SIZE)
    made = await asked(raw, "POST", "/files/uploads", {"path": f"{folder}/new/big", "size": _SIZE, "mode": 640})
    told = made.json() if made.status == 201 else {}
    checks.that("uploads.create", made.status == 201 and told.get("offset") == 0, made)
    upload = str(told.get("upload_id"))
    first = await _append(raw, upload, 0, content[:500_000])
    checks.that("uploads.append", first.status == 200 and first.json().get("offset") == 500_000, first)
    for offset in (0, 499_999, 500_001):
        wrong = await _append(raw, upload, offset, b"x")
        checks.equal("uploads.offset-mismatch", (offset, refusal(wrong)), (offset, "409 OFFSET_MISMATCH"))
        checks.equal("error.offset-mismatch", refusal(wrong), "409 OFFSET_MISMATCH")
    checks.equal("uploads.offset", await _offset(raw, upload), 500_000)
    early = await asked(raw, "POST", f"/files/uploads/{upload}/complete")
    checks.equal("uploads.complete", refusal(early), "409 OFFSET_MISMATCH")
    checks.equal("uploads.complete", await listed(raw, f"{folder}/new"), [])
    checks.equal("uploads.too-much", (await _append(raw, upload, 500_000, content[500_000:] + bytes(10))).status, 413)
    at = await _offset(raw, upload)
    checks.that("uploads.too-much", isinstance(at, int) and 500_000 <= at < _SIZE, at)
    rest = await _append(raw, upload, int(str(at)), content[int(str(at)) :])
    checks.that("uploads.append", rest.status == 200 and rest.json().get("offset") == _SIZE, rest)
    false = await asked(raw, "POST", f"/files/uploads/{upload}/complete", {"sha256": "0" * 64})
    checks.equal("uploads.complete", false.status, 400)
    checks.equal("uploads.complete", await listed(raw, f"{folder}/new"), [])
    done = await asked(raw, "POST", f"/files/uploads/{upload}/complete", {"sha256": digest(content)})
    checks.equal("uploads.complete", done.status, 200)
    checks.equal("uploads.complete", await digest_of(raw, f"{folder}/new/big"), digest(content))
    checks.equal("uploads.create", await mode_of(raw, f"{folder}/new/big"), "640")
    again = await asked(raw, "POST", f"/files/uploads/{upload}/complete", {"sha256": digest(content)})
    checks.equal("uploads.again", again.status, 200)


@scenario("files", "uploads.cut", "uploads.delete", "error.upload-not-found", features=["chunked_upload"])
async def test_what_was_cut_goes_on_and_what_is_given_up_is_gone(checks: Checks, raw: Raw, folder: str) -> None:
    """A request that is cut in the middle: what it brought counts."""
    content = os.urandom(600_000)
    made = await asked(raw, "POST", "/files/uploads", {"path": f"{folder}/a/file", "size": len(content)})
    checks.need(made.status == 201, "an upload", made)
    upload = str(made.json()["upload_id"])
    reader, writer = await raw.open()
    token = f"X-EXECD-ACCESS-TOKEN: {raw.token}\r\n" if raw.token else ""
    head = (
        f"PATCH /files/uploads/{upload} HTTP/1.1\r\nHost: localhost\r\n{token}Upload-Offset: 0\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content[:400_000])
    await writer.drain()
    writer.close()
    del reader
    at: object = 0
    async with asyncio.timeout(10):
        while not (isinstance(at, int) and at > 0):
            at = await _offset(raw, upload)
            checks.need(isinstance(at, int), "an offset", at)
    checks.that("uploads.cut", int(str(at)) <= 400_000, at)
    rest = await _append(raw, upload, int(str(at)), content[int(str(at)) :])
    if rest.code == "OFFSET_MISMATCH":
        # More of the cut request has come to light meanwhile.
        at = rest.json()["details"]["offset"]
        rest = await _append(raw, upload, int(str(at)), content[int(str(at)) :])
    checks.equal("uploads.cut", rest.status, 200)
    await asked(raw, "POST", f"/files/uploads/{upload}/complete")
    checks.equal("uploads.cut", await digest_of(raw, f"{folder}/a/file"), digest(content))
    other = await asked(raw, "POST", "/files/uploads", {"path": f"{folder}/b/file", "size": 3})
    upload = str(other.json()["upload_id"])
    await _append(raw, upload, 0, b"abc")
    checks.equal("uploads.delete", (await asked(raw, "DELETE", f"/files/uploads/{upload}")).status, 200)
    checks.equal("uploads.delete", await _offset(raw, upload), "404 UPLOAD_NOT_FOUND")
    checks.equal("uploads.delete", await listed(raw, folder), ["a"])
    for reply in (
        await _append(raw, upload, 0, b"x"),
        await asked(raw, "POST", f"/files/uploads/{upload}/complete"),
        await asked(raw, "DELETE", f"/files/uploads/{upload}"),
    ):
        checks.equal("error.upload-not-found", refusal(reply), "404 UPLOAD_NOT_FOUND")


@scenario("files", "uploads.refused", features=["chunked_upload"])
async def test_what_cannot_be_written_is_refused_at_once(checks: Checks, raw: Raw, folder: str) -> None:
    """A directory at the target, a file in the way, sizes and offsets that are none."""
    await raw.run("mkdir d; touch f", cwd=folder)
    for path, size, want in (("d", 1, "409 IS_A_DIRECTORY"), ("f/x", 1, "409 NOT_A_DIRECTORY"), ("x", -1, None)):
        reply = await asked(raw, "POST", "/files/uploads", {"path": f"{folder}/{path}", "size": size})
        checks.equal("uploads.refused", (path, refusal(reply)), (path, want or "400 INVALID_REQUEST_BODY"))
    made = await asked(raw, "POST", "/files/uploads", {"path": f"{folder}/x", "size": 3})
    upload = str(made.json()["upload_id"])
    reply = await raw.request("PATCH", f"/files/uploads/{upload}", content=b"abc")
    checks.equal("uploads.refused", reply.status, 400)
    await asked(raw, "DELETE", f"/files/uploads/{upload}")
    checks.equal("uploads.refused", await listed(raw, folder), ["d", "f"])
