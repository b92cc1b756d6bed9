"""SIGTERM: every stream gets its end, and the process is gone in time whatever its clients do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from .daemons import Client, Daemon, SilentProxy, daemon, dechunked, events, parse, without_uvloop

RUN = f"run-{uuid4().hex[:12]}"
FED = f"fed-{uuid4().hex[:12]}"
"""Ids that no daemon of another test has: commands are told apart by them."""
GRACE_MS = 300
LIMIT_S = GRACE_MS / 1000 + 3
"""By then the daemon has left, whatever its clients do."""
SLACK_S = 2.5
"""For a machine that has other things to do."""


@pytest.fixture(params=[pytest.param(True, id="uvloop"), pytest.param(False, id="asyncio", marks=pytest.mark.slow)])
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    variables = {} if request.param else without_uvloop(tmp_path)
    with daemon("--kill-grace-ms", str(GRACE_MS), log=tmp_path / "log", variables=variables) as one:
        yield one


def start(client: Client, command: str, **fields: Any) -> None:
    """Start a command (`UP` in it says that it runs) and wait until it does."""
    client.request(
        "POST", "/command", body=json.dumps({"command": command.replace("UP", "echo up"), **fields}).encode()
    )
    client.until(b'"up')


def terminal(client: Client) -> dict[str, Any]:
    """Return the terminal event of a stream that must end cleanly."""
    return events(dechunked(client.until_end().partition(b"\r\n\r\n")[2]))[-1]


def leaves_in_time(running: Daemon) -> float:
    """Ask the daemon to end, and return how long it took."""
    began = time.monotonic()
    running.terminate()
    assert running.wait() == 0
    took = time.monotonic() - began
    assert took < LIMIT_S + SLACK_S
    return took


def test_ten_open_streams_all_get_their_end(running: Daemon) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(10)]
        for client in clients:
            start(client, "UP; sleep 600")
        assert leaves_in_time(running) < LIMIT_S, "nobody had to be waited for"
        for client in clients:
            end = terminal(client)
            assert (end["type"], end["cause"], end["code"]) == ("error", "shutting_down", "SHUTTING_DOWN")


def test_a_program_that_ignores_the_request_is_killed_after_its_grace(running: Daemon) -> None:
    with running.connect() as client:
        start(client, "trap '' TERM; UP; sleep 600")
        leaves_in_time(running)
        assert terminal(client)["cause"] == "shutting_down"


def test_while_it_ends_it_is_not_ready_and_takes_nothing_new(tmp_path: Path) -> None:
    with daemon("--kill-grace-ms", "3000", log=tmp_path / "log") as running, running.connect() as client:
        start(client, "trap '' TERM; UP; sleep 600")
        with running.connect() as second, running.connect() as third:
            running.terminate()
            client.sock.settimeout(0.05)
            _until_not_ready(running)
            second.request("POST", "/command", body=b'{"command":"true"}')
            second.until(b"SHUTTING_DOWN")
            third.request("GET", "/ping")
            third.until(b"HTTP/1.1 200")


def _until_not_ready(running: Daemon) -> None:
    for _ in range(200):
        answer = running.ask("GET", "/ready")
        if answer.status == 503:
            assert answer.json["code"] == "EXECD_NOT_READY"
            assert answer.json["details"] == {"waiting_for": ["shutdown"]}
            return
    pytest.fail("the daemon stays ready while it ends")


# ── clients that do not behave ───────────────────────────────────────────────────────────────────────────────────────


def flood(running: Daemon, client: Client) -> None:
    """Start a command whose output fills every buffer on the way to a client that does not read."""
    start(client, "UP; head -c 40000000 /dev/zero | tr '\\0' y; sleep 600", execution_id=RUN)
    while running.ask("GET", f"/executions/{RUN}").json["stdout_bytes"] < 32 << 20:
        pass


@contextmanager
def reads_nothing(running: Daemon) -> Iterator[None]:

    with running.connect() as client:
        flood(running, client)
        yield


@contextmanager
def half_a_body(running: Daemon) -> Iterator[None]:
    with running.connect() as client:
        client.send(b"POST /command HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{")
        client.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.read()
        yield
        client.sock.settimeout(5)
        assert parse(client.until_end()).json["code"] == "SHUTTING_DOWN"


@contextmanager
def half_a_header(running: Daemon) -> Iterator[None]:
    with running.connect() as client:
        client.send(b"GET /ping HTTP/1.1\r\nHost: local")
        yield


@contextmanager
def half_of_its_input(running: Daemon) -> Iterator[None]:
    with running.connect() as client, running.connect() as feeder:
        start(client, "UP; sleep 600", stdin="pipe", execution_id=FED)
        feeder.send(
            b"POST /executions/%b/stdin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nhalf" % FED.encode()
        )
        yield


@contextmanager
def vanished_without_a_fin(running: Daemon) -> Iterator[None]:
    with SilentProxy(("127.0.0.1", running.port)) as proxy, proxy.connect() as client:
        flood(running, client)
        proxy.silent.set()
        yield


@contextmanager
def idle(running: Daemon) -> Iterator[None]:
    with running.connect() as client:
        client.request("GET", "/ping")
        client.until(b"\r\n\r\n")
        yield


@contextmanager
def silent(running: Daemon) -> Iterator[None]:
    with running.connect():
        yield


@contextmanager
def a_pipelined_request(running: Daemon) -> Iterator[None]:
    with running.connect() as client:
        start(client, "UP; sleep 600")
        client.request("GET", "/ping")
        yield


Misbehaved = Callable[[Daemon], AbstractContextManager[None]]

OWING: list[Misbehaved] = [half_a_body, half_a_header, half_of_its_input, idle, silent, a_pipelined_request]
NOT_READING: list[Misbehaved] = [reads_nothing, vanished_without_a_fin]


@pytest.mark.parametrize("misbehaved", OWING)
def test_a_client_that_owes_a_request_is_not_waited_for(running: Daemon, misbehaved: Misbehaved) -> None:
    with running.connect() as good:
        start(good, "UP; sleep 600")
        with misbehaved(running):
            assert leaves_in_time(running) < LIMIT_S
        assert terminal(good)["cause"] == "shutting_down"


@pytest.mark.parametrize("misbehaved", NOT_READING)
def test_a_client_that_does_not_read_cannot_hold_the_end_up(running: Daemon, misbehaved: Misbehaved) -> None:
    with running.connect() as good:
        start(good, "UP; sleep 600")
        with misbehaved(running):
            leaves_in_time(running)
        assert terminal(good)["cause"] == "shutting_down"


@pytest.mark.slow
def test_all_of_them_at_once_cannot_either(running: Daemon) -> None:
    with ExitStack() as stack:
        for misbehaved in [*OWING, reads_nothing]:
            stack.enter_context(misbehaved(running))
        leaves_in_time(running)
