"""Clients that stop reading, leave or vanish: their runs are cancelled, interrupted and resumed all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from .daemons import Client, Daemon, SilentProxy, daemon, dechunked, events

RUN = f"run-{uuid4().hex[:12]}"
"""An id that no daemon of another test has: commands are told apart by it."""
FLOOD = "head -c 40000000 /dev/zero | tr '\\0' y; sleep 600"
COUNT = 20_000
COUNTED = "".join(f"{number}\n" for number in range(1, COUNT + 1))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Daemon]:
    with daemon("--heartbeat-s", "0.1", "--kill-grace-ms", "300", log=tmp_path / "log") as one:
        yield one


def start(client: Client, command: str, **fields: Any) -> None:
    body = json.dumps({"command": command, "execution_id": RUN, "output": "chunks", **fields}).encode()
    client.request("POST", "/command", body=body)


def stream_of(client: Client) -> list[dict[str, Any]]:
    return events(dechunked(client.until_end().partition(b"\r\n\r\n")[2]))


def resumed(running: Daemon, *, after: int = 0) -> list[dict[str, Any]]:
    with running.connect() as client:
        client.request("GET", f"/executions/{RUN}/events?after={after}", Connection="close")
        return stream_of(client)


def cause(running: Daemon) -> str:
    """Wait for the end of the run without counting as one of its readers for longer than that, and return its cause."""
    return str(resumed(running)[-1]["cause"])


def flood(running: Daemon, client: Client, **fields: Any) -> None:
    """Start a program whose output fills every buffer on the way to a client that does not read."""
    start(client, FLOOD, **fields)
    while running.ask("GET", f"/executions/{RUN}").json.get("stdout_bytes", 0) < 32 << 20:
        pass


def follow_to_cause(running: Daemon) -> str:
    while True:
        shown = running.ask("GET", f"/executions/{RUN}").json
        if not shown["running"]:
            return str(shown["cause"])


# ── interrupt ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_whose_reader_reads_nothing_is_interrupted(running: Daemon) -> None:
    with running.connect() as client:
        flood(running, client)
        assert running.ask("DELETE", f"/command?id={RUN}").status == 200
        assert running.ask("GET", f"/command/status/{RUN}").json["cause"] == "interrupted"
        client.until(b'"cause":"interrupted"')


def test_a_run_whose_reader_vanished_is_interrupted(running: Daemon) -> None:
    with SilentProxy(("127.0.0.1", running.port)) as proxy, proxy.connect() as client:
        flood(running, client)
        proxy.silent.set()
        assert running.ask("DELETE", f"/command?id={RUN}").status == 200
        assert running.ask("GET", f"/command/status/{RUN}").json["cause"] == "interrupted"


def test_an_interrupt_by_a_client_that_does_not_wait_for_the_answer_counts(running: Daemon) -> None:
    with running.connect() as client, running.connect() as hasty:
        start(client, "echo up; sleep 600")
        client.until(b"up")
        hasty.request("DELETE", f"/command?id={RUN}")
        hasty.sock.close()
        client.until(b'"cause":"interrupted"')


# ── cancel ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "owed", [b"", b"GET /ping HT", b"POST /command HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"]
)
@pytest.mark.slow
def test_a_run_is_cancelled_when_its_last_reader_leaves(running: Daemon, owed: bytes) -> None:
    with running.connect() as client:
        start(client, "echo up; sleep 600", disconnect_grace_ms=50)
        client.until(b"up")
        client.send(owed)
    assert follow_to_cause(running) == "cancelled"


def test_a_run_is_cancelled_when_a_reader_leaves_that_read_nothing(running: Daemon) -> None:
    with running.connect() as client:
        flood(running, client, disconnect_grace_ms=50)
    assert follow_to_cause(running) == "cancelled"


def test_a_detached_run_goes_on_without_a_reader(running: Daemon) -> None:
    with running.connect() as client:
        start(client, "echo up; read line; echo $line", on_disconnect="detach", disconnect_grace_ms=0, stdin="pipe")
        client.until(b"up")
    assert running.ask("POST", f"/executions/{RUN}/stdin?eof=true", body=b"still here\n").status == 200
    assert cause(running) == "exited"


def test_a_reader_that_comes_back_in_time_keeps_the_run(running: Daemon) -> None:
    with running.connect() as client:
        start(client, "echo up; read line; echo $line", stdin="pipe", disconnect_grace_ms=60_000)
        client.until(b"up")
    with running.connect() as second:
        second.request("GET", f"/executions/{RUN}/events?after=1")
        second.until(b"up")
        running.ask("POST", f"/executions/{RUN}/stdin", body=b"still here\n")
        second.until(b"still here")
        second.until(b'"cause":"exited"')


# ── resume ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def text_of(seen: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in seen if event["type"] == "stdout")


def test_what_a_reader_left_unread_is_replayed_whole(running: Daemon) -> None:
    with running.connect() as client:
        start(client, f"seq {COUNT}")
        client.until(b"init")
        seen = resumed(running)
    assert text_of(seen) == COUNTED
    assert (seen[-1]["cause"], seen[-1]["stdout_bytes"], seen[-1]["truncated"]) == ("exited", len(COUNTED), False)


def test_what_a_vanished_reader_did_not_get_is_the_rest(running: Daemon) -> None:
    with SilentProxy(("127.0.0.1", running.port)) as proxy, proxy.connect() as client:
        start(client, f"seq {COUNT}")
        client.until(b"init")
        proxy.silent.set()
        whole = resumed(running)
        for after in (0, 1, 2, len(whole) - 1):
            assert resumed(running, after=after) == whole[after:]


def test_a_start_cut_in_its_body_starts_nothing_and_may_be_repeated(running: Daemon) -> None:
    with running.connect() as client:
        client.send(
            b"POST /command HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n" + b'{"command":"seq 5","exec'
        )
    assert running.ask("GET", "/executions").json == {"executions": []}
    with running.connect() as client:
        start(client, "seq 5")
        client.until(b'"cause":"exited"')


def test_a_start_that_is_repeated_attaches_to_the_first(running: Daemon) -> None:
    with running.connect() as client:
        start(client, "echo $$; sleep 0.2")
        client.until(b"init")
    streams = []
    for _ in range(3):
        with running.connect() as client:
            start(client, "echo $$; sleep 0.2")
            client.until(b'"cause":"exited"')
            client.until(b"\r\n0\r\n\r\n")
            streams.append(dechunked(bytes(client.received).partition(b"\r\n\r\n")[2]))
    assert [events(stream) for stream in streams] == [resumed(running)] * 3


def test_a_stream_of_a_finished_run_ends_at_once(running: Daemon) -> None:
    with running.connect() as client:
        start(client, "true")
        client.until(b"\r\n0\r\n\r\n")
        client.request("GET", f"/executions/{RUN}/events")
        client.until(b"\r\n0\r\n\r\n")
        assert running.ask("GET", f"/executions/{RUN}/events?after=2").status == 204


def test_a_stream_whose_run_is_silent_carries_pings(running: Daemon) -> None:
    with running.connect() as client:
        start(client, "sleep 600")
        client.until(b'"pong"')
        assert b'id: 1\ndata: {"type":"init"' in client.received
        assert b"\nid: 2\n" not in client.received
