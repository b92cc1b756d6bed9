"""Executions that are deleted: stopped if they run, forgotten, and nothing of them left."""

from __future__ import annotations

import asyncio

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.laws import EVERY, NUMBERED, are_running, ending, have_ended, lawful, numbered, whole
from execd_conformance.raw import Raw, Reply
from execd_conformance.scenarios.background import log_with
from execd_conformance.scenarios.refusals import REFUSALS, refused

_ROUTES = (
    ("GET", "/executions/{}", "EXECUTION_NOT_FOUND"),
    ("GET", "/executions/{}/events", "EXECUTION_NOT_FOUND"),
    ("POST", "/executions/{}/stdin", "EXECUTION_NOT_FOUND"),
    ("DELETE", "/executions/{}", "EXECUTION_NOT_FOUND"),
    ("GET", "/command/status/{}", "COMMAND_NOT_FOUND"),
    ("GET", "/command/{}/logs", "COMMAND_NOT_FOUND"),
    ("DELETE", "/command?id={}", "COMMAND_NOT_FOUND"),
)
_FAMILY = "setsid sleep 304 >/dev/null 2>&1 & echo $!; trap '' TERM; sleep 305 & echo $!; echo $$ ready; wait"


async def _delete(raw: Raw, execution_id: str) -> Reply:
    return await raw.request("DELETE", f"/executions/{execution_id}", timeout_s=15)


@scenario(
    "commands",
    "executions.delete",
    "executions.delete-gone",
    "executions.unknown",
    "process.stop-stubborn",
    *REFUSALS,
    features={"signal", "replay", "execution_id", "logs"},
)
async def test_a_live_run_is_stopped_and_forgotten(checks: Checks, raw: Raw, unique: str) -> None:
    other = await raw.run("exec sleep 60", background=True)
    for is_background in (True, False):
        body = {"command": _FAMILY, "execution_id": unique, "background": is_background}
        async with raw.stream("POST", "/command", json=body) as stream:
            await stream.until(lambda event: event.type == "init")
            pids = (await log_with(raw, unique, b"ready\n")).text.split()[:3]
            reply = await _delete(raw, unique)
            checks.equal("executions.delete", (reply.status, reply.body), (200, b""))
            # It is gone now, not a little later.
            seen = [pid.decode() for pid in pids]
            checks.that("process.stop-stubborn", await have_ended(raw, *seen), saw=seen)
            for method, path, code in _ROUTES:
                reply = await raw.request(method, path.format(unique))
                refused(checks, "executions.delete-gone", reply, 404, code, of=path)
            listed = (await raw.request("GET", "/executions", params={"limit": 1000})).json()["executions"]
            checks.that("executions.delete", unique not in {each["id"] for each in listed})
    anew = await raw.run("echo anew", execution_id=unique)
    checks.equal("executions.delete-gone", (anew.id, anew.stdout), (unique, "anew\n"))
    status = (await raw.request("GET", f"/command/status/{other.id}")).json()
    checks.that("executions.delete", await are_running(raw, str(status.get("pid"))), saw=status)
    for reply in (await _delete(raw, unique), await _delete(raw, other.id)):
        checks.equal("executions.delete", (reply.status, reply.body), (200, b""))
    refused(checks, "executions.unknown", await _delete(raw, unique), 404, "EXECUTION_NOT_FOUND")


@scenario(
    "commands",
    *EVERY,
    *NUMBERED,
    "executions.delete-readers",
    "executions.delete",
    "end.interrupted",
    features={"signal", "replay"},
)
async def test_who_reads_a_deleted_run_gets_its_rest(checks: Checks, raw: Raw) -> None:
    command = "trap 'seq 2000; exit 7' TERM; echo ready; while :; do sleep 0.02; done"
    async with raw.stream("POST", "/command", json={"command": command}, timeout_s=10) as stream:
        told = str((await stream.until(lambda event: event.type == "init"))["text"])
        await stream.until(lambda event: event.get("text") == "ready")
        async with raw.stream("GET", f"/executions/{told}/events", timeout_s=10) as second:
            second.need()
            # Two ask at once; nobody waits for the other's answer, and each gets one.
            replies = await asyncio.gather(_delete(raw, told), _delete(raw, told))
            await whole(stream)
            await whole(second)
            checks.equal("executions.delete", {reply.status for reply in replies}, {200})
    for events in (stream.events, second.events):
        lawful(checks, events)
        numbered(checks, events)
        said = [event.get("text") for event in events if event.type == "stdout"]
        checks.that("executions.delete-readers", said == ["ready", *map(str, range(1, 2001))], saw=said[-3:])
        end = ending(events)
        checks.equal("end.interrupted", (end.get("code"), end.get("exit_code")), ("INTERRUPTED", 7))
    reply = await raw.request("GET", f"/executions/{told}")
    checks.equal("executions.delete", reply.status, 404)


@scenario(
    "commands",
    "executions.cursor",
    "executions.list",
    features={"signal", "replay", "execution_id"},
    needs={"start"},
)
async def test_a_page_goes_on_where_its_last_run_was(checks: Checks, daemons: Daemons) -> None:
    mine = [f"run-{number}" for number in (2, 5, 0, 3, 1, 4)]
    seen: list[str] = []
    cursor: dict[str, object] = {}
    async with daemons() as daemon:
        for name in mine:
            await daemon.raw.run("true", execution_id=name)
        while len(seen) < len(mine):
            page = (await daemon.raw.request("GET", "/executions", params={"limit": 1, **cursor})).json()
            ids = [str(each["id"]) for each in page["executions"]]
            checks.need(ids, "every page but the last has a run")
            seen += ids
            await _delete(daemon.raw, ids[-1])
            if page.get("next_cursor") is None:
                break
            cursor = {"cursor": page["next_cursor"]}
    checks.equal("executions.cursor", seen, mine)
    checks.equal("executions.list", len(set(seen)), len(mine))
