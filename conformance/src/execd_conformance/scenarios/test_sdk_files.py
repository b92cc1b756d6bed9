"""Files through the SDK, in both colours."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from execd_conformance.checks import Checks, scenario
from execd_conformance.colours import raised
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import digest, digest_of, inside, mode_of
from opensandbox import Sandbox, WriteEntry
from opensandbox.exceptions import FileNotFoundException


@scenario(
    "sdk",
    "sdk-files.write",
    "sdk-files.write-many",
    "sdk-files.read",
    "sdk-files.read-binary",
    "sdk-files.read-stream",
    "sdk-files.exists",
    "sdk-files.missing",
    profiles=("full", "compat"),
)
async def test_files_go_in_and_come_out(
    checks: Checks, sandbox: Sandbox, raw: Raw, folder: str, tmp_path: Path
) -> None:
    """Text, bytes, a file of ours and an open one, one by one and together; read in three ways."""
    text, data = "zoé\r\n日本\n€", bytes(range(256)) * 4000
    (tmp_path / "ours").write_bytes(data)
    await sandbox.files.write_file(f"{folder}/text", text)
    await sandbox.files.write_file(f"{folder}/bytes", data)
    await sandbox.files.write_file(f"{folder}/path", tmp_path / "ours")
    await sandbox.files.write_file(f"{folder}/open", io.BytesIO(data))
    for name, want in (("text", text.encode()), ("bytes", data), ("path", data), ("open", data)):
        checks.equal("sdk-files.write", (name, await digest_of(raw, f"{folder}/{name}")), (name, digest(want)))
    await sandbox.files.write_files(
        [WriteEntry(f"{folder}/sub/a", "a"), (f"{folder}/sub/b", b"b"), (f"{folder}/text2", text)]
    )
    checks.equal("sdk-files.write-many", await inside(raw, "cat", f"{folder}/sub/a", f"{folder}/sub/b"), "ab")
    checks.equal("sdk-files.read", await sandbox.files.read_file(f"{folder}/text"), text)
    checks.equal("sdk-files.write-many", await sandbox.files.read_file(f"{folder}/text2"), text)
    got = await sandbox.files.read_file(f"{folder}/bytes", binary=True)
    checks.that("sdk-files.read-binary", got == data, len(got))
    blocks = [block async for block in sandbox.files.read_stream(f"{folder}/path")]
    checks.that("sdk-files.read-stream", b"".join(blocks) == data, len(blocks))
    checks.equal("sdk-files.exists", await sandbox.files.exists(f"{folder}/text"), want=True)
    checks.equal("sdk-files.exists", await sandbox.files.exists(f"{folder}/none"), want=False)
    for call in (sandbox.files.read_file(f"{folder}/none"), sandbox.files.get_info(f"{folder}/none")):
        fault = await raised(call)
        code = fault.error.code if isinstance(fault, FileNotFoundException) else None
        checks.that("sdk-files.missing", isinstance(fault, FileNotFoundError) and code == "FILE_NOT_FOUND", fault)


@scenario(
    "sdk",
    "sdk-files.write-mode",
    "sdk-files.write-default-mode",
    "sdk-files.info",
    "sdk-files.info-mode",
    profiles=("full", "compat"),
)
async def test_modes_and_what_is_told(checks: Checks, sandbox: Sandbox, raw: Raw, folder: str) -> None:
    """Real modes both ways, and everything else that is told of a file."""
    path = f"{folder}/file"
    await sandbox.files.write_file(path, "x")
    checks.equal("sdk-files.write-default-mode", await mode_of(raw, path), "644")
    for mode in (0o600, 0o755, 0o640):
        await sandbox.files.write_file(path, "12345", mode=mode)
        checks.equal("sdk-files.write-mode", await mode_of(raw, path), f"{mode:o}")
        checks.equal("sdk-files.info-mode", (await sandbox.files.get_info(path)).mode, mode)
    await sandbox.files.write_file(path, "again")
    checks.equal("sdk-files.write-default-mode", await mode_of(raw, path), "640")
    await inside(raw, "chmod 4751", path)
    info = await sandbox.files.get_info(path)
    checks.equal("sdk-files.info-mode", oct(info.mode), "0o4751")
    user, group = (await inside(raw, "stat -c '%U %G'", path)).split()
    checks.equal("sdk-files.info", (info.path, info.name, info.size), (path, "file", 5))
    checks.that("sdk-files.info", user in {info.owner, "UNKNOWN"} and group in {info.group, "UNKNOWN"}, info)
    is_now = info.mtime is not None and abs(datetime.now(UTC) - info.mtime) < timedelta(days=1)
    checks.that("sdk-files.info", is_now and not info.is_directory, info)
    owner = await inside(raw, "id -u")
    await sandbox.files.write_file(path, "x", owner=owner, mode=0o644)
    checks.equal("sdk-files.write-mode", await inside(raw, "stat -c '%u %a'", path), f"{owner} 644")


@scenario("sdk", "sdk-files.info", "sdk-files.names", "sdk-files.write-mode")
async def test_entries_and_names_of_every_kind(checks: Checks, sandbox: Sandbox, raw: Raw, folder: str) -> None:
    """Links, directories, odd names, names that are no text."""
    await raw.run("mkdir sub; ln -s nowhere link", cwd=folder)
    link, sub = await sandbox.files.get_info(f"{folder}/link"), await sandbox.files.get_info(f"{folder}/sub")
    checks.equal("sdk-files.info", (link.type, link.target, link.is_directory), ("symlink", "nowhere", False))
    checks.equal("sdk-files.info", (sub.type, sub.is_directory), ("directory", True))
    for name in ("a b", "$x", "+&=%41", "line\nfeed", "é" * 127, "#?"):
        await sandbox.files.write_file(f"{folder}/{name}", name)
        checks.equal("sdk-files.names", await sandbox.files.read_file(f"{folder}/{name}"), name)
        checks.equal("sdk-files.names", (await sandbox.files.get_info(f"{folder}/{name}")).name, name)
    await raw.run("printf inside > \"$(printf 'caf\\351')\"", cwd=folder)
    path = os.fsdecode(folder.encode() + b"/caf\xe9")
    checks.equal("sdk-files.names", await sandbox.files.read_file(path), "inside")
    checks.equal("sdk-files.names", os.fsencode((await sandbox.files.get_info(path)).path), os.fsencode(path))
    await sandbox.files.write_file(f"{folder}/bits", "x", mode=0o6755)
    checks.equal("sdk-files.write-mode", await mode_of(raw, f"{folder}/bits"), "6755")
    fault = await raised(sandbox.files.write_file(f"{folder}/bits", "x", mode=0o70000))
    checks.that("sdk-files.write-mode", isinstance(fault, ValueError), fault)
