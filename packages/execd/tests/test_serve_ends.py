"""Every way in which a command can end, produced for real, and told alike by its stream, its status and its record."""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .daemons import LIMIT_S, Client, Daemon, daemon, events

HOG = [sys.executable, "-I", "-S", "-c", "data = bytearray(250 << 20)"]
TO_SLEEP = "echo begun; exec sleep 600"
TO_LOOP = "echo begun; while :; do sleep 0.01; done"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon("--kill-grace-ms", "200", log=tmp_path_factory.mktemp("daemon") / "log") as started:
        yield started


def begin(running: Daemon, execution_id: str, **fields: Any) -> Client:
    """Start a command and return the connection on which its stream comes."""
    client = running.connect()
    body = json.dumps({"execution_id": execution_id, **fields}).encode()
    client.request("POST", "/command", body=body, Connection="close")
    return client


def end_of(running: Daemon, execution_id: str) -> dict[str, Any]:
    """Return the terminal event as a later reader gets it."""
    return events(running.ask("GET", f"/executions/{execution_id}/events").body)[-1]


def told(running: Daemon, execution_id: str, **fields: Any) -> dict[str, Any]:
    """Run a command to its end and return that, which everybody has to tell alike."""
    with begin(running, execution_id, **fields) as client:
        end = events(client.answer().body)[-1]
    check(running, execution_id, end)
    return end


def check(running: Daemon, execution_id: str, end: dict[str, Any]) -> None:
    assert end_of(running, execution_id) == end
    status = running.ask("GET", f"/command/status/{execution_id}").json
    record = running.ask("GET", f"/executions/{execution_id}").json
    for name in ("cause", "exit_code", "signal"):
        assert status.get(name) == record.get(name) == end.get(name)
    assert (status["running"], "error" in status) == (False, end["type"] == "error")
    assert {"execution_time", "stdout_bytes", "stderr_bytes", "truncated"} <= end.keys()


def short(end: dict[str, Any]) -> tuple[Any, ...]:
    return end["cause"], end.get("code"), end.get("exit_code"), end.get("signal")


def evalue(end: dict[str, Any]) -> str:
    assert end["error"]["ename"] == "CommandExecError"
    assert len(end["error"]["traceback"]) == 1
    return str(end["error"]["evalue"])


def test_an_exit_with_0_is_complete(running: Daemon) -> None:
    end = told(running, "zero", command="exit 0")
    assert (end["type"], *short(end)) == ("execution_complete", "exited", None, 0, None)


@pytest.mark.parametrize("code", [1, 7, 127, 255])
def test_another_exit_is_an_error(running: Daemon, code: int) -> None:
    end = told(running, f"code-{code}", command=f"exit {code}")
    assert (*short(end), evalue(end)) == ("exited", "COMMAND_FAILED", code, None, str(code))


@pytest.mark.parametrize("name", ["SEGV", "KILL", "TERM", "ABRT"])
def test_a_signal_that_nobody_here_asked_for(running: Daemon, name: str) -> None:
    end = told(running, f"signal-{name}", command=f"kill -{name} $$")
    assert (*short(end), evalue(end)) == ("signaled", "COMMAND_FAILED", None, f"SIG{name}", "-1")


def test_a_program_that_is_not_there_never_starts(running: Daemon) -> None:
    end = told(running, "none", argv=["no such program"])
    assert (*short(end), evalue(end)) == (
        *("never_started", "COMMAND_FAILED", None, None),
        "No such file or directory: no such program",
    )
    assert end["details"] == {"errno": 2}


def test_a_timeout(running: Daemon) -> None:
    end = told(running, "timeout", command=TO_SLEEP, timeout=100)
    assert (*short(end), evalue(end)) == ("timed_out", "EXECUTION_TIMEOUT", None, "SIGTERM", "-1")


def test_a_timeout_of_what_ignores_it(running: Daemon) -> None:
    end = told(running, "stubborn", command="trap '' TERM; while :; do sleep 600; done", timeout=100)
    assert short(end) == ("timed_out", "EXECUTION_TIMEOUT", None, "SIGKILL")


def test_a_timeout_of_what_leaves_with_a_code(running: Daemon) -> None:
    end = told(running, "polite", command="trap 'exit 3' TERM; while :; do sleep 0.01; done", timeout=100)
    assert (*short(end), evalue(end)) == ("timed_out", "EXECUTION_TIMEOUT", 3, None, "3")


def test_an_interrupt(running: Daemon) -> None:
    with begin(running, "interrupt", command=TO_SLEEP) as client:
        client.until(b"begun")
        assert running.ask("DELETE", "/command?id=interrupt").status == 200
        end = events(client.answer().body)[-1]
    check(running, "interrupt", end)
    assert short(end) == ("interrupted", "INTERRUPTED", None, "SIGTERM")


