"""A daemon of one's own: private, ended with the block, and never left behind."""

# ruff: noqa: ASYNC240 - the loop has nothing else to do

from __future__ import annotations

import gc
import os
import signal
import stat
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from opensandbox import Sandbox
from opensandbox.exceptions import ExecdNotReadyException, StreamInterruptedException

from ..worlds import descendants, is_alive, signal_daemons


def daemons() -> set[int]:
    """Return the daemons and guards below this process, and what they run."""
    return {pid for pid in descendants(os.getpid()) if is_alive(pid)}


def socket_of(sandbox: Sandbox) -> Path:
    return Path(unquote(urlsplit(sandbox.get_endpoint()).netloc))


async def test_it_runs_commands_in_a_fresh_private_directory() -> None:
    async with await Sandbox.local() as sandbox:
        where = Path((await sandbox.commands.run("pwd")).stdout.strip())
        assert list(where.iterdir()) == []
        assert stat.S_IMODE(where.stat().st_mode) == 0o700
        await sandbox.commands.run("echo hi > file; mkdir deep; chmod 500 deep")
    assert not where.exists()


async def test_a_given_directory_stays(tmp_path: Path) -> None:
    async with await Sandbox.local(str(tmp_path)) as sandbox:
        await sandbox.commands.run("echo hi > file")
    assert (tmp_path / "file").read_text() == "hi\n"


async def test_a_directory_that_is_none_is_a_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="working_dir"):
        await Sandbox.local(str(tmp_path / "nope"))


async def test_the_callers_variables_stay_with_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    async with await Sandbox.local(envs={"GREETING": "hi there"}) as sandbox:
        execution = await sandbox.commands.run("env; cat /proc/$PPID/environ")
    assert "GREETING=hi there" in execution.stdout
    assert "secret" not in execution.stdout
    assert "EXECD_ACCESS_TOKEN" not in execution.stdout


async def test_the_socket_is_private_and_not_in_the_temporary_directory() -> None:
    async with await Sandbox.local() as sandbox:
        socket = socket_of(sandbox)
        assert stat.S_ISSOCK(socket.stat().st_mode)
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert not socket.is_relative_to("/tmp")
        assert len(os.fsencode(socket)) < 108
    assert not socket.exists()


async def test_others_need_the_token() -> None:
    async with await Sandbox.local() as sandbox:
        with pytest.raises(Exception, match="token"):
            await Sandbox.connect(sandbox.get_endpoint(), access_token="guess")


async def test_leaving_the_block_ends_the_daemon_and_everything_in_it() -> None:
    before = daemons()
    async with await Sandbox.local() as sandbox:
        started = await sandbox.commands.run("sleep 1000 >/dev/null 2>&1 & setsid sleep 1001 >/dev/null 2>&1 & echo $!")
        assert is_alive(int(started.stdout))
        assert len(daemons() - before) >= 2
    assert not is_alive(int(started.stdout))
    assert daemons() <= before


async def test_an_exception_in_the_block_ends_the_daemon_too() -> None:
    before = daemons()

    async def fail() -> None:
        async with await Sandbox.local() as sandbox:
            await sandbox.commands.run("true")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert daemons() <= before


# The HTTP library's synchronous half does not close a Unix socket that it could not connect; the interpreter does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_daemon_that_is_killed_breaks_its_streams_at_once() -> None:
    before = daemons()
    async with await Sandbox.local() as sandbox:
        lines = sandbox.commands.run_stream("echo begun; sleep 1000")

        async def read() -> None:
            async for line in lines:
                assert line == "begun"
                signal_daemons(signal.SIGKILL, but=before)

        with pytest.raises(StreamInterruptedException) as caught:
            await read()
        assert caught.value.execution is not None
        assert caught.value.execution.stdout == "begun\n"
        assert not await sandbox.is_healthy()
    gc.collect()


async def test_a_daemon_that_is_killed_leaves_no_socket() -> None:
    before = daemons()
    async with await Sandbox.local() as sandbox:
        socket = socket_of(sandbox)
        assert socket.exists()
        signal_daemons(signal.SIGKILL, but=before)
    assert not socket.exists()


async def test_a_daemon_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    impostor = tmp_path / "python"
    impostor.write_text("#!/bin/sh\necho 'no such thing as execd' >&2\nexit 1\n")
    impostor.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(impostor))
    before = daemons()
    with pytest.raises(ExecdNotReadyException, match="it ended: no such thing as execd") as caught:
        await Sandbox.local()
    assert caught.value.error.details == {"stderr": "no such thing as execd", "exit_code": 1}
    assert daemons() <= before


async def test_without_the_daemon_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ExecdNotReadyException, match=r"pip install 'execd-sdk\[local\]'"):
        await Sandbox.local()


async def test_elsewhere_than_on_linux_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ExecdNotReadyException, match="Linux only"):
        await Sandbox.local()


async def test_no_place_for_a_socket_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", f"{tmp_path}/{'long' * 30}")
    with pytest.raises(ExecdNotReadyException, match="too long for a socket"):
        await Sandbox.local()


async def test_many_of_them_live_side_by_side() -> None:
    async with await Sandbox.local() as one, await Sandbox.local() as two:
        assert one.get_endpoint() != two.get_endpoint()
        assert (await one.commands.run("pwd")).stdout != (await two.commands.run("pwd")).stdout
