"""Files as a whole: removed, moved, given rights, text in them exchanged."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import inside, mode_of
from execd_conformance.scenarios.trees import asked, refusal, tree


@scenario(
    "files",
    "remove.file",
    "remove.missing",
    "remove.link",
    "remove.directory",
    "remove.checked-first",
    profiles=["compat"],
)
async def test_files_are_removed(checks: Checks, raw: Raw, folder: str) -> None:
    """Several at once, missing ones, links, a directory among them."""
    await raw.run("mkdir d; touch a b kept; ln -s kept link; ln -s nowhere dangling", cwd=folder)
    paths = [f"{folder}/{name}" for name in ("a", "b", "missing")]
    reply = await asked(raw, "DELETE", "/files", path=paths)
    checks.equal("remove.file", (reply.status, reply.body), (200, b""))
    checks.equal("remove.file", await tree(raw, folder), ["d", "dangling", "kept", "link"])
    checks.equal("remove.missing", (await asked(raw, "DELETE", "/files", path=f"{folder}/missing")).status, 200)
    refused = await asked(raw, "DELETE", "/files", path=[f"{folder}/kept", f"{folder}/d"])
    checks.equal("remove.directory", refusal(refused), "409 IS_A_DIRECTORY")
    checks.that("remove.checked-first", "kept" in await tree(raw, folder))
    await asked(raw, "DELETE", "/files", path=[f"{folder}/link", f"{folder}/dangling"])
    checks.equal("remove.link", await tree(raw, folder), ["d", "kept"])


@scenario(
    "files",
    "move.files",
    "move.exists",
    "move.parents",
    "move.missing",
    "move.all-or-none",
    "error.path-exists",
    profiles=["compat"],
)
async def test_entries_are_moved(checks: Checks, raw: Raw, folder: str) -> None:
    """Files, directories and links to where nothing is; onto something; one that is missing."""
    await raw.run("mkdir d; echo a > a; echo x > d/x; echo b > b; ln -s nowhere link", cwd=folder)

    async def move(*pairs: tuple[str, str]) -> str:
        body = [{"src": f"{folder}/{src}", "dest": f"{folder}/{dest}"} for src, dest in pairs]
        reply = await asked(raw, "POST", "/files/mv", body)
        return refusal(reply)

    checks.equal("move.files", await move(("a", "new/deep/a"), ("d", "e"), ("link", "moved")), "200 None")
    checks.equal("move.files", await tree(raw, folder), ["b", "e", "e/x", "moved", "new", "new/deep", "new/deep/a"])
    checks.equal("move.parents", await inside(raw, "cat", f"{folder}/new/deep/a"), "a")
    for dest in ("e", "new/deep/a", "moved"):
        checks.equal("move.exists", (dest, await move(("b", dest))), (dest, "409 PATH_EXISTS"))
    checks.equal("error.path-exists", await move(("b", "e")), "409 PATH_EXISTS")
    checks.equal("move.exists", await inside(raw, "cat", f"{folder}/b", f"{folder}/new/deep/a"), "b\na")
    checks.equal("move.missing", await move(("missing", "x")), "404 FILE_NOT_FOUND")
    before = await tree(raw, folder)
    checks.equal("move.all-or-none", await move(("b", "c"), ("missing", "x")), "404 FILE_NOT_FOUND")
    checks.equal("move.all-or-none", await tree(raw, folder), before)


@scenario("files", "move.across", "move.across-whole")
async def test_entries_are_moved_to_another_file_system(checks: Checks, raw: Raw, folder: str, unique: str) -> None:
    """By copy: content, modes, times and links; the source is gone afterwards."""
    other = f"/dev/shm/{unique}"
    made = await raw.run(
        "mkdir -p d/e; seq 1 100000 > d/e/x; chmod 751 d/e/x; touch -d '2021-03-04 05:06:07 UTC' d/e/x; ln -s e/x d/l; "
        "[ -w /dev/shm ] && [ $(stat -c %d /dev/shm) != $(stat -c %d .) ] && echo apart",
        cwd=folder,
    )
    if made.stdout != "apart\n":
        # One file system is all there is: then it has to be a plain move.
        other = f"{folder}/other"
    reply = await asked(raw, "POST", "/files/mv", [{"src": f"{folder}/d", "dest": f"{other}/d"}])
    checks.equal("move.across", reply.status, 200)
    checks.equal("move.across", await tree(raw, other), ["d", "d/e", "d/e/x", "d/l"])
    seen = await inside(raw, "stat -c '%a %Y %s'", f"{other}/d/e/x")
    checks.equal("move.across-whole", seen, "751 1614834367 588895")
    checks.equal("move.across-whole", await inside(raw, "readlink", f"{other}/d/l"), "e/x")
    checks.that("move.across", "d" not in await tree(raw, folder))
    await raw.run(f"rm -rf {other}")


@scenario(
    "files",
    "permissions.set",
    "permissions.link",
    "permissions.unknown",
    "permissions.missing",
    "permissions.checked-first",
    profiles=["compat"],
)
async def test_rights_are_set(checks: Checks, raw: Raw, folder: str) -> None:
    """Modes of twelve bits, by path; only what is named; all paths looked at first."""
    await raw.run("touch a b; chmod 600 a b; ln -s a link", cwd=folder)
    uid = await inside(raw, "stat -c %u", f"{folder}/a")
    body = {f"{folder}/a": {"mode": 4755}, f"{folder}/b": {"mode": "0o640"}}
    reply = await asked(raw, "POST", "/files/permissions", body)
    checks.equal("permissions.set", (reply.status, reply.body), (200, b""))
    checks.equal(
        "permissions.set", (await mode_of(raw, f"{folder}/a"), await mode_of(raw, f"{folder}/b")), ("4755", "640")
    )
    await asked(raw, "POST", "/files/permissions", {f"{folder}/a": {"owner": uid}})
    checks.equal("permissions.set", await mode_of(raw, f"{folder}/a"), "4755")
    await asked(raw, "POST", "/files/permissions", {f"{folder}/a": {"mode": 0, "owner": None, "group": ""}})
    checks.equal("permissions.set", await mode_of(raw, f"{folder}/a"), "4755")
    await asked(raw, "POST", "/files/permissions", {f"{folder}/link": {"mode": 611}})
    checks.equal("permissions.link", await mode_of(raw, f"{folder}/a"), "611")
    for field in ("owner", "group"):
        reply = await asked(raw, "POST", "/files/permissions", {f"{folder}/a": {field: "no-such-name", "mode": 777}})
        checks.equal("permissions.unknown", (field, reply.status), (field, 400))
    missing = await asked(
        raw, "POST", "/files/permissions", {f"{folder}/a": {"mode": 777}, f"{folder}/no": {"mode": 777}}
    )
    checks.equal("permissions.missing", refusal(missing), "404 FILE_NOT_FOUND")
    checks.equal("permissions.checked-first", await mode_of(raw, f"{folder}/a"), "611")


@scenario("files", "permissions.failure", features=["directories"])
async def test_a_change_that_fails_names_its_culprit(checks: Checks, raw: Raw, folder: str) -> None:
    """The path that it failed at, and what could not be taken back."""
    await raw.run("touch a", cwd=folder)
    missing = await asked(
        raw, "POST", "/files/permissions", {f"{folder}/a": {"mode": 777}, f"{folder}/no": {"mode": 777}}
    )
    details = missing.json().get("details") or {}
    checks.equal("permissions.failure", details.get("path"), f"{folder}/no")
    # Only somebody without any right meets a refusal after the first change; root has to be content with the first.
    reply = await asked(
        raw, "POST", "/files/permissions", {f"{folder}/a": {"mode": 611}, "/proc/1/stat": {"mode": 777}}
    )
    details = reply.json().get("details") or {}
    checks.equal("permissions.failure", (details.get("path"), details.get("changed")), ("/proc/1/stat", []))
    checks.that("permissions.failure", await mode_of(raw, f"{folder}/a") != "611")


@scenario(
    "files",
    "replace.literal",
    "replace.atomic",
    "replace.empty",
    "replace.verbose",
    "replace.missing",
    profiles=["compat"],
)
async def test_text_in_files_is_exchanged(checks: Checks, raw: Raw, folder: str) -> None:
    """Every occurrence, as it is written; counts; rights that stay; all files or none."""
    await raw.run("printf 'a.b axb a.b\\n\\377' > x; chmod 640 x; printf none > y; ln -s x link", cwd=folder)
    body = {f"{folder}/x": {"old": "a.b", "new": "c$1"}, f"{folder}/y": {"old": "a.b", "new": "c"}}
    told = await asked(raw, "POST", "/files/replace", body, verbose="true")
    counts = told.json() if told.status == 200 else told
    want = {f"{folder}/x": {"replacedCount": 2}, f"{folder}/y": {"replacedCount": 0}}
    checks.equal("replace.verbose", counts, want)
    checks.equal(
        "replace.literal",
        await inside(raw, "od -An -c", f"{folder}/x"),
        "   c   $   1       a   x   b       c   $   1  \\n 377",
    )
    checks.equal("replace.atomic", await mode_of(raw, f"{folder}/x"), "640")
    silent = await asked(raw, "POST", "/files/replace", {f"{folder}/link": {"old": "axb", "new": ""}})
    checks.equal("replace.verbose", (silent.status, silent.body), (200, b""))
    checks.equal("replace.atomic", await inside(raw, "readlink", f"{folder}/link"), "x")
    empty = await asked(raw, "POST", "/files/replace", {f"{folder}/x": {"old": "", "new": "c"}})
    checks.equal("replace.empty", empty.status, 400)
    before = await inside(raw, "sha256sum <", f"{folder}/x")
    body = {f"{folder}/x": {"old": "c", "new": "d"}, f"{folder}/no": {"old": "c", "new": "d"}}
    missing = await asked(raw, "POST", "/files/replace", body)
    checks.equal("replace.missing", refusal(missing), "404 FILE_NOT_FOUND")
    checks.equal("replace.atomic", await inside(raw, "sha256sum <", f"{folder}/x"), before)
    checks.equal("replace.atomic", await tree(raw, folder), ["link", "x", "y"])
