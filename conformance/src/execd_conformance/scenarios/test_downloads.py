"""Files on their way out: what comes, under which headers, and what has no bytes to give."""

from __future__ import annotations

import re
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from execd_conformance.checks import Checks, scenario
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.forms import about, download, inside, upload


@scenario(
    "files",
    "download.whole",
    "download.length",
    "download.missing",
    "download.no-path",
    "download.link",
    "error.file-not-found",
    profiles=["compat"],
)
async def test_a_file_comes_whole(checks: Checks, raw: Raw, folder: str) -> None:
    """Files of many sizes and every byte; a link; nothing."""
    every = "".join(f"\\{number:03o}" for number in range(256))
    await raw.run(
        f"printf '{every}' > bytes; : > empty; printf x > one; seq 1 300000 > lines; ln -s bytes link", cwd=folder
    )
    wanted = {
        "bytes": bytes(range(256)),
        "empty": b"",
        "one": b"x",
        "lines": "".join(f"{n}\n" for n in range(1, 300_001)).encode(),
        "link": bytes(range(256)),
    }
    for name, want in wanted.items():
        got = await download(raw, f"{folder}/{name}")
        same = got.status == 200 and got.body == want
        checks.that("download.whole", same, (name, got.status, len(got.body), len(want)))
        checks.equal("download.length", got.headers.get("content-length"), str(len(want)))
        if name == "link":
            checks.that("download.link", same, got)
    missing = await download(raw, f"{folder}/missing")
    for requirement in ("download.missing", "error.file-not-found"):
        checks.equal(requirement, (missing.status, missing.code), (404, "FILE_NOT_FOUND"))
    checks.that("download.missing", f"{folder}/missing" in missing.text, missing)
    for query in ("", "?path="):
        refused = await raw.request("GET", f"/files/download{query}")
        checks.equal("download.no-path", (refused.status, refused.code), (400, "MISSING_QUERY"))


