"""Modes of files on their way in: numbers whose decimal digits are the octal mode, strings, none, and what is none."""

from __future__ import annotations

from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import inside, mode_of, upload


@scenario("files", "mode.zero", profiles=["compat"])
async def test_a_mode_of_zero_changes_none(checks: Checks, raw: Raw, folder: str) -> None:
    """What deployed clients send where they were told no mode."""
    path = f"{folder}/file"
    await upload(raw, path, b"x", mode=640)
    await upload(raw, path, b"new", mode=0)
    checks.equal("mode.zero", (await mode_of(raw, path), await inside(raw, "cat", path)), ("640", "new"))


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
