"""Executions: their status, the list of them, and ids that the client chooses."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from execd_conformance.checks import Checks, scenario
from execd_conformance.events import Event
from execd_conformance.laws import ending, texts, whole
from execd_conformance.parsing import is_time
from execd_conformance.raw import Raw


@scenario("commands", "status.fields", "status.from-init", "status.unknown", profiles=("full", "compat"))
async def test_a_status_tells_how_a_command_stands(checks: Checks, raw: Raw, unique: str) -> None:
    command = "echo begun; sleep 0.3; exit 3"
    async with raw.stream("POST", "/command", json={"command": command}) as stream:
        init = await stream.until(lambda event: event.type == "init")
        live = (await raw.request("GET", f"/command/status/{init['text']}")).json()
        await whole(stream)
    seen = (live.get("id"), live.get("content"), live.get("running"))
    checks.equal("status.from-init", seen, (init["text"], command, True))
    checks.that("status.fields", is_time(live.get("started_at")) and live.get("finished_at") is None, saw=live)
    checks.that("status.fields", live.get("exit_code") is None and not live.get("error"), saw=live)
    done = (await raw.request("GET", f"/command/status/{init['text']}")).json()
    checks.equal("status.fields", (done.get("running"), done.get("exit_code")), (False, 3))
    checks.that("status.fields", bool(done.get("error")) and is_time(done.get("finished_at")), saw=done)
    checks.equal("status.fields", done.get("started_at"), live.get("started_at"))
    events = await raw.events("POST", "/command", json={"command": "true"})
    good = (await raw.request("GET", f"/command/status/{events[0]['text']}")).json()
    checks.that("status.fields", good.get("exit_code") == 0 and not good.get("error"), saw=good)
    reply = await raw.request("GET", f"/command/status/{unique}")
    checks.equal("status.unknown", reply.status, 404)


@scenario("commands", "status.more", "status.unknown", "executions.one", "executions.kind", features={"replay"})
async def test_an_execution_tells_all_that_is_known(checks: Checks, raw: Raw, unique: str) -> None:
    body = {"command": "echo $$; echo oops >&2; kill -9 $$; sleep 5"}
    events = await raw.events("POST", "/command", json=body)
    told, pid = str(events[0]["text"]), int(str(texts(events)[0]))
    status = (await raw.request("GET", f"/command/status/{told}")).json()
    seen = [status.get(name) for name in ("cause", "signal", "background", "pid")]
    checks.equal("status.more", seen, ["signaled", "SIGKILL", False, pid])
    checks.that("status.more", "exit_code" not in status or status["exit_code"] is None, saw=status)
    one = (await raw.request("GET", f"/executions/{told}")).json()
    seen = [one.get(name) for name in ("id", "running", "content", "cause", "signal", "pid", "truncated")]
    checks.equal("executions.one", seen, [told, False, body["command"], "signaled", "SIGKILL", pid, False])
    numbers = (one.get("first_event"), one.get("last_event"), one.get("stdout_bytes"), one.get("stderr_bytes"))
    checks.that("executions.one", one.get("first_event") in {1, 2} and numbers[1:] == (4, len(f"{pid}\n"), 5), saw=one)
    checks.equal("executions.kind", one.get("kind"), "command")
    reply = await raw.request("GET", f"/command/status/{unique}")
    checks.equal("status.unknown", (reply.status, reply.code), (404, "COMMAND_NOT_FOUND"))


@scenario(
    "commands",
    "executions.list",
    "executions.filter",
    "executions.kind",
    "executions.unknown",
    features={"replay", "execution_id"},
)
async def test_executions_are_listed_in_pages(checks: Checks, raw: Raw, unique: str) -> None:
    mine = [f"{unique}-{number}" for number in (3, 1, 4, 0, 2)]
    for name in mine:
        await raw.run("true", execution_id=name)
    async with raw.stream("POST", "/command", json={"command": "exec sleep 60", "execution_id": f"{unique}-r"}) as live:
        await live.until(lambda event: event.type == "init")
        every = [each for page in await _pages(raw, limit=500) for each in page]
        ids = [each["id"] for each in every]
        checks.equal("executions.list", [each for each in ids if each.startswith(unique)], [*mine, f"{unique}-r"])
        checks.that("executions.list", len(ids) == len(set(ids)), saw=len(ids))
        small = await _pages(raw, limit=2, at_most=3)
        checks.that("executions.list", all(len(page) == 2 for page in small[:-1]), saw=[len(page) for page in small])
        # Others come, and the oldest are forgotten meanwhile: those that both listings have are in one order.
        places = [ids.index(each["id"]) for page in small for each in page if each["id"] in ids]
        checks.that("executions.list", places and places == sorted(set(places)), saw=places)
        for running, want in (("true", [f"{unique}-r"]), ("false", mine)):
            chosen = [each for page in await _pages(raw, running=running) for each in page]
            seen = [each["id"] for each in chosen if each["id"].startswith(unique)]
            checks.equal("executions.filter", seen, want)
            checks.that("executions.filter", all(str(each["running"]).lower() == running for each in chosen))
        commands = [each for page in await _pages(raw, kind="command") for each in page]
        checks.equal("executions.kind", {each["kind"] for each in commands}, {"command"})
        cells = [each["id"] for page in await _pages(raw, kind="cell") for each in page]
        checks.equal("executions.filter", [each for each in cells if each.startswith(unique)], [])
        await raw.request("DELETE", "/command", params={"id": f"{unique}-r"})
    for path in (f"/executions/{unique}", f"/executions/{unique}/events"):
        reply = await raw.request("GET", path)
        checks.equal("executions.unknown", (reply.status, reply.code), (404, "EXECUTION_NOT_FOUND"))


async def _pages(raw: Raw, *, at_most: int = 200, **params: object) -> list[list[dict[str, Any]]]:
    pages: list[list[dict[str, Any]]] = []
    cursor: dict[str, object] = {}
    while len(pages) < at_most:
        answer = (await raw.request("GET", "/executions", params={"limit": 1000, **params, **cursor})).json()
        pages.append(answer["executions"])
        if answer.get("next_cursor") is None:
            break
        cursor = {"cursor": answer["next_cursor"]}
    return pages


@scenario(
    "replay",
    "execution-id.chosen",
    "execution-id.attaches",
    "execution-id.from-first",
    "execution-id.after-end",
    "execution-id.decoded",
    "execution-id.conflict",
    features={"execution_id"},
)
async def test_a_repeated_start_runs_once(checks: Checks, raw: Raw, unique: str, folder: str) -> None:
    body = {"command": "echo ran >> ran; echo é; sleep 0.3; echo end; exit 6", "cwd": folder, "execution_id": unique}
    starts = await asyncio.gather(*(_start(raw, json.dumps(body)) for _ in range(6)))
    checks.equal("execution-id.chosen", {events[0].get("text") for events in starts}, {unique})
    first = _seen(starts[0])
    checks.that("execution-id.attaches", all(_seen(events) == first for events in starts), saw=list(map(_seen, starts)))
    checks.equal("execution-id.from-first", {events[0].type for events in starts}, {"init"})
    again = await _start(raw, json.dumps(body))
    checks.equal("execution-id.after-end", _seen(again), first)
    other_spelling = {**dict(reversed(body.items())), "timeout": None, "envs": None}
    spelled = await _start(raw, json.dumps(other_spelling, ensure_ascii=False, indent=3))
    checks.equal("execution-id.decoded", _seen(spelled), first)
    for change in ({"command": "echo other"}, {"timeout": 5000}, {"envs": {"A": "1"}}, {"cwd": "/"}):
        reply = await raw.request("POST", "/command", json={**body, **change})
        checks.equal("execution-id.conflict", (reply.status, reply.code), (409, "EXECUTION_CONFLICT"))
    ran = await raw.run("cat ran", cwd=folder)
    checks.equal("execution-id.attaches", ran.stdout, "ran\n")


async def _start(raw: Raw, text: str) -> list[Event]:
    return await raw.events("POST", "/command", content=text, headers={"Content-Type": "application/json"})


def _seen(events: list[Event]) -> list[tuple[int | None, str]]:
    return [(event.number, event.raw) for event in events if event.type != "ping"]


@scenario("commands", "execution-id.form", features={"execution_id"})
async def test_an_id_has_a_form(checks: Checks, raw: Raw, unique: str) -> None:
    bad = ("", " ", "a b", "a/b", "é", "a" * 65, f"{unique}\n", f"\n{unique}", f"{unique}\0", "a.b", "..")
    for name in bad:
        reply = await raw.request("POST", "/command", json={"command": "true", "execution_id": name})
        checks.that("execution-id.form", (reply.status, reply.code) == (400, "INVALID_REQUEST_BODY"), saw=(name, reply))
    for name in (f"{unique}_A-z", (unique * 4)[:64], f"-{unique[:20]}"):
        events = await raw.events("POST", "/command", json={"command": "true", "execution_id": name})
        checks.equal("execution-id.form", (events[0].get("text"), ending(events).type), (name, "execution_complete"))
