"""What a run took is what a clock beside it says."""

from __future__ import annotations

import time

from execd_conformance.checks import Checks, scenario
from execd_conformance.laws import ending
from execd_conformance.raw import Raw

SLEPT_MS = 400


@scenario("commands", "end.execution-time", "stream.timestamp", profiles=("full", "compat"))
async def test_a_run_took_what_it_took(checks: Checks, raw: Raw) -> None:
    """At least as long as its program slept, at most as long as we waited for its stream; ended well and not."""
    for command in ("sleep 0.4", "sleep 0.4; exit 3"):
        begun = time.monotonic()
        events = await raw.events("POST", "/command", json={"command": command})
        end = ending(events)
        waited_ms = (time.monotonic() - begun) * 1000
        stamps = [event.get("timestamp") for event in events]
        is_ordered = all(isinstance(stamp, int) for stamp in stamps) and stamps == sorted(stamps)
        checks.that("stream.timestamp", is_ordered and stamps[-1] - stamps[0] >= SLEPT_MS - 50, saw=stamps)
        told = end.get("execution_time")
        # What deployed clients read from other daemons is there on execution_complete only.
        if end.type == "execution_complete" or told is not None:
            is_true = isinstance(told, int) and SLEPT_MS - 50 <= told <= waited_ms + 50
            checks.that("end.execution-time", is_true, saw=(command, told, waited_ms))
