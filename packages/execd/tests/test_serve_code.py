"""Code in a daemon that is a process of its own: kernels start, answer over HTTP, and are gone when it is."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .daemons import Daemon, daemon, dechunked, events
from .kernel.worlds import alive


@pytest.fixture
def running(tmp_path: Path, short_path: Path) -> Iterator[Daemon]:
    options = ("--working-root", str(tmp_path), "--state-dir", str(short_path / "s"))
    with daemon("--heartbeat-s", "0.3", "--kill-grace-ms", "500", *options, log=tmp_path / "log") as one:
        yield one


def run(one: Daemon, code: str, **fields: Any) -> list[dict[str, Any]]:
    body = json.dumps({"code": code, "context": {"language": "python"}, **fields}).encode()
    answer = one.ask("POST", "/code", body=body)
    assert answer.status == 200, answer.body
    return events(answer.body)


def text(told: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in told if event["type"] == "stdout")


def test_a_session_of_code_from_end_to_end(running: Daemon) -> None:
    assert "python" in running.ask("GET", "/version").json["languages"]
    told = run(running, "x = 40\nprint('hello')\nx + 2")
    # A print may come in two pieces.
    kinds = list(dict.fromkeys(event["type"] for event in told))
    assert kinds == ["init", "execution_count", "stdout", "result", "execution_complete"]
    assert [event["results"]["text"] for event in told if event["type"] == "result"] == ["42"]
    assert run(running, "x / 0")[-1]["error"]["ename"] == "ZeroDivisionError"
    (context,) = running.ask("GET", "/code/contexts").json
    assert running.ask("DELETE", f"/code?id={context['id']}").status == 200
    assert running.ask("DELETE", f"/code/contexts/{context['id']}").status == 200
    assert running.ask("GET", "/code/contexts").json == []


def test_input_is_answered_over_http(running: Daemon) -> None:
    body = json.dumps(
        {"code": "input('name? ')", "context": {"language": "python"}, "allow_stdin": True, "execution_id": "asks"}
    )
    with running.connect() as client:
        client.request("POST", "/code", body=body.encode(), Connection="close")
        client.until(b'"input_request"')
        assert running.ask("POST", "/executions/asks/stdin", body=b"Ada").status == 200
        told = events(dechunked(client.until_end().partition(b"\r\n\r\n")[2]))
    assert [event["results"]["text"] for event in told if event["type"] == "result"] == ["'Ada'"]


@pytest.mark.slow
def test_a_silent_cell_and_a_contexts_stream_give_signs_of_life(running: Daemon) -> None:
    run(running, "1")
    (context,) = running.ask("GET", "/code/contexts").json
    with running.connect() as client:
        client.request("GET", f"/code/contexts/{context['id']}/events")
        client.until(b'"pong"')
        body = json.dumps({"code": "import time; time.sleep(1)", "context": {"language": "python"}}).encode()
        assert b'"pong"' in running.ask("POST", "/code", body=body).body
        client.until(b'"idle"')


def test_a_port_that_answers_is_named_to_commands_for_clients_that_look_for_jupyter(running: Daemon) -> None:
    command = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/${JUPYTER_PORT:-44771}' && echo $JUPYTER_PORT"
    told = events(running.ask("POST", "/command", body=json.dumps({"command": command}).encode()).body)
    assert text(told) == str(running.port)


def test_the_daemons_end_ends_cells_and_leaves_no_kernel_and_no_socket(running: Daemon, short_path: Path) -> None:
    kernel = int(text(run(running, "import os; print(os.getpid())")))
    body = json.dumps({"code": "print('up', flush=True)\nwhile True: pass", "context": {"language": "python"}})
    with running.connect() as client:
        client.request("POST", "/code", body=body.encode())
        client.until(b'"up')
        assert list((short_path / "s").glob("execd-k-*/*"))
        running.terminate()
        last = events(dechunked(client.until_end().partition(b"\r\n\r\n")[2]))[-1]
    assert (last["type"], last["cause"], last["code"]) == ("error", "shutting_down", "SHUTTING_DOWN")
    assert running.wait() == 0
    assert not alive(kernel)
    assert list((short_path / "s").glob("execd-k-*")) == []


def test_a_daemon_that_is_killed_leaves_no_kernel_and_the_next_one_clears_its_sockets(
    running: Daemon, tmp_path: Path, short_path: Path
) -> None:
    kernel = int(text(run(running, "import os; print(os.getpid())")))
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert not alive(kernel)
    (left,) = (short_path / "s").glob("execd-k-*")
    with daemon("--state-dir", str(short_path / "s"), log=tmp_path / "log2") as another:
        run(another, "1")
        assert not left.exists()


def test_the_token_reaches_no_kernel(tmp_path: Path) -> None:
    secret = "s3cret-t0ken-of-the-test"
    with daemon("--access-token", secret, log=tmp_path / "log") as one:
        body = json.dumps({"code": "import os; print(dict(os.environ))", "context": {"language": "python"}}).encode()
        answer = one.ask("POST", "/code", body=body, **{"X-EXECD-ACCESS-TOKEN": secret})
        assert answer.status == 200
        assert "PATH" in text(events(answer.body))
        assert secret not in text(events(answer.body))
        assert one.ask("GET", "/code/contexts").json["code"] == "UNAUTHORIZED"
