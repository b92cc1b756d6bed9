"""The daemon as a process: where it listens, what it says, and how it refuses to start."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .daemons import Client, daemon, events, spawn

TOKEN = "correct-horse-battery"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def refusal(*flags: str, log: Path) -> tuple[int, str]:
    """Start a daemon that refuses to, and return its status and what it says."""
    process = spawn(*flags, log=log)
    said, _ = process.communicate(timeout=20)
    assert said == b""
    return process.returncode, log.read_text()


def unix_client(path: Path) -> Client:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    try:
        sock.connect(str(path))
    except OSError:
        sock.close()
        raise
    return Client(sock)


# ── where it listens ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ready_line_says_where_and_who(log: Path) -> None:
    with daemon(log=log) as running:
        assert running.ready["event"] == "ready"
        assert running.ready["url"] == f"http://127.0.0.1:{running.port}"
        assert running.pid != running.process.pid, "the guard is another process"
        assert running.ask("GET", "/ping").status == 200


def test_it_is_ready_when_it_says_so(log: Path) -> None:
    with daemon(log=log) as running:
        assert running.ask("GET", "/ready").status == 200


def test_without_a_token_only_loopback_is_listened_on(log: Path) -> None:
    with daemon(log=log) as running, pytest.raises(ConnectionRefusedError):
        running.connect("127.0.0.2")


def test_with_a_token_both_families_of_all_interfaces_are_listened_on(log: Path) -> None:
    with daemon(log=log, variables={"EXECD_ACCESS_TOKEN": TOKEN}) as running:
        for host in ("127.0.0.1", "127.0.0.2", "::1"):
            with running.connect(host) as client:
                client.request("GET", "/version", X_EXECD_ACCESS_TOKEN=TOKEN, Connection="close")
                assert client.answer().status == 200


def test_an_address_beyond_loopback_without_a_token_is_refused(log: Path) -> None:
    status, said = refusal("--host", "0.0.0.0", "--port", "0", log=log)
    assert status == 2
    assert "--access-token" in said
    assert "--insecure" in said
    assert said.count("\n") == 1


def test_insecure_listens_there_and_says_that_anyone_may_come(log: Path) -> None:
    with daemon("--host", "0.0.0.0", "--insecure", log=log) as running:
        with running.connect("127.0.0.2") as client:
            client.send(b"GET /version HTTP/1.1\r\nHost: execd.service\r\nConnection: close\r\n\r\n")
            assert client.answer().status == 200
        assert "WARNING" in log.read_text()


def test_a_taken_port_is_one_line_and_exit_1(log: Path, tmp_path: Path) -> None:
    with daemon(log=log) as running:
        status, said = refusal("--port", str(running.port), log=tmp_path / "second")
    assert status == 1
    assert f"port {running.port}" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("flags", [("--port", "x"), ("--nope",), ("stray",), ("--heartbeat-s", "10"), ("--port",)])
def test_bad_usage_is_one_line_and_exit_2(flags: tuple[str, ...], log: Path) -> None:
    status, said = refusal(*flags, log=log)
    assert status == 2
    assert said.startswith("execd: ")
    assert said.count("\n") == 1


def test_a_directory_that_does_not_exist_is_one_line_and_exit_1(log: Path) -> None:
    status, said = refusal("--port", "0", "--working-root", "/nonexistent", log=log)
    assert (status, said) == (1, "execd: --working-root /nonexistent is not a directory\n")


# ── a Unix socket ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_unix_socket_is_for_its_owner_and_is_gone_at_the_end(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with daemon("--uds", str(path), log=log) as running:
        assert running.ready["url"] == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with unix_client(path) as client:
            client.request("GET", "/version", Connection="close")
            assert client.answer().status == 200
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with daemon("--uds", str(path), log=log), unix_client(path) as client:
        client.request("GET", "/ping", Connection="close")
        assert client.answer().status == 200


def test_a_live_unix_socket_is_left_alone(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with daemon("--uds", str(path), log=log):
        status, said = refusal("--uds", str(path), log=tmp_path / "second")
        assert status == 1
        assert said.count("\n") == 1
        with unix_client(path) as client:
            client.request("GET", "/ping", Connection="close")
            assert client.answer().status == 200


def test_a_file_in_the_way_of_a_unix_socket_is_left_alone(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")
    status, said = refusal("--uds", str(path), log=log)
    assert (status, said.count("\n"), path.read_text()) == (1, 1, "precious")


# ── what ends it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lifeline_that_is_cut_ends_it(log: Path) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    process = spawn("--port", "0", "--lifeline-fd", str(reading), log=log, pass_fds=[reading])
    os.close(reading)
    assert process.stdout is not None
    assert process.stdout.readline()
    os.close(writing)
    assert process.wait(20) == 0
    process.stdout.close()


def test_a_lease_ends_it_when_nobody_asks_for_anything(log: Path) -> None:
    with daemon("--lease-s", "0.2", log=log) as running:
        assert running.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_request_to_end_is_met_with_exit_0(number: signal.Signals, log: Path) -> None:
    with daemon(log=log) as running:
        running.process.send_signal(number)
        assert running.wait() == 0


def test_a_signal_that_comes_during_the_start_is_not_lost(log: Path) -> None:
    process = spawn("--port", "0", log=log)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not children.read_text():
        os.sched_yield()
    process.terminate()
    assert process.communicate(timeout=20)
    assert process.returncode == 0


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_logs_are_structured_and_hold_neither_tokens_nor_commands_nor_queries(log: Path) -> None:
    flags = ("--log-format", "json", "--log-level", "debug")
    with daemon(*flags, log=log, variables={"EXECD_ACCESS_TOKEN": TOKEN}) as running:
        command = b'{"command":"echo hush-hush","envs":{"KEY":"hush-hush"}}'
        running.ask("POST", "/command", body=command, X_EXECD_ACCESS_TOKEN=TOKEN, X_Request_ID="mine")
        running.ask("GET", "/executions?cursor=hush-hush", X_EXECD_ACCESS_TOKEN=TOKEN)
        running.ask("GET", "/version", X_EXECD_ACCESS_TOKEN="wrong-token")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert (requests[0]["request_id"], requests[0]["method"], requests[0]["path"]) == ("mine", "POST", "/command")
    assert [line["status"] for line in requests] == [200, 400, 401]
    assert all(isinstance(line["ms"], float) for line in requests)
    for secret in (TOKEN, "hush-hush", "wrong-token"):
        assert secret not in log.read_text()


def test_a_log_that_nobody_reads_does_not_stop_the_daemon(log: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with daemon("--log-level", "debug", log=fifo) as running, running.connect() as client:
        for _ in range(2000):
            client.received.clear()
            client.request("GET", "/ping")
            client.until(b"\r\n\r\n")
    os.close(reader)


def test_commands_see_no_secret_of_the_daemon(log: Path) -> None:
    variables = {"EXECD_ACCESS_TOKEN": TOKEN, "COPY_OF_IT": f"Bearer {TOKEN}", "PLAIN": "seen"}
    with daemon(log=log, variables=variables) as running:
        answer = running.ask("POST", "/command", body=b'{"command":"env"}', X_EXECD_ACCESS_TOKEN=TOKEN)
    lines = [event["text"] for event in events(answer.body) if event["type"] == "stdout"]
    assert "PLAIN=seen" in lines
    assert not [line for line in lines if TOKEN in line or line.startswith("EXECD_ACCESS_TOKEN")]


def test_help_and_version_are_said_on_standard_output(log: Path) -> None:
    for flag, words in (("--help", b"--kill-grace-ms"), ("--version", b"execd ")):
        process = spawn(flag, log=log)
        said, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert words in said


def test_closed_standard_descriptors_are_not_taken_by_sockets(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    script = f"exec {sys.executable} -m execd serve --uds {path} <&- >&- 2>&-"
    process = subprocess.Popen(["sh", "-c", script])
    try:
        with patient_client(path) as client:
            client.request("POST", "/command", body=b'{"command":"echo out; echo err >&2"}', Connection="close")
            answer = client.answer()
        assert [event.get("text") for event in events(answer.body)][1:3] == ["out", "err"]
    finally:
        process.terminate()
        assert process.wait(20) == 0


def patient_client(path: Path) -> Client:
    """Return a connection to a daemon that says nothing when it is ready."""
    limit = time.monotonic() + 20
    while True:
        try:
            return unix_client(path)
        except (FileNotFoundError, ConnectionRefusedError):
            assert time.monotonic() < limit
            time.sleep(0.01)  # There is nothing else to wait for.


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def open_descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_a_connection_that_its_client_closed_costs_no_descriptor(log: Path) -> None:
    with daemon(log=log) as running:
        running.ask("GET", "/ping")
        before = open_descriptors(running.pid)
        for _ in range(50):
            with running.connect() as client:
                client.request("GET", "/ping")
                client.until(b"\r\n\r\n")
        # Each is answered on a connection of its own, so the others have been seen to close by then.
        for _ in range(50):
            running.ask("GET", "/ping")
        assert open_descriptors(running.pid) <= before + 2


def test_a_client_that_closes_its_side_after_the_request_gets_its_answer(log: Path) -> None:
    with daemon(log=log) as running, running.connect() as client:
        client.request("GET", "/version")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.answer().status == 200


def test_a_connection_serves_many_requests(log: Path) -> None:
    with daemon(log=log) as running, running.connect() as client:
        for _ in range(1500):
            client.received.clear()
            client.request("GET", "/ping")
            client.until(b"\r\n\r\n")
            assert b"onnection: close" not in client.received


def test_http_2_without_encryption_is_served_too(log: Path) -> None:
    with daemon(log=log) as running, running.connect() as client:
        settings = "AAMAAABkAAQCAAAAAAIAAAAA"
        client.request("GET", "/version", Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings=settings)
        client.until(b'"features"')
