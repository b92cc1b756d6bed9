"""Signed URLs."""

from __future__ import annotations

import asyncio

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.raw import Raw
from execd_conformance.scenarios.forms import inside, listed
from execd_conformance.scenarios.trees import asked, refusal


async def _signed(raw: Raw, method: str, path: str, expires_s: int = 60, **more: int) -> str:
    reply = await asked(raw, "POST", "/sign", {"method": method, "path": path, "expires_s": expires_s, **more})
    return str(reply.json().get("url")) if reply.status == 200 else f"/none?{refusal(reply)}"


def _changed(url: str, name: str, value: str | None) -> str:
    """Return a URL with another value of one parameter, or without it."""
    path, _, query = url.partition("?")
    fields = [field for field in query.split("&") if value is not None or not field.startswith(f"{name}=")]
    changed = [f"{name}={value}" if field.startswith(f"{name}=") else field for field in fields]
    return f"{path}?{'&'.join(changed)}"


@scenario(
    "files",
    "signed.sign",
    "signed.download",
    "signed.upload",
    "signed.limit",
    "auth.signature-open",
    features=["sign"],
)
async def test_whoever_has_the_url_needs_no_token(checks: Checks, raw: Raw, folder: str) -> None:
    """A download, a range and a HEAD of it; an upload, and one that is too large."""
    await raw.run("printf content > 'a b&c'", cwd=folder)
    url = await _signed(raw, "GET", f"{folder}/a b&c")
    checks.that("signed.sign", "/files/download?" in url, url)
    got = await raw.request("GET", url, token=None)
    checks.equal("signed.download", (got.status, got.body), (200, b"content"))
    checks.equal("auth.signature-open", got.status, 200)
    part = await raw.request("GET", url, token=None, headers={"Range": "bytes=3-", "Origin": "https://elsewhere.test"})
    checks.equal("signed.download", (part.status, part.body), (206, b"tent"))
    head = await raw.request("HEAD", url, token=None)
    checks.equal("signed.download", (head.status, head.headers.get("content-length")), (200, "7"))
    put = await _signed(raw, "PUT", f"{folder}/new/file", max_bytes=4)
    checks.that("signed.sign", "/files/content?" in put, put)
    large = await raw.request("PUT", put, content=b"12345", token=None)
    checks.equal("signed.limit", large.status, 413)
    checks.equal("signed.limit", await listed(raw, folder), ["a", "b&c"])
    fits = await raw.request("PUT", put, content=b"1234", token=None)
    checks.equal("signed.upload", (fits.status, fits.body), (200, b""))
    checks.equal("signed.upload", await inside(raw, "cat", f"{folder}/new/file"), "1234")


@scenario("files", "signed.one-path", "signed.one-method", "signed.altered", "signed.expiry", features=["sign"])
async def test_a_signature_fits_what_was_signed_and_nothing_else(checks: Checks, raw: Raw, folder: str) -> None:
    """Another path, another method, another limit, another time, another signature."""
    await raw.run("echo one > one; echo two > two", cwd=folder)
    get = await _signed(raw, "GET", f"{folder}/one")
    put = await _signed(raw, "PUT", f"{folder}/one", max_bytes=4)
    other = get.replace("one", "two")
    signature = get.rpartition("=")[2]
    wrong = signature[:-1] + ("A" if signature[-1] != "A" else "B")

    async def status(method: str, url: str, token: str | None = None) -> int:
        content = b"x" if method == "PUT" else b""
        return (await raw.request(method, url, content=content, token=token)).status

    checks.need(await status("GET", get) == 200, "a signed URL that works", get)
    checks.equal("signed.one-path", await status("GET", other), 401)
    checks.equal("signed.one-path", await status("GET", get.replace("/files/download", "/files/info")), 401)
    checks.equal("signed.one-method", await status("PUT", get.replace("/files/download", "/files/content")), 401)
    checks.equal("signed.one-method", await status("GET", put.replace("/files/content", "/files/download")), 401)
    checks.equal("signed.one-method", await status("DELETE", get.replace("/files/download", "/files")), 401)
    for url in (
        _changed(get, "signature", wrong),
        _changed(get, "signature", ""),
        _changed(get, "expires", "99999999999"),
    ):
        checks.equal("signed.altered", (url, await status("GET", url)), (url, 401))
    for limit in ("5", None):
        checks.equal("signed.altered", (limit, await status("PUT", _changed(put, "max_bytes", limit))), (limit, 401))
    checks.equal("signed.altered", await inside(raw, "cat", f"{folder}/one"), "one")
    short = await _signed(raw, "GET", f"{folder}/one", expires_s=1)
    try:
        async with asyncio.timeout(8):
            while await status("GET", short) == 200:  # noqa: ASYNC110 - time alone ends it
                await asyncio.sleep(0.1)
    except TimeoutError:
        pass
    checks.equal("signed.expiry", await status("GET", short), 401)


@scenario("files", "signed.own-key", features=["sign"], needs=["start"])
async def test_another_start_has_another_key(checks: Checks, daemons: Daemons) -> None:
    """The same token, and yet what one daemon signed is nothing to the other."""
    async with daemons(token="the-same-token") as one, daemons(token="the-same-token") as other:  # noqa: S106 - made up
        url = await _signed(one.raw, "GET", "/etc/passwd")
        checks.equal("signed.own-key", (await one.raw.request("GET", url, token=None)).status, 200)
        checks.equal("signed.own-key", (await other.raw.request("GET", url, token=None)).status, 401)