@pytest.mark.parametrize(
    ("command", "signal", "wanted"),
    [
        (TO_SLEEP, "SIGUSR1", ("interrupted", "INTERRUPTED", None, "SIGUSR1")),
        (TO_SLEEP, "SIGKILL", ("interrupted", "INTERRUPTED", None, "SIGKILL")),
        (f"trap 'exit 4' INT; {TO_LOOP}", "SIGINT", ("exited", "COMMAND_FAILED", 4, None)),
        (f"trap 'kill -TERM $$' INT; {TO_LOOP}", "SIGINT", ("signaled", "COMMAND_FAILED", None, "SIGTERM")),
    ],
)  # fmt: skip
def test_a_signal_request_is_an_interrupt_only_for_who_dies_of_that_signal(
    running: Daemon, command: str, signal: str, wanted: tuple[Any, ...]
) -> None:
    execution_id = f"request-{signal}-{len(command)}"
    with begin(running, execution_id, command=command) as client:
        client.until(b"begun")
        body = json.dumps({"signal": signal}).encode()
        assert running.ask("POST", f"/executions/{execution_id}/signal", body=body).status == 200
        end = events(client.answer().body)[-1]
    check(running, execution_id, end)
    assert short(end) == wanted


def test_readers_that_leave(running: Daemon) -> None:
    with begin(running, "left", command=TO_SLEEP, disconnect_grace_ms=0) as client:
        client.until(b"begun")
    # Whoever follows would be a reader again.
    while running.ask("GET", "/command/status/left").json["running"]:
        pass
    end = end_of(running, "left")
    check(running, "left", end)
    assert short(end) == ("cancelled", "CANCELLED", None, "SIGTERM")


def can_limit(running: Daemon) -> bool:
    body = json.dumps({"command": "true", "memory_limit_bytes": 2**30}).encode()
    return running.ask("POST", "/command", body=body).status == 200


def test_a_run_over_its_own_memory(running: Daemon) -> None:
    if not can_limit(running):
        pytest.skip("no control group can be made here")
    end = told(running, "memory", argv=HOG, memory_limit_bytes=64 << 20)
    assert short(end) == ("out_of_memory", "OUT_OF_MEMORY", None, "SIGKILL")


MEMORY = Path("/sys/fs/cgroup/memory")


@pytest.mark.skipif(not os.access(MEMORY / "cgroup.procs", os.W_OK), reason="no control group of version 1")
def test_a_program_that_takes_the_memory_of_the_sandbox(tmp_path: Path) -> None:
    group = MEMORY / f"execd-test-{os.getpid()}"
    group.mkdir()
    # A daemon starts in the group of whoever starts it.
    gate, opened = os.pipe()
    daemon_pid = os.fork()
    if daemon_pid == 0:
        (group / "cgroup.procs").write_text("0")
        (group / "memory.limit_in_bytes").write_text(str(160 << 20))
        try:
            with daemon(log=tmp_path / "log") as started:
                end = told(started, "all", argv=HOG)
                # What others have taken is nobody else's end.
                other = told(started, "other", command="kill -KILL $$")
                os.write(opened, json.dumps([short(end), short(other)]).encode())
        finally:
            os._exit(0)
    os.close(opened)
    try:
        assert select.select([gate], [], [], LIMIT_S)[0]
        ends = json.loads(os.read(gate, 4096) or b"[]")
    finally:
        os.close(gate)
        os.waitpid(daemon_pid, 0)
        group.rmdir()
    assert ends == [
        ["out_of_memory", "OUT_OF_MEMORY", None, "SIGKILL"],
        ["signaled", "COMMAND_FAILED", None, "SIGKILL"],
    ]


def test_a_daemon_that_goes_down(tmp_path: Path) -> None:
    with daemon("--kill-grace-ms", "200", log=tmp_path / "log") as going:
        with begin(going, "down", command=TO_SLEEP) as client:
            client.until(b"begun")
            going.terminate()
            end = events(client.answer().body)[-1]
        assert short(end) == ("shutting_down", "SHUTTING_DOWN", None, "SIGTERM")
        assert going.wait() == 0


PLANTED = """
from execd.process.owner import Owner
from execd.process.states import Do

def forward(self, happened):
    raise RuntimeError("planted")

Owner._ACTIONS[Do.FORWARD] = forward
raise ImportError
"""


def test_a_fault_of_ours_ends_the_run_that_it_is_in_and_no_other(tmp_path: Path) -> None:
    # The daemon looks for this module when everything of its own is there.
    (tmp_path / "uvloop.py").write_text(PLANTED)
    path = {"PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))}
    with (
        daemon("--kill-grace-ms", "200", log=tmp_path / "log", variables=path) as faulty,
        begin(faulty, "other", command="read line; exit 5", stdin="pipe") as other,
        begin(faulty, "fault", command=TO_SLEEP) as client,
    ):
        other.until(b'"init"')
        client.until(b"begun")
        faulty.ask("POST", "/executions/fault/signal", body=b'{"signal": "SIGUSR1"}')
        end = events(client.answer().body)[-1]
        check(faulty, "fault", end)
        assert (*short(end), evalue(end)) == ("internal_error", "RUNTIME_ERROR", None, "SIGKILL", "-1")
        assert "planted" not in json.dumps(end)
        assert "planted" in (tmp_path / "log").read_text()
        faulty.ask("POST", "/executions/other/stdin?eof=true")
        assert short(events(other.answer().body)[-1]) == ("exited", "COMMAND_FAILED", 5, None)
