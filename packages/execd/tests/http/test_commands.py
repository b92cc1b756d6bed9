"""Background commands, their logs, signals and deletion over HTTP."""

from __future__ import annotations

import pytest

from .test_routes import events_of, started
from .worlds import DONE, World, world

BACKGROUND = b'{"command":"server","background":true,"execution_id":"b"}'


async def begun(rooms: World) -> None:
    assert (await rooms.call("POST", "/command", body=BACKGROUND)).status == 200


async def test_the_start_of_a_background_command_ends_at_once_and_its_events_do_not() -> None:
    rooms = world()
    reply = await rooms.call("POST", "/command", body=BACKGROUND)
    init, done = events_of(reply.body)
    assert (init["type"], init["text"]) == ("init", "b")
    assert (done["type"], "cause" in done) == ("execution_complete", False)
    assert reply.body.count(b"id: ") == 1
    shown = (await rooms.call("GET", "/executions/b")).json
    assert (shown["running"], shown["background"], shown["last_event"]) == (True, True, 1)
    rooms.program("b").run.finish(DONE)
    replay = events_of((await rooms.call("GET", "/executions/b/events")).body)
    assert [event["type"] for event in replay] == ["init", "execution_complete"]
    assert replay[1]["cause"] == "exited"


async def test_a_repeated_start_in_the_background_starts_nothing_new() -> None:
    rooms = world()
    await begun(rooms)
    await begun(rooms)
    assert len(rooms.services.registry.runs()) == 1


async def test_logs_are_bytes_with_a_cursor_for_every_stream() -> None:
    rooms = world()
    await begun(rooms)
    run = rooms.program("b").run
    run.write("stdout", b"out\xff\n")
    run.write("stderr", b"err\n")
    reply = await rooms.call("GET", "/command/b/logs")
    assert (reply.body, reply.headers["content-type"]) == (b"out\xff\nerr\n", "text/plain; charset=utf-8")
    assert (reply.headers["execd-commands-tail-cursor"], reply.headers["execd-commands-log-start"]) == ("9", "0")
    assert reply.headers["content-length"] == "9"
    run.write("stdout", b"more")
    assert (await rooms.call("GET", "/command/b/logs?cursor=9")).body == b"more"
    one = await rooms.call("GET", "/command/b/logs?stream=stdout&until=9")
    assert (one.body, one.headers["execd-commands-tail-cursor"]) == (b"out\xff\n", "9")
    assert (await rooms.call("HEAD", "/command/b/logs")).body == b""
    run.finish(DONE)
    nothing = await rooms.call("GET", "/command/b/logs?cursor=13")
    assert (nothing.status, nothing.body, nothing.headers["execd-commands-tail-cursor"]) == (200, b"", "13")


@pytest.mark.parametrize("query", ["cursor=x", "cursor=1", "stream=both", "until=-1"])
async def test_logs_that_cannot_be_asked_for_are_refused(query: str) -> None:
    rooms = world()
    await begun(rooms)
    reply = await rooms.call("GET", f"/command/b/logs?{query}")
    assert (reply.status, reply.code) == (400, "INVALID_QUERY")


async def test_logs_of_an_unknown_command_are_404() -> None:
    reply = await world().call("GET", "/command/nope/logs")
    assert (reply.status, reply.code) == (404, "COMMAND_NOT_FOUND")


async def test_a_signal_reaches_a_live_execution_only() -> None:
    rooms = world()
    await begun(rooms)
    body = b'{"signal":"SIGUSR1"}'
    assert (await rooms.call("POST", "/executions/b/signal", body=body)).status == 200
    assert rooms.program("b").signals == ["SIGUSR1"]
    rooms.program("b").run.finish(DONE)
    reply = await rooms.call("POST", "/executions/b/signal", body=body)
    assert (reply.status, reply.code) == (409, "ALREADY_FINISHED")
    reply = await rooms.call("POST", "/executions/nope/signal", body=body)
    assert (reply.status, reply.code) == (404, "EXECUTION_NOT_FOUND")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"signal":9}', b'{"signal":"INT"}', b'{"signal":"SIGINT\\n"}'])
async def test_what_is_no_signal_is_refused(body: bytes) -> None:
    rooms = world()
    await begun(rooms)
    reply = await rooms.call("POST", "/executions/b/signal", body=body)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST_BODY")


async def test_a_deleted_execution_is_stopped_and_forgotten() -> None:
    rooms = world()
    await begun(rooms)
    await started(rooms)
    run = rooms.program("b").run
    for known in ("a", "b"):
        assert (await rooms.call("DELETE", f"/executions/{known}")).status == 200
        assert (await rooms.call("GET", f"/executions/{known}")).code == "EXECUTION_NOT_FOUND"
    assert run.end is not None
    assert run.end.cause == "interrupted"
    assert (await rooms.call("DELETE", "/executions/a")).status == 404
