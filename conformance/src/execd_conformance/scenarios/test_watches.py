"""Watches of directories."""

from __future__ import annotations

from execd_conformance.checks import Checks, scenario
from execd_conformance.events import Event
from execd_conformance.raw import Raw
from execd_conformance.scenarios.trees import asked, refusal


def _shown(event: Event, folder: str) -> str:
    paths = [str(event.get(name)).removeprefix(f"{folder}/") for name in ("path", "src", "dest") if event.get(name)]
    return " ".join([event.type, *paths])


@scenario("files", "watch.events", "watch.move", "watch.recursive", "watch.missing", features=["watch"])
async def test_what_changes_is_told(checks: Checks, raw: Raw, folder: str) -> None:
    """New, written, moved and removed, in directories that are new themselves."""
    query = {"path": folder, "recursive": "true"}
    async with raw.stream("GET", "/files/watch", params=query) as stream:
        await stream.until(lambda event: event.type == "init")
        await raw.run(
            "touch a; echo more >> a; mv a b; rm b; mkdir -p x/y; touch x/y/z; mv x w; touch last", cwd=folder
        )
        await stream.until(lambda event: event.get("path") == f"{folder}/last")
        seen = [_shown(event, folder) for event in stream.events]
    told = [line for line in seen if not line.startswith(("modified", "init", "ping"))]
    checks.equal("watch.events", told[:3], ["created a", "moved a b", "removed b"])
    checks.that("watch.events", "modified b" in seen or "modified a" in seen or told[0] == "created a", seen)
    checks.that("watch.move", "moved x w" in told and told[-1] == "created last", told)
    checks.that("watch.recursive", "created x" in told and any(line.endswith("y/z") for line in told), told)
    missing = await asked(raw, "GET", "/files/watch", path=f"{folder}/missing")
    checks.equal("watch.missing", refusal(missing), "404 FILE_NOT_FOUND")


@scenario("files", "watch.events", "watch.recursive", features=["watch"])
async def test_a_watch_keeps_to_its_directory(checks: Checks, raw: Raw, folder: str) -> None:
    """Without more words only what is directly in it; content that changes."""
    await raw.run("mkdir d; echo a > file", cwd=folder)
    async with raw.stream("GET", "/files/watch", params={"path": folder}) as stream:
        await stream.until(lambda event: event.type == "init")
        await raw.run("touch d/inside; echo more >> file; touch last", cwd=folder)
        await stream.until(lambda event: event.get("path") == f"{folder}/last")
        seen = [_shown(event, folder) for event in stream.events]
    checks.that("watch.recursive", not any("inside" in line for line in seen), seen)
    checks.that("watch.events", "modified file" in seen, seen)


@scenario("files", "watch.run", "watch.ends", features=["watch", "replay"])
async def test_a_watch_is_a_run(checks: Checks, raw: Raw, folder: str) -> None:
    """Of its own kind, resumed by number, ended by its id, and by the end of its directory."""
    async with raw.stream("GET", "/files/watch", params={"path": folder}) as stream:
        init = await stream.until(lambda event: event.type == "init")
        await raw.run("touch a", cwd=folder)
        await stream.until(lambda event: event.get("path") == f"{folder}/a")
    watch = str(init["text"])
    shown = await asked(raw, "GET", f"/executions/{watch}")
    told = shown.json() if shown.status == 200 else {}
    checks.equal("watch.run", (told.get("kind"), told.get("running")), ("watch", True))
    await raw.run("touch b", cwd=folder)
    async with raw.stream("GET", f"/executions/{watch}/events", params={"after": "1"}) as stream:
        await stream.until(lambda event: event.get("path") == f"{folder}/b")
        first = stream.events[0]
        checks.equal("watch.run", (first.number, first.get("path")), (2, f"{folder}/a"))
        await asked(raw, "DELETE", f"/executions/{watch}")
        end = await stream.until(lambda event: event.is_terminal)
        checks.equal("watch.ends", (end.type, end.get("cause")), ("error", "interrupted"))
    await raw.run("mkdir d", cwd=folder)
    async with raw.stream("GET", "/files/watch", params={"path": f"{folder}/d"}) as stream:
        await stream.until(lambda event: event.type == "init")
        await raw.run("rmdir d", cwd=folder)
        end = await stream.until(lambda event: event.is_terminal)
    checks.equal("watch.ends", (end.type, end.get("cause")), ("execution_complete", "completed"))
