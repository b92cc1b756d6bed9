"""What is sent for a call, and what is refused before anything is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opensandbox._core import calls
from opensandbox.exceptions import NotSupportedException

EVERYTHING = frozenset(
    {"execution_id", "output", "replay", "disconnect", "stdin", "user", "max_output_bytes", "run_limits"}
)


def sent(command: Any, *, features: frozenset[str] = EVERYTHING, **fields: Any) -> dict[str, Any]:
    request = calls.run_command(command, execution_id="id-1", features=features, **fields)
    body: dict[str, Any] = json.loads(request.start.body)
    return body


def test_a_string_is_shell_text_and_a_sequence_a_program() -> None:
    assert sent("ls -l", features=frozenset()) == {"command": "ls -l"}
    assert sent(["ls", "-l"], features=frozenset()) == {"argv": ["ls", "-l"]}


def test_every_argument_has_its_place_on_the_wire() -> None:
    body = sent(
        "x", working_dir="/w", envs={"A": "1"}, timeout=1.5, uid=1, gid=2, user="me", stdin=True, max_output_bytes=9,
        memory_limit_bytes=2**20, pids_limit=1,
    )  # fmt: skip
    assert body == {
        "command": "x", "cwd": "/w", "envs": {"A": "1"}, "timeout": 1500, "uid": 1, "gid": 2, "user": "me",
        "stdin": "pipe", "max_output_bytes": 9, "output": "chunks", "execution_id": "id-1", "on_disconnect": "kill",
        "disconnect_grace_ms": 60000, "memory_limit_bytes": 2**20, "pids_limit": 1,
    }  # fmt: skip


@pytest.mark.parametrize("wish", [{"memory_limit_bytes": 2**30}, {"pids_limit": 9}])
def test_limits_that_a_daemon_does_not_know_are_not_left_out_silently(wish: dict[str, int]) -> None:
    with pytest.raises(NotSupportedException, match="run_limits"):
        calls.run_command("x", execution_id="e", features=EVERYTHING - {"run_limits"}, **wish)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wish", "fault"),
    [
        ({"memory_limit_bytes": 2**20 - 1}, ValueError),
        ({"memory_limit_bytes": 1e9}, TypeError),
        ({"pids_limit": 0}, ValueError),
        ({"pids_limit": True}, TypeError),
    ],
)
def test_a_limit_that_no_program_could_live_with_is_a_mistake(wish: dict[str, int], fault: type[Exception]) -> None:
    with pytest.raises(fault, match=next(iter(wish))):
        calls.run_command("x", execution_id="e", features=EVERYTHING, **wish)  # type: ignore[arg-type]


def test_a_daemon_without_extensions_is_asked_for_none() -> None:
    request = calls.run_command("x", execution_id="id-1", features=frozenset())
    assert request.execution_id is None
    assert not request.start.is_idempotent
    assert json.loads(request.start.body) == {"command": "x"}


def test_a_background_run_is_not_bound_to_its_reader() -> None:
    assert sent("x", background=True) == {
        "command": "x", "background": True, "output": "chunks", "execution_id": "id-1",
    }  # fmt: skip


def test_a_log_is_asked_for_from_a_place_on_and_of_one_stream_only_where_that_is_known() -> None:
    request = calls.read_log("a/1", features=frozenset({"logs"}), cursor=5, stream="stderr", until=9)
    assert request.target == "/command/a%2F1/logs?cursor=5&stream=stderr&until=9"
    assert calls.read_log("a", features=frozenset(), cursor=0).target == "/command/a/logs?cursor=0"
    with pytest.raises(NotSupportedException):
        calls.read_log("a", features=frozenset(), cursor=0, stream="stdout")


def test_a_run_of_a_session_asks_for_extensions_only_where_sessions_have_them() -> None:
    plain = calls.run_in_session("s/1", "x", execution_id="e", features=EVERYTHING, working_dir="/w", timeout=2)
    assert plain.start.path == "/session/s%2F1/run"
    assert json.loads(plain.start.body) == {"command": "x", "cwd": "/w", "timeout": 2000}
    assert (plain.execution_id, plain.start.is_idempotent) == (None, False)
    live = calls.run_in_session("s", "x", execution_id="e", features=frozenset({"sessions"}), max_output_bytes=9)
    assert json.loads(live.start.body) == {
        "command": "x", "output": "chunks", "execution_id": "e", "on_disconnect": "kill", "disconnect_grace_ms": 60000,
        "max_output_bytes": 9,
    }  # fmt: skip
    assert (live.execution_id, live.start.is_idempotent) == ("e", True)
    with pytest.raises(NotSupportedException):
        calls.run_in_session("s", "x", execution_id="e", features=frozenset(), max_output_bytes=9)


@pytest.mark.parametrize(
    ("command", "fault"), [(" ", ValueError), (["ls"], TypeError), (b"ls", TypeError), ("a\0", ValueError)]
)
def test_a_session_takes_shell_text(command: Any, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        calls.run_in_session("s", command, execution_id="e", features=frozenset({"sessions"}))


def test_a_session_is_asked_for_what_is_given_only() -> None:
    start = calls.create_session(session_id="s", features=set())
    assert (start.body, start.is_idempotent) == (b"{}", False)
    start = calls.create_session(session_id="s", features={"sessions"}, working_dir="/w", envs={"A": "1"})
    assert json.loads(start.body) == {"cwd": "/w", "envs": {"A": "1"}, "session_id": "s"}
    assert start.is_idempotent


@pytest.mark.parametrize(("cursor", "fault"), [(-1, ValueError), ("0", TypeError), (True, TypeError)])
def test_a_cursor_is_a_number(cursor: Any, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        calls.read_log("a", features=frozenset(), cursor=cursor)


@pytest.mark.parametrize(
    ("name", "fault"), [(2, TypeError), ("INT", ValueError), ("", ValueError), ("SIG!", ValueError)]
)
def test_a_signal_is_a_name(name: Any, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        calls.send_signal("a", name, features=frozenset({"signal"}))


@pytest.mark.parametrize(
    ("fields", "feature"),
    [({"user": "a"}, "user"), ({"stdin": True}, "stdin"), ({"max_output_bytes": 1}, "max_output_bytes")],
)
def test_what_the_daemon_lacks_is_said_before_it_is_asked(fields: dict[str, Any], feature: str) -> None:
    with pytest.raises(NotSupportedException) as caught:
        sent("x", features=frozenset(), **fields)
    assert caught.value.error.details == {"feature": feature}


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 1e300])
def test_a_timeout_is_a_positive_length(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        sent("x", timeout=timeout)


def test_the_shortest_timeout_is_not_none() -> None:
    assert sent("x", timeout=1e-9)["timeout"] == 1


@pytest.mark.parametrize("command", ["", "  \n", [], [""], "a\0b", ["a", "\0"], "\ud800"])
def test_a_command_that_cannot_be_one_is_a_value_error(command: Any) -> None:
    with pytest.raises(ValueError, match="command"):
        sent(command)


@pytest.mark.parametrize("command", [b"ls", None, 3, ["ls", 3], {"ls"}, bytearray(b"ls")])
def test_a_command_of_another_type_is_a_type_error(command: Any) -> None:
    with pytest.raises(TypeError):
        sent(command)


@pytest.mark.parametrize("envs", [{"": "x"}, {"A=B": "x"}, {"A": "\0"}, {"A\0": "x"}])
def test_a_variable_that_cannot_be_one_is_a_value_error(envs: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="env"):
        sent("x", envs=envs)


def test_a_group_needs_a_user() -> None:
    with pytest.raises(ValueError, match="gid"):
        sent("x", gid=1)


def test_ids_are_encoded_wherever_they_stand() -> None:
    assert calls.command_status("a/b?c").target == "/command/status/a%2Fb%3Fc"
    assert calls.interrupt("a&b").target == "/command?id=a%26b"
    assert calls.events_after("é", 7).target == "/executions/%C3%A9/events?after=7"


def test_only_an_end_of_input_can_be_repeated() -> None:
    assert not calls.write_stdin("a", b"x", end=True).is_idempotent
    assert calls.write_stdin("a", b"", end=True).is_idempotent
    assert calls.write_stdin("a", b"", end=True).target == "/executions/a/stdin?eof=true"


@pytest.mark.parametrize(
    ("command", "fields", "fault"),
    [
        (["echo", None], {}, TypeError),
        ("x", {"envs": [("A", "1")]}, TypeError),
        ("x", {"envs": {"A": None}}, TypeError),
        ("x", {"uid": "0"}, TypeError),
        ("x", {"uid": True}, TypeError),
        ("x", {"uid": -1}, ValueError),
        ("x", {"uid": 1, "gid": 1.5}, TypeError),
        ("x", {"timeout": True}, TypeError),
        ("x", {"timeout": "1"}, TypeError),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_before_it_is_sent(
    command: Any, fields: dict[str, Any], fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        sent(command, **fields)
