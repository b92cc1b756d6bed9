"""A command may be long: its text counts as output does, lies where output lies, and is shown whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from execd._wire import RunCommandRequest
from execd.errors import ExecutionConflict
from execd.runs.asked import Asked
from execd.runs.registry import Registry
from execd.runs.run import Policy, Run
from execd.runs.spool import Spool

from .test_run import DONE, make_registry

LONG = "echo 漢;" * 100_000
POLICY = Policy(mode="lines", on_disconnect="detach", disconnect_grace_ms=0, on_overflow="block")


def begin(registry: Registry, *, content: str, body: object = None, execution_id: str | None = None) -> Run:
    return registry.register(kind="command", content=content, body=body, policy=POLICY, execution_id=execution_id)[0]


@pytest.mark.parametrize("text", ["", "true", LONG])
def test_what_was_asked_is_shown_whole(text: str, tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    assert Asked(text, None, spool).content == text
    spool.close()


async def test_a_long_text_leaves_memory_and_counts_and_a_short_one_does_not() -> None:
    registry = make_registry()
    begin(registry, content="true").finish(DONE)
    before = registry.total_bytes
    run = begin(registry, content=LONG)
    assert registry.total_bytes > before + len(LONG.encode())
    run.finish(DONE)
    assert run.asked.content == LONG


async def test_long_texts_of_finished_runs_make_room_for_each_other() -> None:
    registry = make_registry(total_bytes=3 * len(LONG.encode()))
    for _ in range(10):
        begin(registry, content=LONG).finish(DONE)
    assert registry.total_bytes <= 3 * len(LONG.encode())
    assert len(registry.runs()) == 2


async def test_the_same_request_is_known_again_and_another_one_is_not() -> None:
    registry = make_registry()

    def start(**fields: object) -> bool:
        body = RunCommandRequest(command="x", **fields)  # type: ignore[arg-type]
        return begin(registry, content="x", body=body, execution_id="a") is registry.find("a")

    assert start(envs={"A": "1", "B": "2"})
    assert start(envs={"B": "2", "A": "1"})
    with pytest.raises(ExecutionConflict):
        start(envs={"A": "1", "B": "3"})
