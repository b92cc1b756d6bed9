"""How a stream begins, goes on and ends, whatever is run."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from execd_conformance.checks import Checks, scenario
from execd_conformance.daemon import Daemons
from execd_conformance.laws import EVERY, NUMBERED, TERMINAL, ending, lawful, numbered, texts, whole
from execd_conformance.raw import Raw

AT_ONCE_S = 0.7
"""Well below the second for which some daemons keep a finished stream open, well above a busy machine's hiccup."""


@scenario(
    "streams",
    *EVERY,
    "stream.output-before-end",
    "stream.order",
    "stream.end-clean",
    "event.output-stream",
    "event.init-id",
    "lines.default",
    "end.error-alone",
    profiles=("full", "compat"),
)
async def test_a_deployed_client_reads_a_stream(checks: Checks, raw: Raw) -> None:
    command = "echo first; echo second; echo third; echo oops >&2; echo fourth >&2"
    async with raw.stream("POST", "/command", json={"command": command}) as stream:
        events = await whole(stream)
    lawful(checks, events)
    checks.equal("event.output-stream", (texts(events), texts(events, "stderr")), _OUTPUT)
    checks.equal("stream.order", texts(events) + texts(events, "stderr"), _OUTPUT[0] + _OUTPUT[1])
    checks.equal("lines.default", sum(event.type in {"stdout", "stderr"} for event in events), 5)
    last = max((at for at, event in enumerate(events) if event.type in {"stdout", "stderr"}), default=-1)
    end = next((at for at, event in enumerate(events) if event.type in TERMINAL), -1)
    checks.that("stream.output-before-end", -1 < last < end, saw=[event.type for event in events])
    checks.that("stream.end-clean", stream.clean_end)
    told = events[0].get("text")
    checks.that("event.init-id", isinstance(told, str) and told != "", saw=told)
    failed = await raw.events("POST", "/command", json={"command": "echo begun; exit 3"})
    checks.equal("end.error-alone", [event.type for event in failed if event.type in TERMINAL], ["error"])


_OUTPUT = (["first", "second", "third"], ["oops", "fourth"])


@scenario("streams", "stream.end-at-once", "stream.end-clean", "stream.terminal-last")
async def test_the_body_ends_with_the_terminal_event(checks: Checks, raw: Raw) -> None:
    waits = []
    for command in ("true", "echo hi; exit 4", "printf x", "seq 2000"):
        async with raw.stream("POST", "/command", json={"command": command}) as stream:
            events = await whole(stream)
            waits.append(time.monotonic() - ending(events).arrived)
        checks.that("stream.end-clean", stream.clean_end, saw=command)
        checks.that("stream.terminal-last", events[-1].type in TERMINAL, saw=[event.type for event in events[-3:]])
    checks.that("stream.end-at-once", min(waits) < AT_ONCE_S and sorted(waits)[1] < AT_ONCE_S, saw=waits)


@scenario("streams", "event.init-at-once", "event.init-id", "status.from-init", profiles=("full", "compat"))
async def test_init_comes_before_the_program_has_said_anything(checks: Checks, raw: Raw) -> None:
    async with raw.stream("POST", "/command", json={"command": "sleep 30; echo late"}) as stream:
        init = await stream.until(lambda event: event.type == "init")
        told = str(init["text"])
        status = await raw.request("GET", f"/command/status/{told}")
        checks.equal("status.from-init", (status.status, status.json().get("running")), (200, True))
        checks.that("event.init-at-once", status.json().get("running") is True, saw=status.json())
        checks.equal("event.init-id", status.json().get("id"), told)
        await raw.request("DELETE", "/command", params={"id": told})


