"""Sessions over HTTP."""

from __future__ import annotations

import pytest

from execd._wire import CreateSessionRequest

from .test_routes import events_of
from .worlds import world


@pytest.mark.parametrize("body", [b"", b" ", b"{}", b'{"cwd":null}'])
async def test_a_session_needs_no_body(body: bytes) -> None:
    rooms = world()
    reply = await rooms.call("POST", "/session", body=body)
    assert (reply.status, reply.json) == (200, {"session_id": "here"})
    assert rooms.sessions.asked == [CreateSessionRequest()]


async def test_a_session_is_told_where_and_with_what_to_start() -> None:
    rooms = world()
    await rooms.call("POST", "/session", body=b'{"cwd":"/w","envs":{"A":"1"}}')
    assert rooms.sessions.asked == [CreateSessionRequest(cwd="/w", envs={"A": "1"})]


async def test_a_run_of_a_session_is_followed_and_replayed_like_any_other() -> None:
    rooms = world()
    reply = await rooms.call("POST", "/session/here/run", body=b'{"command":"x","execution_id":"r"}')
    assert [event["type"] for event in events_of(reply.body)] == ["init", "stdout", "execution_complete"]
    assert (await rooms.call("GET", "/executions/r")).json["kind"] == "session_run"
    assert (await rooms.call("GET", "/command/status/r")).json["content"] == "x"
    assert (await rooms.call("GET", "/command/r/logs")).body == b"hi\n"
    listed = (await rooms.call("GET", "/executions?kind=session_run")).json
    assert [shown["id"] for shown in listed["executions"]] == ["r"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"command":" "}', b'{"command":"a","background":true}'])
async def test_what_is_no_run_is_refused(body: bytes) -> None:
    reply = await world().call("POST", "/session/here/run", body=body)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST_BODY")


async def test_a_session_that_is_not_there_is_404() -> None:
    rooms = world()
    for method, path, body in (("POST", "/session/x/run", b'{"command":"x"}'), ("DELETE", "/session/x", b"")):
        reply = await rooms.call(method, path, body=body)
        assert (reply.status, reply.code) == (404, "SESSION_NOT_FOUND")


async def test_a_deleted_session_is_answered_empty() -> None:
    reply = await world().call("DELETE", "/session/here")
    assert (reply.status, reply.body) == (200, b"")
