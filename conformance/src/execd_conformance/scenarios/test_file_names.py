"""Names and paths of any kind."""

from __future__ import annotations

import base64
import shlex
from urllib.parse import quote

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import about, digest, digest_of, download, inside, upload

_NAMES = (
    "with space",
    " ends ",
    "$HOME",
    "a$b${c}",
    "`id`",
    "*?[x]{a,b}",
    'quo\'te "s"',
    "back\\slash",
    "line\nfeed",
    "tab\tbell\a",
    "-rf",
    "%2e%2e",
    "a+b&c=d#e;f",
    "...",
    "ünï-日本-🏳️‍🌈",
    "\u2028sep",
    "n" * 255,
    "é" * 127,
    "~",
    "~root",
)


@scenario("files", "path.any-name", "path.home", "path.variable", "path.plus", "download.whole", profiles=["compat"])
async def test_any_name_is_a_name(checks: Checks, raw: Raw, folder: str) -> None:
    """Written, told and read under every odd name; `~` and `$` in the middle of a path are characters."""
    for name in _NAMES:
        path, content = f"{folder}/{name}", name.encode() * 3
        written = await upload(raw, path, content)
        checks.that(
            "path.any-name", written.status == 200 and await digest_of(raw, path) == digest(content), (name, written)
        )
        checks.equal("path.any-name", (await about(raw, path)).get("size"), len(content))
        got = await download(raw, path)
        for requirement in ("path.any-name", "download.whole"):
            checks.that(requirement, got.status == 200 and got.body == content, (name, got))
        if "$" in name:
            checks.that("path.variable", got.status == 200, (name, got))
        if "~" in name:
            checks.that("path.home", got.status == 200, (name, got))
    for asked, name in (("a%2Bb&x=1", "a+b"), ("a+b", "a b")):
        await upload(raw, f"{folder}/{name}", name.encode())
        got = await raw.request("GET", f"/files/download?path={quote(folder)}/{asked}")
        checks.equal("path.plus", (got.status, got.body), (200, name.encode()))


@scenario("files", "path.home", "path.variable", "path.relative", "info.absolute", "path.any-name")
async def test_the_start_of_a_path_is_expanded(checks: Checks, raw: Raw, folder: str, unique: str) -> None:
    """The home directory, a variable, and a path that is relative to the working root."""
    home, root = (await inside(raw, 'printf "%s\\n" "$HOME"; pwd')).split("\n")
    checks.that("path.home", (await about(raw, "~")).get("path") == home.rstrip("/"), await about(raw, "~"))
    checks.equal("path.variable", (await about(raw, "$HOME")).get("path"), home.rstrip("/"))
    checks.equal("path.variable", (await about(raw, "${HOME}/.")).get("type"), "directory")
    checks.equal("path.relative", str((await about(raw, ".")).get("path")).rstrip("/"), root.rstrip("/"))
    up = "../" * root.count("/")
    relative = f"{up}{folder.lstrip('/')}/{unique}"
    written = await upload(raw, relative, b"relative")
    checks.that("path.relative", written.status == 200, written)
    checks.equal("path.relative", await inside(raw, "cat", f"{folder}/{unique}"), "relative")
    got = await raw.request(
        "GET", "/files/info", params={"path": [relative, f"{folder}/../{folder.rsplit('/', 1)[1]}/{unique}"]}
    )
    for each in got.json().values():
        checks.that("info.absolute", str(each.get("path")).startswith("/"), each)
    too_long = await upload(raw, f"{folder}/{'n' * 256}", b"x")
    checks.that("path.any-name", too_long.status == 400, too_long)


@scenario("files", "path.not-utf8-told", "path.not-utf8-asked")
async def test_a_name_that_is_no_text(checks: Checks, raw: Raw, folder: str) -> None:
    """Bytes that are no UTF-8, told in two ways and asked for by their percent-encoding."""
    name = b"caf\xe9\xff \xf0\x9f.txt"
    printed = "".join(f"\\{byte:03o}" for byte in name)
    made = await raw.run(f'n="$(printf {shlex.quote(printed)})"; printf inside > "$n"', cwd=folder)
    checks.need(made.exit_code == 0, "a file system that takes such names", made.stderr)
    whole = folder.encode() + b"/" + name
    asked = quote(whole).encode()
    got = await raw.request("GET", b"/files/download?path=" + asked)
    checks.equal("path.not-utf8-asked", (got.status, got.body), (200, b"inside"))
    reply = await raw.request("GET", b"/files/info?path=" + asked)
    checks.need(reply.status == 200, "information about it", reply)
    (told,) = reply.json().values()
    checks.equal("path.not-utf8-told", base64.b64decode(str(told.get("path_b64"))), whole)
    checks.equal("path.not-utf8-told", told.get("path"), whole.decode("utf-8", "replace"))
    checks.equal("path.not-utf8-told", list(reply.json()), [whole.decode("utf-8", "replace")])
    missing = await raw.request("GET", b"/files/info?path=" + asked + b"x")
    checks.equal("path.not-utf8-asked", (missing.status, missing.code), (404, "FILE_NOT_FOUND"))
    await raw.run(": > text", cwd=folder)
    checks.that("path.not-utf8-told", "path_b64" not in await about(raw, f"{folder}/text"))
