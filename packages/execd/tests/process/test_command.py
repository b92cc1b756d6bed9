from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from execd._wire import RunCommandRequest
from execd.errors import (
    AlreadyFinished,
    CommandNotFound,
    ExecutionConflict,
    InvalidRequestBody,
    LimitReached,
    PermissionDenied,
    ShuttingDown,
)
from execd.runs.registry import Retention
from execd.runs.run import Policy

from .rooms import Room, alive

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


# ── what is started ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_command_is_text_for_bash(room: Room) -> None:
    assert await room.text("echo $BASH_VERSION") != "\n"
    assert await room.text("echo $0 ${x:-'a b'} | tr a-z A-Z") == "BASH A B\n"


async def test_without_bash_it_is_text_for_sh(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execd.process.command.BASH", ("/no/bash",))
    assert await room.text("echo $0") == "sh\n"


async def test_the_shell_is_a_setting(tmp_path: Path) -> None:
    shell = tmp_path / "echoing"
    shell.write_text('#!/bin/sh\necho "$@"')
    shell.chmod(0o755)
    assert await Room(str(tmp_path), shell=str(shell)).text("some text") == "-c some text\n"


async def test_argv_is_run_without_a_shell(room: Room) -> None:
    watched = await room.run(["printf", "%s|", "$HOME", "a b", "*", ""], output="chunks")
    assert watched.bytes("stdout") == b"$HOME|a b|*||"
    assert watched.run.asked.content == "printf '%s|' '$HOME' 'a b' '*' ''"


async def test_argv_is_looked_up_in_the_request_s_own_path(room: Room, tmp_path: Path) -> None:
    program = tmp_path / "greet"
    program.write_text("#!/bin/sh\necho hello")
    program.chmod(0o755)
    assert await room.text(["greet"], envs={"PATH": f"{tmp_path}:/bin"}) == "hello\n"


@pytest.mark.parametrize(
    ("argv", "number", "words"),
    [
        (["no such program"], errno.ENOENT, "No such file or directory: no such program"),
        (["/"], errno.EACCES, "Permission denied: /"),
        ([""], errno.EACCES, "Permission denied"),
    ],
)
async def test_an_unstartable_program_is_the_end_of_its_run(
    room: Room, argv: list[str], number: int, words: str
) -> None:
    watched = await room.run(argv)
    init, end = watched.events
    assert init["type"] == "init"
    assert (end["cause"], end["code"], end["details"]) == ("never_started", "COMMAND_FAILED", {"errno": number})
    assert end["error"] == {"ename": "CommandExecError", "evalue": words, "traceback": [words]}
    assert "exit_code" not in end
    assert watched.run.pid is None


async def test_a_command_over_128_kib_never_starts_and_is_told_to_use_a_file(room: Room) -> None:
    end = await room.start("true " + "x" * 131_072).end()
    assert (end["cause"], end["details"]) == ("never_started", {"errno": errno.E2BIG})
    assert "write it to a file" in end["error"]["evalue"]
    assert (await room.start("true " + "x" * 131_000).end())["cause"] == "exited"


async def test_the_id_is_there_for_the_program_and_the_pid_for_the_status(room: Room) -> None:
    watched = await room.run("echo $EXECD_EXECUTION_ID; echo $$", envs={"EXECD_EXECUTION_ID": "forged"})
    assert [await watched.word(), await watched.word()] == [watched.run.id, str(watched.run.pid)]


# ── where ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_command_starts_in_the_working_root_or_in_its_cwd(room: Room, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    os.symlink("a b", tmp_path / "link")
    assert await room.text("pwd") == f"{tmp_path}\n"
    assert await room.text("pwd", cwd="a b") == f"{tmp_path}/a b\n"
    assert await room.text("pwd; pwd -P", cwd=f"{tmp_path}/link") == f"{tmp_path}/link\n{tmp_path}/a b\n"


async def test_cwd_is_expanded_with_the_command_s_own_environment(room: Room, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    envs = {"HOME": str(tmp_path), "WHERE": "sub"}
    for cwd in ("~/sub", "$HOME/sub", "${HOME}/$WHERE"):
        assert await room.text("pwd", cwd=cwd, envs=envs) == f"{tmp_path}/sub\n"


@pytest.mark.parametrize("cwd", ["/no/such", "none", "$UNKNOWN", "file", "~/none"])
async def test_a_cwd_that_is_no_directory_is_refused_by_name(room: Room, tmp_path: Path, cwd: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidRequestBody, match=cwd.lstrip("~/$")) as refusal:
        room.start("true", cwd=cwd)
    assert refusal.value.details == {"field": "cwd"}
    assert room.registry.runs() == []


# ── with what environment ────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_request_is_over_the_file_is_over_the_daemon(tmp_path: Path) -> None:
    file = tmp_path / "envs"
    file.write_text("B=file\nC=file\nD=$A-$B")
    own = {"PATH": os.environ["PATH"], "A": "own", "B": "own", "C": "own"}
    room = Room(str(tmp_path), environment=own, envs_file=str(file))
    assert await room.text("echo $A $B $C $D", envs={"C": "request"}) == "own file request own-own\n"
    file.write_text("B=anew")
    assert await room.text("echo $A $B $C", envs={}) == "own anew own\n"


async def test_a_command_has_nothing_that_it_was_not_given(tmp_path: Path) -> None:
    room = Room(str(tmp_path), environment={"A": "1"})
    shown = await room.text(["/usr/bin/env"], envs={"B": "2"}, execution_id="x")
    assert sorted(shown.split()) == ["A=1", "B=2", "EXECD_EXECUTION_ID=x", f"PWD={tmp_path}"]


async def test_a_request_may_set_pwd(room: Room) -> None:
    assert "PWD=/elsewhere\n" in await room.text(["/usr/bin/env"], envs={"PWD": "/elsewhere"})


# ── as whom ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@root
async def test_a_named_user_has_its_ids_and_variables(room: Room) -> None:
    nobody = pwd.getpwnam("nobody")
    shown = await room.text("echo $(id -u) $(id -g) $HOME $USER $LOGNAME", user="nobody", cwd="/")
    assert shown == f"{nobody.pw_uid} {nobody.pw_gid} {nobody.pw_dir} nobody nobody\n"
    assert await room.text("echo $HOME", user="nobody", cwd="/", envs={"HOME": "/mine"}) == "/mine\n"


@root
async def test_a_number_that_nobody_has_needs_a_group_and_never_gets_root_s(room: Room) -> None:
    assert await room.text("id -u; id -g; id -G", uid=12345, gid=23456, cwd="/") == "12345\n23456\n23456\n"
    with pytest.raises(InvalidRequestBody, match="uid"):
        room.start("true", uid=12345)


@root
async def test_another_user_s_program_is_interrupted_with_all_it_started(room: Room) -> None:
    watched = room.start("setsid sh -c 'echo $$; exec sleep 600' & wait", user="nobody", cwd="/")
    escaped = await watched.number()
    await room.commands.interrupt(watched.run.id)
    assert not alive(escaped)


async def test_without_the_privilege_it_is_refused_before_any_event(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("execd.users._may_change_user", lambda: False)
    with pytest.raises(PermissionDenied):
        room.start("true", uid=12345, gid=23456)
    assert room.registry.runs() == []


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_null_is_absent(room: Room) -> None:
    assert (await room.start("true", background=False, max_output_bytes=None).end())["cause"] == "exited"


@pytest.mark.parametrize("fields", [{}, {"command": "true", "argv": ["true"]}])
async def test_exactly_one_of_command_and_argv_is_needed(room: Room, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestBody, match="command and argv"):
        room.commands.start(RunCommandRequest(**fields))


async def test_limits_and_shutdown_are_the_registry_s_to_say(tmp_path: Path) -> None:
    room = Room(str(tmp_path), retention=Retention(max_live=1))
    watched = room.start("sleep 600")
    with pytest.raises(LimitReached):
        room.start("true")
    await room.registry.close()
    assert (await watched.end())["cause"] == "shutting_down"
    with pytest.raises(ShuttingDown):
        room.start("true")


# ── policies ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "policy"),
    [
        ({}, ("lines", "kill", 5000, "block")),
        ({"output": "chunks"}, ("chunks", "kill", 5000, "block")),
        ({"on_disconnect": "detach"}, ("lines", "detach", 5000, "drop_oldest")),
        ({"on_disconnect": "detach", "on_overflow": "block"}, ("lines", "detach", 5000, "block")),
        ({"disconnect_grace_ms": 0, "on_overflow": "drop_oldest"}, ("lines", "kill", 0, "drop_oldest")),
    ],
)
async def test_a_policy_is_what_was_asked_for_or_the_default(
    room: Room, fields: dict[str, Any], policy: tuple[Any, ...]
) -> None:
    mode, disconnect, grace_ms, overflow = policy
    watched = await room.run("true", **fields)
    assert watched.run.policy == Policy(
        mode=mode, on_disconnect=disconnect, disconnect_grace_ms=grace_ms, on_overflow=overflow
    )


# ── the same id ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_request_with_the_same_id_runs_once(room: Room, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    first = await room.run("echo once >>../ran", execution_id="same", cwd="sub")
    (tmp_path / "sub").rmdir()
    second = await room.run("echo once >>../ran", execution_id="same", cwd="sub")
    assert second.run is first.run
    assert second.events == first.events
    assert (tmp_path / "ran").read_text() == "once\n"


async def test_another_request_with_the_same_id_is_a_conflict(room: Room) -> None:
    await room.run("true", execution_id="same")
    with pytest.raises(ExecutionConflict):
        room.start("false", execution_id="same")


# ── interrupts ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_only_a_command_that_is_known_and_runs_can_be_interrupted(room: Room) -> None:
    with pytest.raises(CommandNotFound):
        await room.commands.interrupt("unknown")
    policy = Policy(mode="whole", on_disconnect="detach", disconnect_grace_ms=0, on_overflow="block")
    cell, _ = room.registry.register(kind="cell", content="", body=None, policy=policy)
    with pytest.raises(CommandNotFound):
        await room.commands.interrupt(cell.id)
    watched = await room.run("true")
    with pytest.raises(AlreadyFinished):
        await room.commands.interrupt(watched.run.id)
