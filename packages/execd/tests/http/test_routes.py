"""Every route of the table: its answers and its refusals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from execd._wire import RunCommandRequest
from execd.http.auth import Access
from execd.http.executions import PAGE_CHARACTERS
from execd.http.routes import ROUTES

from .worlds import DONE, FAILED, Wire, World, scope_of, world

START = b'{"command":"echo hi","execution_id":"a"}'
LOCKED = Access(tokens=("secret",))


def events_of(body: bytes) -> list[dict[str, Any]]:
    blocks = body.decode().split("\n\n")
    assert blocks.pop() == "", "the last event has no blank line after it"
    return [json.loads(block.rpartition("data: ")[2]) for block in blocks]


async def started(rooms: World, *, finished: bool = True) -> None:
    """Start a command `a` whose reader has left (its grace runs), or that has ended."""
    wire = Wire([START])
    following = asyncio.ensure_future(
        rooms.app(scope_of("POST", "/command", [("content-length", "1")]), wire.receive, wire.send)
    )
    await wire.until(b"init")
    if finished:
        rooms.program("a").run.write("stdout", b"hi\n")
        rooms.program("a").run.finish(DONE)
    else:
        wire.leave()
    async with asyncio.timeout(5):
        await following


# ── health ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/ping", "/ready"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_healthy_daemon_answers_empty(method: str, path: str) -> None:
    reply = await world(access=LOCKED).call(method, path)
    assert (reply.status, reply.body) == (200, b"")


async def test_a_daemon_that_waits_says_for_what() -> None:
    reply = await world(waiting_for={"shutdown"}).call("GET", "/ready")
    assert (reply.status, reply.code) == (503, "EXECD_NOT_READY")
    assert reply.json["details"] == {"waiting_for": ["shutdown"]}


async def test_the_version_lists_the_extensions() -> None:
    shown = (await world().call("GET", "/version")).json
    assert shown["features"][:7] == ["execution_id", "output", "replay", "disconnect", "overflow", "stdin", "user"]
    assert shown["languages"] == ["python"]


# ── whatever the route ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/", "", "/ping/", "/nope", "/ping%0A", "//ping", "/executions/", "/executions/a/b/c", "*"]
)
async def test_what_is_no_route_is_404_without_a_redirect(path: str) -> None:
    reply = await world().call("GET", path)
    assert (reply.status, reply.code) == (404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/ping", "GET, HEAD"),
        ("GET", "/command", "DELETE, POST"),
        ("POST", "/executions/a", "DELETE, GET, HEAD"),
        ("OPTIONS", "/executions", "GET, HEAD"),
        ("GET", "/executions/a/stdin", "POST"),
        ("BREW", "/version", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allowed: str) -> None:
    reply = await world().call(method, path)
    assert (reply.status, reply.code, reply.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", allowed)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nope"), ("POST", "/ping"), ("GET", "/version/"), ("GET", "/version")]
)
async def test_nothing_answers_before_the_token_is_checked(method: str, path: str) -> None:
    reply = await world(access=LOCKED).call(method, path)
    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(("method", "path", "endpoint"), ROUTES)
async def test_every_route_but_health_wants_a_token(method: str, path: str, endpoint: object) -> None:
    reply = await world(access=LOCKED).call(method, path)
    assert reply.status == (200 if path in ("/ping", "/ready") else 401)


@pytest.mark.parametrize(("method", "path", "endpoint"), ROUTES)
async def test_every_answer_echoes_the_request_id(method: str, path: str, endpoint: object) -> None:
    # Where a query is read, it is a wrong one: a stream that goes on for ever would not be an answer.
    reply = await world().call(method, f"{path}?interval_ms=x", headers=[("X-Request-ID", "mine-1")])
    assert reply.headers["x-request-id"] == "mine-1"
    if reply.status >= 400:
        assert reply.json["request_id"] == "mine-1"


async def test_a_web_page_may_not_call() -> None:
    reply = await world().call("GET", "/version", headers=[("Origin", "https://evil.example")])
    assert (reply.status, reply.code) == (403, "FORBIDDEN_ORIGIN")


async def test_a_fault_of_our_own_is_500_and_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = world()
    monkeypatch.setattr(rooms.services.registry, "runs", lambda: 1 / 0)
    reply = await rooms.call("GET", "/executions")
    assert (reply.status, reply.code) == (500, "RUNTIME_ERROR")
    assert b"division" not in reply.body


async def test_a_handshake_is_refused_with_the_same_body() -> None:
    sent: list[dict[str, Any]] = []
    scope = {**scope_of("GET", "/executions"), "type": "websocket"}

    async def send(message: Any) -> None:
        sent.append(message)

    await world().app(scope, Wire().receive, send)
    assert sent[0]["type"] == "websocket.http.response.start"
    assert sent[0]["status"] == 404
    assert json.loads(sent[1]["body"])["code"] == "ROUTE_NOT_FOUND"


async def test_the_lifespan_begins_and_ends() -> None:
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await world().app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_command_streams_from_init_to_its_end() -> None:
    rooms = world()
    wire = Wire([START])
    following = asyncio.ensure_future(
        rooms.app(scope_of("POST", "/command", [("content-length", "1")]), wire.receive, wire.send)
    )
    await wire.until(b"init")
    rooms.program("a").run.write("stdout", b"hi\n")
    await wire.until(b"hi")
    rooms.program("a").run.finish(FAILED)
    async with asyncio.timeout(5):
        await following
    events = events_of(wire.reply().body)
    assert [event["type"] for event in events] == ["init", "stdout", "error"]
    assert wire.reply().headers["content-type"] == "text/event-stream"


async def test_a_repeated_start_replays_from_the_first_event() -> None:
    rooms = world()
    await started(rooms)
    reply = await rooms.call("POST", "/command", body=START)
    assert [event["type"] for event in events_of(reply.body)] == ["init", "stdout", "execution_complete"]


async def test_another_body_under_the_same_id_is_a_conflict() -> None:
    rooms = world()
    await started(rooms)
    reply = await rooms.call("POST", "/command", body=b'{"command":"other","execution_id":"a"}')
    assert (reply.status, reply.code) == (409, "EXECUTION_CONFLICT")


@pytest.mark.parametrize("body", [b"", b"{", b'{"command":1}', b'{"command":"a","x":1}', b'{"command":"\xff"}'])
async def test_a_malformed_command_is_refused_before_any_event(body: bytes) -> None:
    reply = await world().call("POST", "/command", body=body)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST_BODY")


async def test_a_body_over_the_limit_is_refused() -> None:
    reply = await world(max_bytes=10).call("POST", "/command", body=START)
    assert (reply.status, reply.code, reply.headers["connection"]) == (413, "PAYLOAD_TOO_LARGE", "close")


async def test_an_interrupt_ends_the_command() -> None:
    rooms = world()
    await started(rooms, finished=False)
    reply = await rooms.call("DELETE", "/command?id=a")
    assert (reply.status, reply.body) == (200, b"")
    assert (await rooms.call("GET", "/command/status/a")).json["cause"] == "interrupted"


async def test_an_interrupt_without_an_id_is_refused() -> None:
    reply = await world().call("DELETE", "/command")
    assert (reply.status, reply.code) == (400, "MISSING_QUERY")


async def test_the_status_of_an_unknown_command_is_404() -> None:
    reply = await world().call("GET", "/command/status/nope")
    assert (reply.status, reply.code) == (404, "COMMAND_NOT_FOUND")


async def test_the_status_leaves_out_what_is_not_known_yet() -> None:
    rooms = world()
    await started(rooms, finished=False)
    shown = (await rooms.call("GET", "/command/status/a")).json
    assert shown == {
        "id": "a",
        "content": "echo hi",
        "running": True,
        "started_at": "2026-11-23T05:40:12.588Z",
        "background": False,
    }


# ── executions ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_execution_tells_its_end_and_its_counts() -> None:
    rooms = world()
    await started(rooms)
    shown = (await rooms.call("GET", "/executions/a")).json
    assert (shown["cause"], shown["exit_code"], shown["last_event"], shown["stdout_bytes"]) == ("exited", 0, 3, 3)


@pytest.mark.parametrize("path", ["/executions/nope", "/executions/nope/events", "/executions/%00", "/executions/%FF"])
async def test_an_unknown_execution_is_404(path: str) -> None:
    reply = await world().call("GET", path)
    assert (reply.status, reply.code) == (404, "EXECUTION_NOT_FOUND")


async def test_a_page_of_long_commands_ends_early_and_leaves_nobody_out() -> None:
    rooms = world()
    sizes = [10, PAGE_CHARACTERS * 2, PAGE_CHARACTERS // 2, PAGE_CHARACTERS // 2, 10, 10]
    for at, size in enumerate(sizes):
        rooms.commands.start(RunCommandRequest(command="x" * size, execution_id=f"run-{at}"))
    pages: list[list[int]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await rooms.call("GET", f"/executions?limit=1000{cursor}")).json
        pages.append([len(shown["content"]) for shown in page["executions"]])
        cursor = f"&cursor={page['next_cursor']}" if "next_cursor" in page else None
    assert pages == [sizes[:1], sizes[1:2], sizes[2:4], sizes[4:]]


async def test_pages_hold_every_execution_once_in_the_order_of_their_starts() -> None:
    """Whatever they are called, though the clock shows one time, and while others come."""
    rooms = world()
    names = ["g", "c", "f", "a", "b", "e", "d"]
    for name in names:
        rooms.commands.start(_request(name))
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await rooms.call("GET", f"/executions?limit=3{cursor}")).json
        seen += [shown["id"] for shown in page["executions"]]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
        if len(seen) == 3:
            rooms.commands.start(_request("aa"))
    assert seen == [*names, "aa"]


def _request(execution_id: str) -> RunCommandRequest:
    return RunCommandRequest(command="x", execution_id=execution_id)


async def test_executions_are_told_apart_by_whether_they_run() -> None:
    rooms = world()
    await started(rooms)
    rooms.commands.start(_request("b"))
    live = (await rooms.call("GET", "/executions?running=true&kind=command")).json
    over = (await rooms.call("GET", "/executions?running=false")).json
    assert [shown["id"] for shown in live["executions"]] == ["b"]
    assert [shown["id"] for shown in over["executions"]] == ["a"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=",
        "running=maybe",
        "kind=thing",
        "cursor=x",
        "cursor=-1",
        "cursor=1.y",
    ],
)
async def test_a_list_that_cannot_be_understood_is_refused(query: str) -> None:
    reply = await world().call("GET", f"/executions?{query}")
    assert (reply.status, reply.code) == (400, "INVALID_QUERY")


@pytest.mark.parametrize(("after", "wanted"), [(0, 3), (1, 2), (2, 1)])
async def test_a_replay_is_what_came_after(after: int, wanted: int) -> None:
    rooms = world()
    await started(rooms)
    reply = await rooms.call("GET", f"/executions/a/events?after={after}")
    assert len(events_of(reply.body)) == wanted


@pytest.mark.parametrize("query", ["after=3", "after=99", "after=3&follow=false"])
async def test_past_the_terminal_event_there_is_no_content(query: str) -> None:
    rooms = world()
    await started(rooms)
    reply = await rooms.call("GET", f"/executions/a/events?{query}")
    assert (reply.status, reply.body) == (204, b"")


async def test_past_the_newest_event_of_a_live_run_is_refused() -> None:
    rooms = world()
    await started(rooms, finished=False)
    reply = await rooms.call("GET", "/executions/a/events?after=2")
    assert (reply.status, reply.code) == (400, "INVALID_QUERY")


async def test_without_following_a_live_run_ends_at_its_newest_event() -> None:
    rooms = world()
    await started(rooms, finished=False)
    assert len(events_of((await rooms.call("GET", "/executions/a/events?follow=false")).body)) == 1
    assert (await rooms.call("GET", "/executions/a/events?follow=false&after=1")).status == 204


async def test_the_last_event_id_counts_where_the_query_says_nothing() -> None:
    rooms = world()
    await started(rooms)
    last = [("Last-Event-ID", "2")]
    assert len(events_of((await rooms.call("GET", "/executions/a/events", headers=last)).body)) == 1
    assert len(events_of((await rooms.call("GET", "/executions/a/events?after=0", headers=last)).body)) == 3


@pytest.mark.parametrize(
    ("query", "header"), [("?after=-1", ""), ("?after=x", "1"), ("", "x"), ("?follow=perhaps", "")]
)
async def test_a_place_that_is_no_number_is_refused(query: str, header: str) -> None:
    rooms = world()
    await started(rooms)
    headers = [("Last-Event-ID", header)] if header else []
    reply = await rooms.call("GET", f"/executions/a/events{query}", headers=headers)
    assert (reply.status, reply.code) == (400, "INVALID_QUERY")


async def test_a_head_of_events_reads_nothing() -> None:
    rooms = world()
    await started(rooms)
    reply = await rooms.call("HEAD", "/executions/a/events")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream")


# ── input ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_input_reaches_the_program_byte_for_byte() -> None:
    rooms = world()
    await started(rooms, finished=False)
    assert (await rooms.call("POST", "/executions/a/stdin", body=[b"a\x00", b"\xff"])).status == 200
    assert (await rooms.call("POST", "/executions/a/stdin?eof=true")).status == 200
    assert rooms.program("a").taken == [b"a\x00", b"\xff"]
    assert not rooms.program("a").input_open


@pytest.mark.parametrize("body", [b"", b"more"])
async def test_input_after_its_end_is_refused(body: bytes) -> None:
    rooms = world()
    await started(rooms, finished=False)
    await rooms.call("POST", "/executions/a/stdin?eof=true")
    reply = await rooms.call("POST", "/executions/a/stdin", body=body)
    assert (reply.status, reply.code) == (409, "STDIN_CLOSED")


async def test_input_for_a_finished_run_is_refused() -> None:
    rooms = world()
    await started(rooms)
    reply = await rooms.call("POST", "/executions/a/stdin", body=b"x")
    assert (reply.status, reply.code) == (409, "STDIN_CLOSED")


async def test_input_that_waits_for_the_program_ends_with_it() -> None:
    rooms = world()
    await started(rooms, finished=False)
    rooms.program("a").reads.clear()
    writing = asyncio.ensure_future(rooms.call("POST", "/executions/a/stdin", body=b"x"))
    await asyncio.sleep(0)
    rooms.program("a").stop("interrupted")
    reply = await writing
    assert (reply.status, reply.code) == (409, "STDIN_CLOSED")


# ── the lease ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_open_stream_keeps_the_daemon_busy() -> None:
    now = 0.0
    rooms = world()
    rooms.services.activity._mono_s = lambda: now
    wire = Wire([START])
    following = asyncio.ensure_future(
        rooms.app(scope_of("POST", "/command", [("content-length", "1")]), wire.receive, wire.send)
    )
    await wire.until(b"init")
    now = 100.0
    assert rooms.services.activity.idle_s == 0
    rooms.program("a").run.finish(DONE)
    await following
    now = 130.0
    assert rooms.services.activity.idle_s == 30


async def test_health_checks_do_not() -> None:
    now = 0.0
    rooms = world()
    rooms.services.activity._mono_s = lambda: now
    now = 50.0
    await rooms.call("GET", "/ping")
    assert rooms.services.activity.idle_s == 50
