"""What successes look like: empty where they have nothing to say, times in one form."""

from __future__ import annotations

import json
import re
from datetime import datetime

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import has_time, is_count
from execd_conformance.raw import Raw
from execd_conformance.scenarios.refusals import fields, ids, media_type


@scenario("general", "empty.success", "times.bodies", "times.events", profiles=("compat",))
async def test_times_and_empty_answers_are_as_clients_know_them(checks: Checks, raw: Raw) -> None:
    """A run from start to interrupt, as deployed clients see it."""
    async with raw.stream("POST", "/command", json={"command": "echo up; exec sleep 60"}) as stream:
        run = (await stream.until(lambda event: event.type == "init"))["text"]
        await stream.until(lambda event: event.get("text") == "up")
        live = fields(await raw.request("GET", f"/command/status/{run}"))
        stopped = await raw.request("DELETE", "/command", params={"id": run})
        checks.that("empty.success", stopped.status == 200 and stopped.body == b"", saw=stopped)
        events = [*stream.events, *[event async for event in stream]]
    over = fields(await raw.request("GET", f"/command/status/{run}"))
    times = [live.get("started_at"), over.get("started_at"), over.get("finished_at")]
    checks.that("times.bodies", all(map(is_time, times)), saw=times)
    checks.that("times.bodies", times[0] == times[1] and str(times[1]) <= str(times[2]), saw=times)
    checks.that("times.events", all(map(has_time, events)), saw=[event.get("timestamp") for event in events])
    done = await raw.run("true")
    took = done.end.get("execution_time")
    checks.that("times.events", is_count(took) and took < 60_000, saw=took)


@scenario("general", "json.answers", "request-id.everywhere", limit_s=60)
async def test_what_is_served_has_its_type_and_its_id(checks: Checks, raw: Raw, folder: str, unique: str) -> None:
    """Successes of every route that is asked over and over: JSON or not, each with the id of its request."""
    mine = {"X-Request-ID": unique}
    metadata = ("metadata", json.dumps({"path": f"{folder}/file"}).encode(), "application/json")
    parts = [("metadata", metadata), ("file", ("file", b"12345", "application/octet-stream"))]
    reply = await raw.request("POST", "/files/upload", files=parts, headers=mine)
    checks.that("request-id.everywhere", reply.status == 200 and ids(reply) == [unique], saw=reply)
    run = (await raw.run("true")).id
    described = ["/version", "/command/status/{run}", "/executions", "/executions/{run}", "/metrics"]
    described += ["/code/contexts", "/code/languages", "/files/info?path={folder}/file"]
    for path in described:
        reply = await raw.request("GET", path.format(run=run, folder=folder), headers=mine)
        checks.that("json.answers", reply.status == 200 and media_type(reply) == "application/json", saw=(path, reply))
        checks.that("json.answers", isinstance(reply.json(), dict | list) and reply.body.decode(), saw=(path, reply))
        checks.that("request-id.everywhere", ids(reply) == [unique], saw=(path, reply.headers))
    download = f"/files/download?path={folder}/file"
    for path, headers, status in (
        (download, {}, 200),
        (download, {"Range": "bytes=0-1"}, 206),
        (download, {"If-None-Match": "*"}, 304),
        (f"/executions/{run}/events?after=1000000", {}, 204),
    ):
        reply = await raw.request("GET", path, headers={**mine, **headers})
        checks.that("request-id.everywhere", reply.status == status and ids(reply) == [unique], saw=(path, reply))


@scenario("general", "empty.success", features=("stdin",))
async def test_standard_input_is_answered_empty(checks: Checks, raw: Raw) -> None:
    """An extension whose success has nothing to say."""
    async with raw.stream("POST", "/command", json={"command": "cat", "stdin": "pipe"}) as stream:
        run = (await stream.until(lambda event: event.type == "init"))["text"]
        path = f"/executions/{run}/stdin?eof=true"
        written = await raw.request("POST", path, content=b"x")
        checks.that("empty.success", written.status == 200 and written.body == b"", saw=written)
        async for _ in stream:
            pass


def is_time(value: object) -> bool:
    """Whether a value is RFC 3339 in UTC with milliseconds and `Z`."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value, re.ASCII):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