@scenario(
    "streams",
    "heartbeat.interval",
    "heartbeat.form",
    "heartbeat.no-number",
    "stream.timestamp",
    profiles=("full", "compat"),
    limit_s=40,
)
async def test_silence_is_broken_before_deployed_clients_give_up(checks: Checks, raw: Raw) -> None:
    async with raw.stream("POST", "/command", json={"command": "sleep 60"}) as stream:
        init = await stream.until(lambda event: event.type == "init")
        ping = await stream.until(lambda event: event.type == "ping", limit_s=10)
        checks.that("heartbeat.interval", ping.arrived - init.arrived < 10, saw=ping.arrived - init.arrived)
        checks.equal("heartbeat.form", ping.get("text"), "pong")
        checks.equal("heartbeat.no-number", ping.number, None)
        checks.that("stream.timestamp", isinstance(ping.get("timestamp"), int), saw=ping.raw)
        await raw.request("DELETE", "/command", params={"id": str(init["text"])})


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    "heartbeat.not-kept",
    "heartbeat.none-after-end",
    "heartbeat.no-number",
    "stream.end-clean",
    features={"replay"},
    limit_s=40,
)
async def test_a_heartbeat_is_nobodys_event(checks: Checks, raw: Raw) -> None:
    # Longer than the silence that is usual; a daemon that is set otherwise may have no ping to show here.
    async with raw.stream("POST", "/command", json={"command": "sleep 5.6; echo done; sleep 0.2"}) as stream:
        events = await whole(stream)
    lawful(checks, events)
    numbered(checks, events)
    checks.that("stream.end-clean", stream.clean_end)
    checks.that("heartbeat.none-after-end", events[-1].is_terminal, saw=[event.type for event in events])
    checks.that("heartbeat.no-number", all(event.number is None for event in events if event.type == "ping"))
    replayed = await raw.events("GET", f"/executions/{events[0]['text']}/events")
    checks.equal("heartbeat.not-kept", [e.raw for e in replayed], [e.raw for e in events if e.type != "ping"])


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    "heartbeat.setting",
    "heartbeat.form",
    "heartbeat.no-number",
    "heartbeat.not-kept",
    "heartbeat.none-after-end",
    needs={"start"},
)
async def test_heartbeats_are_a_setting_and_belong_to_no_run(checks: Checks, daemons: Daemons) -> None:
    async with daemons(heartbeat_s=1) as daemon:
        command = {"command": "sleep 2.6; echo done; sleep 0.4; exit 3"}
        async with daemon.raw.stream("POST", "/command", json=command) as stream:
            events = await whole(stream)
        pings = [event for event in events if event.type == "ping"]
        replayed = await daemon.raw.events("GET", f"/executions/{events[0].get('text')}/events")
    lawful(checks, events)
    numbered(checks, events)
    told = [later.arrived - before.arrived for before, later in pairwise(events) if later.type == "ping"]
    checks.that("heartbeat.setting", len(pings) >= 2 and all(0.8 < gap < 2.3 for gap in told), saw=told)
    checks.that("heartbeat.form", all(ping.get("text") == "pong" for ping in pings))
    checks.that("heartbeat.no-number", all(ping.number is None for ping in pings))
    checks.equal("heartbeat.not-kept", [e.raw for e in replayed], [e.raw for e in events if e.type != "ping"])
    checks.that("heartbeat.none-after-end", events[-1].type == "error", saw=events[-1].type)


@scenario("streams", "heartbeat.none-after-end", "stream.terminal-last", needs={"start"})
async def test_a_heartbeat_that_is_due_at_the_end_does_not_follow_it(checks: Checks, daemons: Daemons) -> None:
    async with daemons(heartbeat_s=0.01) as daemon:
        for _ in range(6):
            starts = [{"command": f"sleep 0.0{pause}; echo hi"} for pause in range(8)]
            runs = await asyncio.gather(*(daemon.raw.events("POST", "/command", json=start) for start in starts))
            last = [events[-1].type for events in runs]
            checks.that("heartbeat.none-after-end", "ping" not in last, saw=last)
            checks.that("stream.terminal-last", set(last) <= TERMINAL, saw=last)


@scenario("streams", "stream.refusal-plain", profiles=("full", "compat"))
async def test_a_refused_start_is_no_stream(checks: Checks, raw: Raw) -> None:
    refused = [{"command": "  "}, {"command": "true", "cwd": "/nowhere/at/all"}, {"command": "true", "timeout": -1}]
    for body in refused:
        reply = await raw.request("POST", "/command", json=body)
        is_json = reply.headers.get("content-type", "").startswith("application/json")
        checks.that("stream.refusal-plain", reply.status == 400 and is_json, saw=(reply.status, reply.body[:200]))
        checks.that("stream.refusal-plain", bool(reply.code), saw=reply.body[:200])


@scenario(
    "streams",
    *EVERY,
    "stream.endless-ends",
    "end.shutting-down",
    "end.error-alone",
    needs={"start"},
    limit_s=40,
)
async def test_every_stream_is_told_of_the_daemons_end(checks: Checks, daemons: Daemons) -> None:
    async with (
        daemons() as daemon,
        daemon.raw.stream("GET", "/metrics/watch") as metrics,
        daemon.raw.stream("POST", "/command", json={"command": "echo begun; sleep 60"}) as run,
    ):
        first = await metrics.until(lambda event: event.type == "metrics")
        begun = [await run.until(lambda event: event.type == "init"), await run.until(lambda e: e.type == "stdout")]
        await daemon.terminate()
        rest, last = await whole(run), [first, *await whole(metrics)][-1]
    events = [*begun, *rest]
    lawful(checks, events)
    end = ending(events)
    checks.equal("end.shutting-down", (end.type, end.get("code"), end.get("cause")), _SHUTTING_DOWN)
    checks.that("end.error-alone", all(event.type != "execution_complete" for event in events))
    checks.equal("stream.endless-ends", (last.type, last.get("code"), last.get("cause")), _SHUTTING_DOWN)


_SHUTTING_DOWN = ("error", "SHUTTING_DOWN", "shutting_down")
