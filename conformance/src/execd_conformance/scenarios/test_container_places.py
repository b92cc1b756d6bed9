"""A container that can write almost nowhere, whose disk is full, or whose temporary directory is emptied."""

from __future__ import annotations

import pytest

from execd_conformance.checks import Checks, scenario
from execd_conformance.scenarios.boxes import box, cell, upload
from execd_conformance.session import Session

MANY = "seq 1 200000"
MANY_OUT = "".join(f"{number}\n" for number in range(1, 200001))
LARGE = 40_000_000
WRITABLE = {
    "temporary and state": {"/tmp": "mode=1777", "/state": "mode=1777"},
    "temporary": {"/tmp": "mode=1777"},
    "nothing": {},
}


@pytest.mark.parametrize("writable", WRITABLE)
@scenario(
    "container",
    "container.read-only-commands",
    "container.read-only-cells",
    "container.read-only-files",
    needs={"container"},
    limit_s=60,
)
async def test_a_read_only_root_leaves_what_needs_no_place(checks: Checks, target: Session, writable: str) -> None:
    """Work in a container that can write to little, less and nothing."""
    settings = {"EXECD_STATE_DIR": "/state"} if "/state" in WRITABLE[writable] else {}
    async with box(target, settings=settings, read_only=True, tmpfs=WRITABLE[writable]) as mine:
        ran = await mine.raw.run(MANY)
        checks.that("container.read-only-commands", ran.stdout == MANY_OUT and ran.exit_code == 0, ran.end)
        said = await cell(mine.raw, "print(6 * 7)")
        # A kernel wants a temporary directory for itself; where there is none, its own words are the answer.
        is_told = writable == "nothing" and said == ["error"]
        checks.that("container.read-only-cells", said == ["42\n", "execution_complete"] or is_told, said)
        refused = await upload(mine.raw, "/usr/file", b"content")
        checks.that("container.read-only-files", refused.status in range(400, 600) and refused.code, refused)
        if writable != "nothing":
            checks.equal("container.read-only-files", (await upload(mine.raw, "/tmp/file", b"content")).status, 200)
        checks.equal("container.read-only-files", (await mine.raw.request("GET", "/ready")).status, 200)


@scenario(
    "container",
    "container.full-state-keeps-tail",
    "container.full-state-goes-on",
    features={"replay", "overflow", "disconnect"},
    needs={"container"},
    limit_s=60,
)
async def test_output_that_finds_no_disk_keeps_its_tail(checks: Checks, target: Session) -> None:
    """Write far more than there is disk for, with nobody reading along."""
    settings, tmpfs = {"EXECD_STATE_DIR": "/state"}, {"/state": "size=1m,mode=1777"}
    async with box(target, settings=settings, tmpfs=tmpfs) as mine:
        request = {
            "command": f"echo begun; head -c {LARGE} /dev/zero | tr '\\0' x; echo; echo the end",
            "output": "chunks",
            "on_disconnect": "detach",
            "on_overflow": "drop_oldest",
        }
        async with mine.raw.stream("POST", "/command", json=request) as stream:
            await stream.until(lambda event: event.type == "init")
            await stream.leave()
        run = stream.events[0]["text"]
        # Follow it to its end as a second reader would, and then read all that is left.
        async with mine.raw.stream("GET", f"/executions/{run}/events", timeout_s=40.0) as follower:
            async for _ in follower:
                pass
        events = await mine.raw.events("GET", f"/executions/{run}/events", params={"after": 0}, timeout_s=40.0)
        out = "".join(event["text"] for event in events if event.type == "stdout")
        end, gap = events[-1], next((event for event in events if event.type == "truncated"), None)
        written = LARGE + len("begun\n\nthe end\n")
        checks.equal("container.full-state-keeps-tail", end.get("stdout_bytes"), written)
        checks.that("container.full-state-keeps-tail", out.endswith("x\nthe end\n"), out[-40:])
        missing = gap["stdout_bytes"] if gap is not None else 0
        checks.that("container.full-state-keeps-tail", missing > 0 and missing + len(out) == written, (gap, len(out)))
        again = await mine.raw.run("echo on")
        checks.equal("container.full-state-goes-on", (again.stdout, again.exit_code), ("on\n", 0))
        checks.equal("container.full-state-goes-on", (await mine.raw.request("GET", "/ready")).status, 200)


@scenario("container", "container.full-disk-507", "container.full-disk-nothing-half", needs={"container"}, limit_s=60)
async def test_an_upload_that_finds_no_disk_leaves_nothing(checks: Checks, target: Session) -> None:
    """Upload a file that does not fit, and then one that does."""
    async with box(target, tmpfs={"/small": "size=1m,mode=1777"}) as mine:
        refused = await upload(mine.raw, "/small/file", b"x" * 3_000_000)
        checks.equal("container.full-disk-507", (refused.status, refused.code), (507, "NO_SPACE"))
        checks.equal("container.full-disk-nothing-half", (await mine.raw.run("ls -A /small")).stdout, "")
        fits = await upload(mine.raw, "/small/file", b"x" * 100_000)
        checks.equal("container.full-disk-nothing-half", fits.status, 200)
        size = (await mine.raw.run("wc -c < /small/file")).stdout.strip()
        checks.equal("container.full-disk-nothing-half", size, "100000")


@scenario("container", "container.emptied-tmp", needs={"container"}, limit_s=60)
async def test_an_emptied_temporary_directory_harms_nothing(checks: Checks, target: Session) -> None:
    """Empty the temporary directory under a kernel that is at work."""
    async with box(target) as mine:
        await cell(mine.raw, "x = 41")
        await mine.inside("rm -rf /tmp/* /tmp/.[!.]*")
        said = await cell(mine.raw, "print(x + 1)")
        checks.equal("container.emptied-tmp", said, ["42\n", "execution_complete"])
        made = await mine.raw.request("POST", "/code/context", json={"language": "python"}, timeout_s=30.0)
        checks.equal("container.emptied-tmp", made.status, 200)
        ran = await mine.raw.run(MANY)
        checks.that("container.emptied-tmp", ran.stdout == MANY_OUT, ran.end)
        checks.equal("container.emptied-tmp", (await upload(mine.raw, "/tmp/file", b"x")).status, 200)
