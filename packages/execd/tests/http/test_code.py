"""The routes of code: what reaches the contexts, and what becomes of their answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from execd._wire import CreateContextRequest

from ..runs.test_store import parse
from .worlds import World, world

HERE = {"id": "here", "language": "python", "cwd": "/"}


@pytest.fixture
async def routes() -> World:
    return world()


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


async def test_a_context_is_created_as_asked(routes: World) -> None:
    asked = {"language": "py", "cwd": "/x", "envs": {"A": "1"}}
    reply = await routes.call("POST", "/code/context", body=body(asked))
    assert (reply.status, reply.json) == (200, HERE)
    assert routes.contexts.asked == [("create", CreateContextRequest(language="py", cwd="/x", envs={"A": "1"}))]


@pytest.mark.parametrize("empty", [b"", b"  ", b"{}", b'{"language":null}'])
async def test_a_context_may_be_asked_for_without_a_body(routes: World, empty: bytes) -> None:
    assert (await routes.call("POST", "/code/context", body=empty)).status == 200
    assert routes.contexts.asked == [("create", CreateContextRequest())]


@pytest.mark.parametrize(
    ("path", "wrong", "field"),
    [
        ("/code/context", {"lang": "python"}, "lang"),
        ("/code/context", {"language": 3}, "language"),
        ("/code/context", {"envs": {"A=": "1"}}, "envs"),
        ("/code/context", {"cwd": "a\0b"}, "cwd"),
        ("/code", {}, "code"),
        ("/code", {"code": "1", "timeout": -1}, "timeout"),
        ("/code", {"code": "1", "context": {"name": "x"}}, "name"),
        ("/code", {"code": "1", "execution_id": "a\n"}, "execution_id"),
        ("/code", {"code": "1", "on_disconnect": "stay"}, "on_disconnect"),
    ],
)
async def test_a_wrong_field_is_named(routes: World, path: str, wrong: Any, field: str) -> None:
    reply = await routes.call("POST", path, body=body(wrong))
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST_BODY")
    assert field in reply.json["message"]


async def test_a_run_streams_its_events_and_is_an_execution_of_kind_cell(routes: World) -> None:
    reply = await routes.call("POST", "/code", body=body({"code": "1", "execution_id": "mine", "context": None}))
    assert reply.headers["content-type"] == "text/event-stream"
    events = [event for _, event in parse(reply.body)]
    assert [event["type"] for event in events] == ["init", "stdout", "execution_complete"]
    assert events[1]["text"] == "a\nb"
    assert (events[2]["cause"], events[2]["state_lost"], events[2]["stdout_bytes"]) == ("completed", False, 3)
    shown = (await routes.call("GET", "/executions/mine")).json
    assert (shown["kind"], shown["content"], shown["cause"]) == ("cell", "1", "completed")
    assert [run["id"] for run in (await routes.call("GET", "/executions?kind=cell")).json["executions"]] == ["mine"]
    assert (await routes.call("GET", "/command/status/mine")).code == "COMMAND_NOT_FOUND"


async def test_contexts_are_listed_shown_restarted_and_deleted(routes: World) -> None:
    assert (await routes.call("GET", "/code/contexts")).json == []
    assert (await routes.call("GET", "/code/contexts?language=py")).json == []
    assert (await routes.call("GET", "/code/contexts/here")).json == HERE
    assert (await routes.call("POST", "/code/contexts/here/restart")).json == HERE
    for target in ("/code/contexts/here", "/code/contexts?language=py"):
        deleted = await routes.call("DELETE", target)
        assert (deleted.status, deleted.body) == (200, b"")
    assert routes.contexts.asked == [
        ("show", None),
        ("show", "py"),
        ("restart", "here"),
        ("delete", "here"),
        ("delete_all", "py"),
    ]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/code/contexts/gone"),
        ("DELETE", "/code/contexts/gone"),
        ("POST", "/code/contexts/gone/restart"),
        ("GET", "/code/contexts/gone/events"),
        ("HEAD", "/code/contexts/gone/events"),
    ],
)
async def test_a_context_that_is_not_there_is_not_found(routes: World, method: str, target: str) -> None:
    reply = await routes.call(method, target)
    assert reply.status == 404
    assert reply.code == "CONTEXT_NOT_FOUND"


async def test_a_contexts_own_events_are_streamed_without_numbers(routes: World) -> None:
    reply = await routes.call("GET", "/code/contexts/here/events")
    assert [(number, event["type"]) for number, event in parse(reply.body)] == [(None, "stdout"), (None, "error")]
    assert (await routes.call("HEAD", "/code/contexts/here/events")).headers["content-type"] == "text/event-stream"


async def test_an_interrupt_needs_an_id(routes: World) -> None:
    assert (await routes.call("DELETE", "/code")).code == "MISSING_QUERY"
    assert (await routes.call("DELETE", "/code/contexts")).code == "MISSING_QUERY"
    interrupted = await routes.call("DELETE", "/code?id=here")
    assert (interrupted.status, interrupted.body) == (200, b"")
    assert routes.contexts.asked == [("interrupt", "here")]


async def test_languages_say_how_they_are_served(routes: World) -> None:
    (python,) = (await routes.call("GET", "/code/languages")).json
    assert python.keys() == {"name", "aliases", "kernel", "version", "warm", "limits"}
