"""What becomes of a run when those who read it leave."""

from __future__ import annotations

import time

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import EVERY, NUMBERED, are_gone, ending, lawful, numbered, texts
from execd_conformance.polling import ended, eventually
from execd_conformance.raw import Raw


async def _leave(raw: Raw, **fields: object) -> tuple[str, str]:
    """Start a command, read its first line, leave; return its id and that line."""
    async with raw.stream("POST", "/command", json=fields) as stream:
        init = await stream.until(lambda event: event.type == "init")
        line = await stream.until(lambda event: event.type == "stdout")
        await stream.leave()
    return str(init["text"]), str(line["text"])


@scenario(
    "streams",
    *EVERY,
    *NUMBERED,
    "disconnect.kill",
    "end.cancelled",
    "end.evalue",
    "process.stop-descendants",
    features={"disconnect", "replay"},
)
async def test_a_run_whose_last_reader_has_left_is_stopped(checks: Checks, raw: Raw) -> None:
    command = "sleep 300 & echo $! $$; wait"
    told, pids = await _leave(raw, command=command, on_disconnect="kill", disconnect_grace_ms=200)
    status = await ended(raw, told)
    checks.equal("disconnect.kill", status.get("cause"), "cancelled")
    events = await raw.events("GET", f"/executions/{told}/events")
    lawful(checks, events)
    numbered(checks, events)
    end = ending(events)
    checks.equal("end.cancelled", (end.type, end.get("code"), end.get("cause")), ("error", "CANCELLED", "cancelled"))
    checks.equal("end.evalue", end.get("error", {}).get("evalue"), "-1")
    checks.that("process.stop-descendants", await are_gone(raw, *pids.split()), saw=pids)


@scenario("streams", "disconnect.grace", "disconnect.kill", features={"disconnect", "replay"})
async def test_a_reader_that_comes_back_in_time_keeps_the_run(checks: Checks, raw: Raw) -> None:
    told, _ = await _leave(raw, command="echo a; sleep 3; echo b", on_disconnect="kill", disconnect_grace_ms=1500)
    events = await raw.events("GET", f"/executions/{told}/events", params={"after": 1})
    checks.equal("disconnect.grace", (texts(events), events[-1].type), (["a", "b"], "execution_complete"))
    told, _ = await _leave(raw, command="echo a; sleep 0.5; exit 3", on_disconnect="kill", disconnect_grace_ms=20_000)
    status = await ended(raw, told)
    checks.equal("disconnect.kill", (status.get("cause"), status.get("exit_code")), ("exited", 3))


@scenario("streams", "disconnect.detach", "stream.output-before-end", features={"disconnect", "replay"})
async def test_a_detached_run_goes_on(checks: Checks, raw: Raw) -> None:
    command = "echo a; sleep 0.7; echo b; exit 4"
    told, _ = await _leave(raw, command=command, on_disconnect="detach", disconnect_grace_ms=0)
    status = await ended(raw, told)
    checks.equal("disconnect.detach", (status.get("cause"), status.get("exit_code")), ("exited", 4))
    events = await raw.events("GET", f"/executions/{told}/events")
    checks.equal("stream.output-before-end", texts(events), ["a", "b"])


@scenario("streams", "disconnect.default", "disconnect.grace-default", features={"disconnect", "replay"})
async def test_without_a_wish_it_is_stopped_after_five_seconds(checks: Checks, raw: Raw) -> None:
    began = time.monotonic()
    told, _ = await _leave(raw, command="echo a; sleep 300")
    status = await ended(raw, told, limit_s=15)
    took = time.monotonic() - began
    checks.equal("disconnect.default", status.get("cause"), "cancelled")
    checks.that("disconnect.grace-default", 4.5 < took < 12, saw=took)


@scenario("replay", "replay.no-follow-no-reader", features={"disconnect", "replay"})
async def test_looking_without_following_does_not_keep_a_run(checks: Checks, raw: Raw) -> None:
    told, _ = await _leave(raw, command="echo a; sleep 300", on_disconnect="kill", disconnect_grace_ms=700)

    async def glance() -> str:
        await raw.request("GET", f"/executions/{told}/events", params={"follow": "false"})
        status = await raw.request("GET", f"/command/status/{told}")
        return str(status.json().get("cause") or "")

    # Each glance would begin the grace anew if it counted.
    checks.equal("replay.no-follow-no-reader", await eventually(glance, limit_s=8), "cancelled")
