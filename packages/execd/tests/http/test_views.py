"""Runs as the wire shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execd._wire import RunCommandRequest
from execd.http.views import command_status, execution, rfc3339
from execd.runs.text import Mode

from .worlds import CLOCK, DONE, FAILED, world

RFC3339 = "%Y-%m-%dT%H:%M:%S.%fZ"


@given(time_ms=st.integers(min_value=0, max_value=253_402_300_799_999))
def test_a_time_is_utc_with_milliseconds(time_ms: int) -> None:
    text = rfc3339(time_ms)
    parsed = datetime.strptime(text, RFC3339).replace(tzinfo=UTC)
    assert len(text) == len("2026-11-23T10:20:12.588Z")
    assert round(parsed.timestamp() * 1000) == time_ms


async def test_a_live_command_has_no_end() -> None:
    shown = command_status(world().commands.start(RunCommandRequest(command="sleep 1", execution_id="a")))
    assert (shown.id, shown.content, shown.running, shown.background) == ("a", "sleep 1", True, False)
    assert shown.started_at == rfc3339(CLOCK.wall_ms())
    assert (shown.finished_at, shown.exit_code, shown.cause, shown.error) == (None, None, None, None)


async def test_a_success_has_an_exit_code_and_no_error() -> None:
    run = world().commands.start(RunCommandRequest(command="true"))
    run.finish(DONE)
    shown = command_status(run)
    assert (shown.running, shown.exit_code, shown.cause, shown.error) == (False, 0, "exited", None)
    assert shown.finished_at == rfc3339(CLOCK.wall_ms())


async def test_a_failure_says_what_went_wrong() -> None:
    run = world().commands.start(RunCommandRequest(command="exit 3"))
    run.write("stdout", b"one\ntwo")
    run.write("stderr", b"oh\n")
    run.finish(FAILED)
    shown = execution(run)
    assert (shown.exit_code, shown.error, shown.kind) == (3, "exit status 3", "command")
    assert (shown.first_event, shown.last_event, shown.stdout_bytes, shown.stderr_bytes) == (1, 5, 7, 3)


@pytest.mark.parametrize(("mode", "shown"), [("lines", "lines"), ("chunks", "chunks"), ("whole", None)])
async def test_an_execution_tells_how_its_output_is_cut(mode: Mode, shown: str | None) -> None:
    run = world().commands.start(RunCommandRequest(command="true"))
    run.policy = replace(run.policy, mode=mode)
    assert execution(run).output == shown
