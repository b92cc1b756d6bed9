"""Directories: made, listed, removed."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import mode_of
from execd_conformance.scenarios.trees import asked, below, refusal, tree


@scenario(
    "files",
    "directory.make",
    "directory.mode",
    "directory.empty-success",
    "directory.in-the-way",
    "directory.all-or-none",
    profiles=["compat"],
)
async def test_directories_are_made(checks: Checks, raw: Raw, folder: str) -> None:
    """With parents and modes; one that is there; a file in the way, at the end and on the way."""
    made = await asked(raw, "POST", "/directories", {f"{folder}/a/b": {"mode": 750}, f"{folder}/c": {"mode": 2775}})
    checks.equal("directory.make", await tree(raw, folder), ["a", "a/b", "c"])
    checks.equal("directory.empty-success", (made.status, made.body), (200, b""))
    checks.equal("directory.mode", await mode_of(raw, f"{folder}/a/b"), "750")
    checks.equal("directory.mode", await mode_of(raw, f"{folder}/c"), "2775")
    checks.that("directory.mode", await mode_of(raw, f"{folder}/a") != "750")
    again = await asked(raw, "POST", "/directories", {f"{folder}/a/b": {"mode": 700}})
    checks.equal("directory.make", again.status, 200)
    await raw.run("touch file", cwd=folder)
    for path in ("file", "file/below"):
        reply = await asked(raw, "POST", "/directories", {f"{folder}/new/x": {}, f"{folder}/{path}": {"mode": 755}})
        checks.equal("directory.in-the-way", (path, refusal(reply)), (path, "409 NOT_A_DIRECTORY"))
    checks.equal("directory.all-or-none", await tree(raw, folder), ["a", "a/b", "c", "file"])


@scenario("files", "directory.no-parents", "error.path-exists", features=["directories"])
async def test_a_directory_is_made_where_nothing_was(checks: Checks, raw: Raw, folder: str) -> None:
    """Without parents: the one above must be there, and the path free."""

    async def make(path: str) -> str:
        reply = await asked(raw, "POST", "/directories", {f"{folder}/{path}": {}}, parents="false")
        return refusal(reply)

    checks.equal("directory.no-parents", await make("a/b"), "404 FILE_NOT_FOUND")
    checks.equal("directory.no-parents", await make("a"), "200 None")
    checks.equal("directory.no-parents", await make("a/b"), "200 None")
    checks.equal("directory.no-parents", await make("a"), "409 PATH_EXISTS")
    checks.equal("error.path-exists", await make("a/b"), "409 PATH_EXISTS")
    checks.equal("directory.no-parents", await tree(raw, folder), ["a", "a/b"])


@scenario(
    "files",
    "directory.remove",
    "directory.remove-links",
    "directory.remove-no-directory",
    "directory.remove-empty",
    "error.directory-not-empty",
    profiles=["compat"],
)
async def test_directories_are_removed(checks: Checks, raw: Raw, folder: str) -> None:
    """With all in them; a missing one; links in them; a file; only empty ones."""
    await raw.run(
        "mkdir -p a/b c/d kept; touch a/b/x c/d/y kept/z file; ln -s ../kept a/link; ln -s kept out", cwd=folder
    )
    gone = await asked(raw, "DELETE", "/directories", path=[f"{folder}/a", f"{folder}/missing"])
    checks.equal("directory.remove", (gone.status, gone.body), (200, b""))
    checks.equal("directory.remove", await tree(raw, folder), ["c", "c/d", "c/d/y", "file", "kept", "kept/z", "out"])
    checks.that("directory.remove-links", "kept/z" in await tree(raw, folder))
    for path in ("file", "out"):
        reply = await asked(raw, "DELETE", "/directories", path=[f"{folder}/c", f"{folder}/{path}"])
        checks.equal("directory.remove-no-directory", (path, refusal(reply)), (path, "409 NOT_A_DIRECTORY"))
    checks.that("directory.remove-no-directory", "c/d/y" in await tree(raw, folder))
    refused = await asked(raw, "DELETE", "/directories", path=f"{folder}/c", recursive="false")
    checks.equal("directory.remove-empty", refusal(refused), "409 DIRECTORY_NOT_EMPTY")
    checks.equal("error.directory-not-empty", refusal(refused), "409 DIRECTORY_NOT_EMPTY")
    await raw.run("rm c/d/y; rmdir c/d", cwd=folder)
    emptied = await asked(raw, "DELETE", "/directories", path=f"{folder}/c", recursive="false")
    checks.equal("directory.remove-empty", emptied.status, 200)
    checks.that("directory.remove-empty", "c" not in await tree(raw, folder))


@scenario(
    "files",
    "list.pre-order",
    "list.links",
    "list.depth-0",
    "list.fields",
    "list.no-directory",
    "list.missing",
    profiles=["compat"],
)
async def test_directories_are_listed(checks: Checks, raw: Raw, folder: str) -> None:
    """Down to a depth, in order, links closed; what is no directory."""
    await raw.run("mkdir -p b/in/deep a; touch b/z b/a .hidden 'b/in/ü x'; ln -s b link; ln -s .. b/up", cwd=folder)

    async def listed(depth: int | None, path: str = "") -> list[str] | str:
        query = {} if depth is None else {"depth": str(depth)}
        return below(await asked(raw, "GET", "/directories/list", path=folder + path, **query), folder)

    top = [".hidden", "a", "b", "link"]
    checks.equal("list.pre-order", await listed(None), top)
    checks.equal("list.pre-order", await listed(1), top)
    checks.equal("list.pre-order", await listed(2), [".hidden", "a", "b", "b/a", "b/in", "b/up", "b/z", "link"])
    everything = [".hidden", "a", "b", "b/a", "b/in", "b/in/deep", "b/in/ü x", "b/up", "b/z", "link"]
    checks.equal("list.pre-order", await listed(50), everything)
    checks.equal("list.links", await listed(50), everything)
    checks.equal("list.depth-0", await listed(0), [])
    checks.equal("list.pre-order", await listed(1, "/a"), [])
    reply = await asked(raw, "GET", "/directories/list", path=folder)
    kinds = [entry.get("type") for entry in reply.json()] if reply.status == 200 else reply
    checks.equal("list.fields", kinds, ["file", "directory", "directory", "symlink"])
    for path in ("/link", "/b/a"):
        refused = await asked(raw, "GET", "/directories/list", path=folder + path)
        checks.equal("list.no-directory", (path, refused.status), (path, 400))
    missing = await asked(raw, "GET", "/directories/list", path=f"{folder}/missing")
    checks.equal("list.missing", refusal(missing), "404 FILE_NOT_FOUND")