@scenario(
    "files",
    "download.etag",
    "download.last-modified",
    "download.not-modified",
    "download.modified",
    "download.head",
    "download.accept-ranges",
)
async def test_what_is_told_of_a_file(checks: Checks, raw: Raw, folder: str) -> None:
    """Its tag and date, requests that know them, HEAD."""
    path = f"{folder}/file"
    await raw.run("printf one > file; touch -d '2020-02-03 04:05:06.7 UTC' file", cwd=folder)
    first, again = await download(raw, path), await download(raw, path)
    tag = first.headers.get("etag", "")
    checks.that("download.etag", re.fullmatch('"[^"]+"', tag) and tag == again.headers.get("etag"), first.headers)
    date = first.headers.get("last-modified")
    checks.equal("download.last-modified", date, "Mon, 03 Feb 2020 04:05:06 GMT")
    checks.equal("download.accept-ranges", first.headers.get("accept-ranges"), "bytes")
    head = await download(raw, path, method="HEAD")
    names = ("content-length", "content-type", "etag", "last-modified", "accept-ranges", "content-disposition")
    same = [head.headers.get(name) == first.headers.get(name) for name in names]
    checks.that("download.head", head.status == 200 and head.body == b"" and all(same), head.headers)
    checks.equal("download.head", (await download(raw, f"{folder}/no", method="HEAD")).status, 404)
    for header in (
        {"If_None_Match": tag},
        {"If_None_Match": f'"x", {tag}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": date},
    ):
        known = await download(raw, path, **header)
        checks.that("download.not-modified", known.status == 304 and known.body == b"", (header, known))
        checks.equal("download.not-modified", known.headers.get("etag"), tag)
    later = formatdate(parsedate_to_datetime(str(date)).timestamp() + 60, usegmt=True)
    checks.equal("download.not-modified", (await download(raw, path, If_Modified_Since=later)).status, 304)
    earlier = formatdate(parsedate_to_datetime(str(date)).timestamp() - 1, usegmt=True)
    for header in (
        {"If_None_Match": '"x"'},
        {"If_Modified_Since": earlier},
        {"If_None_Match": '"x"', "If_Modified_Since": later},
    ):
        came = await download(raw, path, **header)
        checks.that("download.modified", came.status == 200 and came.body == b"one", (header, came))
    await raw.run("printf two > file; touch -d '2020-02-03 04:05:06.7 UTC' file", cwd=folder)
    changed = await download(raw, path, If_None_Match=tag)
    checks.that("download.etag", changed.body == b"two" and changed.headers.get("etag") != tag, changed)
    await upload(raw, path, b"two")
    checks.that(
        "download.etag", (await download(raw, path)).headers.get("etag") not in {tag, changed.headers.get("etag")}
    )


@scenario(
    "files",
    "download.directory",
    "download.special",
    "download.proc",
    "error.is-a-directory",
    "error.invalid-file",
)
async def test_what_has_no_bytes_or_does_not_know_how_many(checks: Checks, raw: Raw, folder: str) -> None:
    """A directory, a FIFO, devices; files of /proc."""
    await raw.run("mkfifo pipe; printf 'a\\nb\\n' > file; ln -s pipe link", cwd=folder)
    for path in (folder, f"{folder}/", "/"):
        refused = await download(raw, path)
        for requirement in ("download.directory", "error.is-a-directory"):
            checks.equal(requirement, (refused.status, refused.code), (409, "IS_A_DIRECTORY"))
    for path in (f"{folder}/pipe", f"{folder}/link", "/dev/null", "/dev/zero"):
        refused = await download(raw, path)
        for requirement in ("download.special", "error.invalid-file"):
            checks.equal(requirement, (refused.status, refused.code), (400, "INVALID_FILE"))
    for path in ("/proc/version", "/proc/cpuinfo"):
        got, want = await download(raw, path), await inside(raw, "cat", path)
        text = got.text.removesuffix("\n")
        checks.that("download.proc", got.status == 200 and _but_figures(text) == _but_figures(want), (path, got))


@scenario("files", "download.lines", "download.lines-refused", profiles=["compat"])
async def test_lines_are_given_by_number(checks: Checks, raw: Raw, folder: str) -> None:
    """From a line on, some lines, none; what does not go together."""
    path = f"{folder}/file"
    await raw.run("printf 'one\\ntwo\\n\\nfour' > file", cwd=folder)
    for query, want in (
        ({"offset": "2", "limit": "2"}, b"two\n\n"),
        ({"limit": "1"}, b"one\n"),
        ({"offset": "4"}, b"four"),
        ({"offset": "9", "limit": "9"}, b""),
    ):
        got = await raw.request("GET", "/files/download", params={"path": path, **query})
        checks.equal("download.lines", (query, got.status, got.body), (query, 200, want))
        checks.that("download.lines", got.headers.get("content-type", "").startswith("text/plain"), got.headers)
    for query in ({"offset": "0"}, {"offset": "x"}, {"limit": "-1"}):
        got = await raw.request("GET", "/files/download", params={"path": path, **query})
        checks.equal("download.lines-refused", (query, got.status), (query, 400))
    ranged = await raw.request(
        "GET", "/files/download", params={"path": path, "limit": "1"}, headers={"Range": "bytes=0-1"}
    )
    checks.equal("download.lines-refused", ranged.status, 400)


def _but_figures(text: str) -> str:
    return re.sub(r"\d+", "0", text)


@scenario("files", "download.disposition")
async def test_the_name_of_a_file_is_in_its_header(checks: Checks, raw: Raw, folder: str) -> None:
    """Names that a header cannot hold as they are."""
    for name in ("plain.txt", 'a "quoted" \\ name', "naïve €.txt", "a;b=c, d.txt", "tab\tand\nline", "%41%", "é" * 100):
        await upload(raw, f"{folder}/{name}", b"x")
        got = await download(raw, f"{folder}/{name}")
        checks.equal("download.disposition", (got.status, _name(got)), (200, name))
    plain = await download(raw, f"{folder}/plain.txt")
    checks.that("download.disposition", 'filename="plain.txt"' in plain.headers["content-disposition"], plain.headers)
    checks.equal("download.disposition", (await about(raw, f"{folder}/plain.txt")).get("size"), 1)


def _name(reply: Reply) -> str:
    told = reply.headers.get("content-disposition", "")
    if match := re.search(r"filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]*)(?:;|$)", told, re.IGNORECASE):
        return unquote_to_bytes(match[1]).decode("utf-8", "replace")
    match = re.search(r'filename="((?:[^"\\]|\\.)*)"', told)
    return re.sub(r"\\(.)", r"\1", match[1]) if match else told
