"""The public fake transport stands in for a daemon, in both colours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opensandbox import Sandbox, SandboxSync
from opensandbox.exceptions import CommandFailedException, NotFoundException
from opensandbox.testing import FakeTransport, FakeTransportSync

RUN: list[dict[str, Any]] = [
    {"type": "init", "text": "a1"},
    {"type": "stdout", "text": "hi\n"},
    {"type": "execution_complete", "cause": "exited", "exit_code": 0, "stdout_bytes": 3, "stderr_bytes": 0},
]
FAILED: list[dict[str, Any]] = [
    {"type": "init", "text": "a2"},
    {"type": "error", "code": "COMMAND_FAILED", "error": {"ename": "CommandExecError", "evalue": "3"}},
]

SAMPLE = {"cpu_count": 2, "cpu_used_pct": 50, "mem_total_mib": 4, "mem_used_mib": 1, "timestamp": 0}


async def test_a_sandbox_runs_on_a_script() -> None:
    fake = FakeTransport()
    fake.when("POST", "/command", events=RUN)
    fake.when("POST", "/command", events=FAILED)
    async with Sandbox(fake) as sandbox:
        assert (await sandbox.commands.run("echo hi")).stdout == "hi\n"
        with pytest.raises(CommandFailedException):
            await sandbox.commands.run("exit 3")
    assert [json.loads(request.body)["command"] for request in fake.sent] == ["echo hi", "exit 3"]


def test_so_does_its_twin() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/command", events=RUN)
    fake.when("GET", "/command/status/a1", error=NotFoundException("gone"))
    fake.when("GET", "/version", json={"version": "1", "api_version": "1", "features": ["x"], "languages": []})
    with SandboxSync(fake) as sandbox:
        assert list(sandbox.commands.run_stream("echo hi")) == ["hi"]
        assert sandbox.version().features == {"x"}
        with pytest.raises(NotFoundException):
            sandbox.commands.get_status("a1")


async def test_files_and_metrics_run_on_a_script_too() -> None:
    fake = FakeTransport()
    fake.when("POST", "/files/upload")
    fake.when("GET", "/files/download", body=b"from the script")
    fake.when("GET", "/metrics/watch", events=[{"type": "metrics", **SAMPLE}] * 2)
    async with Sandbox(fake) as sandbox:
        await sandbox.files.write_file("a", b"kept in `sent`")
        assert await sandbox.files.read_file("a") == "from the script"
        assert [told.cpu_count async for told in sandbox.watch_metrics()] == [2, 2]
    assert b"kept in `sent`" in fake.sent[0].body


def test_so_do_they_in_its_twin() -> None:
    fake = FakeTransportSync()
    fake.when("POST", "/files/upload")
    fake.when("GET", "/files/download", body=b"from the script")
    fake.when("GET", "/metrics", json=SAMPLE)
    with SandboxSync(fake) as sandbox:
        sandbox.files.write_file("a", b"kept in `sent`")
        assert list(sandbox.files.read_stream("a")) == [b"from th", b"e script"]
        assert sandbox.get_metrics().cpu_percent == 50
    assert b"kept in `sent`" in fake.sent[0].body


def test_a_question_without_an_answer_is_a_fault_of_the_test() -> None:
    with pytest.raises(LookupError, match="GET /ping"):
        SandboxSync(FakeTransportSync()).is_healthy()
