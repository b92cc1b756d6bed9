"""Background commands of a real daemon: many at once, and what is left of them when the daemon goes."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .daemons import LIMIT_S, Daemon, daemon, events

SOFT = 256


@contextmanager
def soft_limit(count: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def start(running: Daemon, execution_id: str, command: str) -> int:
    body = json.dumps({"command": command, "background": True, "execution_id": execution_id}).encode()
    return running.ask("POST", "/command", body=body).status


def test_more_runs_live_at_once_than_the_soft_limit_has_descriptors_for(tmp_path: Path) -> None:
    with soft_limit(SOFT), daemon(log=tmp_path / "log") as running:
        for at in range(100):
            assert start(running, f"run-{at}", "exec sleep 1000") == 200
        live = json.loads(running.ask("GET", "/executions?running=true").body)
        assert len(live["executions"]) == 100
        assert start(running, "limit", "ulimit -Sn") == 200
        following = running.ask("GET", "/executions/limit/events").body
        assert f'"text":"{SOFT}"'.encode() in following


def test_a_limit_of_live_runs_counts_those_in_the_background(tmp_path: Path) -> None:
    with daemon("--max-executions", "1", log=tmp_path / "log") as running:
        assert start(running, "a", "exec sleep 1000") == 200
        assert start(running, "b", "true") == 429
        assert running.ask("DELETE", "/executions/a").status == 200
        assert start(running, "b", "true") == 200


def test_a_daemon_that_was_killed_leaves_nothing_and_its_successor_knows_no_old_id(tmp_path: Path) -> None:
    with daemon(log=tmp_path / "log") as running:
        assert start(running, "a", "echo $$; exec sleep 1000") == 200
        pid = json.loads(running.ask("GET", "/executions/a").body)["pid"]
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        assert not Path(f"/proc/{pid}/cmdline").exists() or Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    with daemon(log=tmp_path / "log2") as again:
        answer = again.ask("GET", "/command/status/a")
        assert (answer.status, json.loads(answer.body)["code"]) == (404, "COMMAND_NOT_FOUND")


def test_what_a_forgotten_run_has_left_ends_with_a_daemon_whose_guard_was_killed(tmp_path: Path) -> None:
    with daemon(log=tmp_path / "log") as running:
        assert start(running, "a", "setsid sleep 1000 >/dev/null 2>&1 & echo $!") == 200
        assert running.ask("GET", "/executions/a/events").status == 200
        pid = int(running.ask("GET", "/command/a/logs").body)
        survivor = os.pidfd_open(pid)
        assert running.ask("DELETE", "/executions/a").status == 200
        running.process.kill()
        assert select.select([survivor], [], [], LIMIT_S)[0]
        os.close(survivor)


def test_a_daemon_that_goes_down_ends_sessions_and_their_runs(tmp_path: Path) -> None:
    with daemon("--kill-grace-ms", "200", log=tmp_path / "log") as running:
        session = json.loads(running.ask("POST", "/session").body)["session_id"]
        left = running.ask("POST", f"/session/{session}/run", body=b'{"command":"sleep 1000 & echo $!"}').body
        pid = int(next(event["text"] for event in events(left) if event["type"] == "stdout"))
        with running.connect() as client:
            client.request("POST", f"/session/{session}/run", body=b'{"command":"echo begun; sleep 1000"}')
            client.until(b"begun")
            running.terminate()
            ended = client.until_end()
        assert running.wait() == 0
        assert b'"cause":"shutting_down"' in ended
        assert not Path(f"/proc/{pid}/cmdline").exists() or Path(f"/proc/{pid}/cmdline").read_bytes() == b""


def test_what_survives_its_shell_in_the_background_serves_on(tmp_path: Path) -> None:
    with daemon("--working-root", str(tmp_path), log=tmp_path / "log") as running:
        serve = "python3 -u -m http.server 0 --bind 127.0.0.1 & exit"
        assert start(running, "a", serve) == 200
        assert running.ask("GET", "/executions/a/events").status == 200
        log = b""
        while b"port " not in log:
            log = running.ask("GET", "/command/a/logs").body
        port = int(log.partition(b"port ")[2].split()[0])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET /log HTTP/1.0\r\n\r\n")
            assert client.makefile("rb").readline().endswith(b"200 OK\r\n")
        while b"GET /log" not in log:
            log = running.ask("GET", "/command/a/logs?stream=stderr").body
