"""What is told of files, and whether it is true."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import about, inside

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@scenario(
    "files",
    "info.map",
    "info.fields",
    "info.size",
    "info.owner",
    "info.times",
    "info.missing",
    "info.no-path",
    "mode.decimal",
    "times.bodies",
    "error.file-not-found",
    profiles=["compat"],
)
async def test_files_are_told_as_they_are(checks: Checks, raw: Raw, folder: str) -> None:
    """Size, times, owner and mode beside what the sandbox itself says; several at once; one that is missing."""
    await raw.run(
        "seq 1 5000 > file; : > empty; mkdir sub; chmod 640 file; chmod 755 empty; chmod 700 sub; "
        "touch -d '2021-03-04 05:06:07.089 UTC' file",
        cwd=folder,
    )
    paths = [f"{folder}/{name}" for name in ("file", "empty", "sub")]
    reply = await raw.request("GET", "/files/info", params={"path": paths})
    checks.need(reply.status == 200, "information about three paths", reply)
    told: dict[str, Any] = reply.json()
    checks.equal("info.map", sorted(told), sorted(paths))
    for path, mode in zip(paths, (640, 755, 700), strict=True):
        each = told[path]
        kinds = {
            "path": str,
            "size": int,
            "modified_at": str,
            "created_at": str,
            "owner": str,
            "group": str,
            "mode": int,
        }
        checks.equal("info.fields", {name: type(each.get(name)) for name in kinds}, kinds)
        checks.equal("mode.decimal", each.get("mode"), mode)
        size, owner, group = (await inside(raw, "stat -c '%s %U %G'", path)).split()
        numbers = (await inside(raw, "stat -c '%u %g'", path)).split()
        checks.equal("info.size", each.get("size"), int(size))
        checks.that("info.owner", each.get("owner") in ({owner} if owner != "UNKNOWN" else {numbers[0]}), each)
        checks.that("info.owner", each.get("group") in ({group} if group != "UNKNOWN" else {numbers[1]}), each)
        for name in ("modified_at", "created_at"):
            for requirement in ("info.times", "times.bodies"):
                checks.that(requirement, _MOMENT.fullmatch(str(each.get(name))), each)
    checks.equal("info.times", told[paths[0]].get("modified_at"), "2021-03-04T05:06:07.089Z")
    now = datetime.fromisoformat(await inside(raw, "date -u +%Y-%m-%dT%H:%M:%S+00:00"))
    made = datetime.fromisoformat(told[paths[0]]["created_at"])
    checks.that("info.times", abs((now - made).total_seconds()) < 60, (now, made))
    missing = f"{folder}/missing"
    for wanted in (missing, [paths[0], missing], [missing, paths[0]]):
        gone = await raw.request("GET", "/files/info", params={"path": wanted})
        for requirement in ("info.missing", "error.file-not-found"):
            checks.equal(requirement, (gone.status, gone.code), (404, "FILE_NOT_FOUND"))
        checks.that("info.missing", missing in gone.text, gone)
    refused = await raw.request("GET", "/files/info")
    checks.equal("info.no-path", (refused.status, refused.code), (400, "MISSING_QUERY"))


@scenario("files", "info.type", "info.link", "info.absolute", "info.owner", "mode.twelve-bits", "info.missing")
async def test_entries_of_every_kind_are_told(checks: Checks, raw: Raw, folder: str) -> None:
    """Links that are not followed, special files, owners without names, all twelve bits."""
    await raw.run(
        "echo x > file; ln -s file link; ln -s nowhere dangling; ln -s . loop; mkfifo pipe; mkdir sub; "
        "chmod 4711 file; chmod 1777 sub",
        cwd=folder,
    )
    for name, kind in (
        ("file", "file"),
        ("sub", "directory"),
        ("link", "symlink"),
        ("dangling", "symlink"),
        ("loop", "symlink"),
        ("pipe", "other"),
    ):
        each = await about(raw, f"{folder}/{name}")
        checks.equal("info.type", (name, each.get("type")), (name, kind))
        checks.equal("info.absolute", each.get("path"), f"{folder}/{name}")
        target = {"link": "file", "dangling": "nowhere", "loop": "."}.get(name)
        checks.equal("info.link", (name, each.get("target")), (name, target))
        if target is not None:
            checks.equal("info.link", (each.get("size"), each.get("mode")), (len(target), 777))
    for path, kind in (("/dev/null", "other"), ("/", "directory")):
        checks.equal("info.type", (path, (await about(raw, path)).get("type")), (path, kind))
    for name, mode in (("file", 4711), ("sub", 1777)):
        checks.equal("mode.twelve-bits", (await about(raw, f"{folder}/{name}")).get("mode"), mode)
    below = await raw.request("GET", "/files/info", params={"path": f"{folder}/file/below"})
    checks.equal("info.missing", (below.status, below.code), (404, "FILE_NOT_FOUND"))
    if await inside(raw, "id -u") == "0":
        await raw.run("chown 54321:54322 file", cwd=folder)
        each = await about(raw, f"{folder}/file")
        checks.equal("info.owner", (each.get("owner"), each.get("group")), ("54321", "54322"))
    else:
        checks.that("info.owner", (await about(raw, "/")).get("owner") == "root")
