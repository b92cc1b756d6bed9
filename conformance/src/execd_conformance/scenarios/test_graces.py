"""The grace of a run without readers is the one that was asked for."""

from __future__ import annotations

import time

from execd_conformance.checks import Checks, scenario
from execd_conformance.polling import ended
from execd_conformance.raw import Raw

WELL_BEFORE_THE_DEFAULT_S = 4.0


@scenario("streams", "disconnect.kill", features={"disconnect"})
async def test_a_short_grace_is_short(checks: Checks, raw: Raw) -> None:
    """A run with hardly any grace ends long before one with the default of 5 s would."""
    body = {"command": "exec sleep 60", "on_disconnect": "kill", "disconnect_grace_ms": 100}
    async with raw.stream("POST", "/command", json=body) as stream:
        init = await stream.until(lambda event: event.type == "init")
        await stream.leave()
    left = time.monotonic()
    status = await ended(raw, str(init["text"]))
    took = time.monotonic() - left
    checks.that("disconnect.kill", status and took < WELL_BEFORE_THE_DEFAULT_S, saw=(took, status))
