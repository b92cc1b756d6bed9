"""Trees, transfers, watches and signed URLs through the SDK, in both colours."""

from __future__ import annotations

import os
from pathlib import Path

import httpx

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import raised
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import digest, digest_of, inside, mode_of
from execd_conformance.scenarios.trees import tree
from opensandbox import Sandbox
from opensandbox.exceptions import DirectoryNotEmptyException, FileNotFoundException, PathExistsException


@scenario(
    "sdk", "sdk-files.search", "sdk-files.permissions", "sdk-files.directories", "sdk-files.delete-move-replace",
    features=["directories"],
)  # fmt: skip
async def test_trees_are_changed_and_searched(checks: Checks, sandbox: Sandbox, raw: Raw, folder: str) -> None:
    """Every call once, and what it refuses."""
    files = sandbox.files
    await files.create_directory(f"{folder}/a", mode=0o750)
    await files.create_directory(f"{folder}/b/c", parents=True)
    fault = await raised(files.create_directory(f"{folder}/a"))
    checks.that("sdk-files.directories", isinstance(fault, PathExistsException), fault)
    fault = await raised(files.create_directory(f"{folder}/x/y"))
    checks.that("sdk-files.directories", isinstance(fault, FileNotFoundException), fault)
    checks.equal("sdk-files.directories", await mode_of(raw, f"{folder}/a"), "750")
    entries = await files.list_directory(folder)
    checks.equal(
        "sdk-files.directories", [(entry.name, entry.is_directory) for entry in entries], [("a", True), ("b", True)]
    )
    await files.write_file(f"{folder}/b/c/one.py", "one two one")
    await files.write_file(f"{folder}/two.py", "two")
    found = await files.search(f"{folder}/**/*.py")
    checks.equal("sdk-files.search", [file.path for file in found], [f"{folder}/b/c/one.py", f"{folder}/two.py"])
    checks.equal("sdk-files.search", [file.name for file in await files.search(f"{folder}/*.py")], ["two.py"])
    checks.equal("sdk-files.search", len(await files.search(f"{folder}/**/*.py", limit=1)), 1)
    await files.set_permissions(f"{folder}/two.py", mode=0o4751)
    owner = (await files.get_info(f"{folder}/two.py")).owner
    await files.set_permissions(f"{folder}/two.py", owner=owner)
    checks.equal("sdk-files.permissions", await mode_of(raw, f"{folder}/two.py"), "4751")
    checks.equal("sdk-files.delete-move-replace", await files.replace(f"{folder}/b/c/one.py", "one", "three"), 2)
    await files.move(f"{folder}/b/c/one.py", f"{folder}/new/one.py")
    checks.equal("sdk-files.delete-move-replace", await inside(raw, "cat", f"{folder}/new/one.py"), "three two three")
    fault = await raised(files.move(f"{folder}/two.py", f"{folder}/new/one.py"))
    checks.that("sdk-files.delete-move-replace", isinstance(fault, PathExistsException), fault)
    await files.delete_file(f"{folder}/two.py")
    await files.delete_file(f"{folder}/two.py")
    fault = await raised(files.delete_directory(f"{folder}/b"))
    checks.that("sdk-files.directories", isinstance(fault, DirectoryNotEmptyException), fault)
    await files.delete_directory(f"{folder}/b", recursive=True)
    await files.delete_directory(f"{folder}/a")
    checks.equal("sdk-files.delete-move-replace", await tree(raw, folder), ["new", "new/one.py"])


@scenario("sdk", "sdk-files.transfer", "sdk-files.trees", features=["chunked_upload", "archive"])
async def test_files_and_trees_go_up_and_come_back(
    checks: Checks, sandbox: Sandbox, raw: Raw, folder: str, tmp_path: Path
) -> None:
    """A large file with progress, a tree with patterns of what stays."""
    content = os.urandom(3_000_000)
    (tmp_path / "big").write_bytes(content)
    told: list[tuple[int, int]] = []
    await sandbox.files.upload(tmp_path / "big", f"{folder}/big", progress=lambda *step: told.append(step))
    checks.equal("sdk-files.transfer", await digest_of(raw, f"{folder}/big"), digest(content))
    checks.that("sdk-files.transfer", told and told[-1] == (len(content), len(content)), told)
    await sandbox.files.download(f"{folder}/big", tmp_path / "back")
    checks.that("sdk-files.transfer", (tmp_path / "back").read_bytes() == content)
    for path in ("src/a.py", "src/a.pyc", "src/deep/b.py", "src/node_modules/x"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    ignore = ["*.pyc", "node_modules"]
    await sandbox.files.upload_directory(tmp_path / "src", f"{folder}/src", ignore=ignore)
    checks.equal("sdk-files.trees", await tree(raw, f"{folder}/src"), ["a.py", "deep", "deep/b.py"])
    await sandbox.files.download_directory(f"{folder}/src", tmp_path / "down", ignore=["deep"])
    checks.equal("sdk-files.trees", os.listdir(tmp_path / "down"), ["a.py"])


@scenario("sdk", "sdk-files.watch", "sdk-files.signed-url", features=["watch", "sign"])
async def test_changes_are_told_and_urls_signed(checks: Checks, sandbox: Sandbox, raw: Raw, folder: str) -> None:
    """A watch that has begun when it says so; a URL that needs no token."""
    seen: list[tuple[str, str | None, str]] = []
    async with sandbox.files.watch(folder, recursive=True) as watch:
        await raw.run("mkdir d; touch d/a; mv d e; touch last", cwd=folder)
        async for change in watch:
            seen.append((change.type, change.src, change.path))
            if change.path == f"{folder}/last":
                break
    checks.equal("sdk-files.watch", seen[0], ("created", None, f"{folder}/d"))
    checks.that("sdk-files.watch", ("moved", f"{folder}/d", f"{folder}/e") in seen, seen)
    await sandbox.files.write_file(f"{folder}/file", "content")
    url = await sandbox.files.signed_url(f"{folder}/file")
    reply = httpx.get(url, timeout=10)  # noqa: ASYNC210 - as somebody who has nothing but the URL
    checks.equal("sdk-files.signed-url", (reply.status_code, reply.text), (200, "content"))
