# Generated from packages/sdk/tests/_async/test_execd.py by tools/unasync.py; do not edit.
"""The SDK and the daemon together: what one does without the other would prove little."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from opensandbox import SandboxSync
from opensandbox.exceptions import (
    CommandFailedException,
    CommandNotFoundException,
    ConflictException,
    ExecutionTimeoutException,
    InvalidRequestException,
    SessionNotFoundException,
    ShuttingDownException,
    UnauthorizedException,
)

from ..conftest import RunningDaemon
from ..worlds import descendants, signal_daemons, wait_until_gone

EVERY_BYTE = "printf '" + "".join(f"\\{byte:03o}" for byte in range(256)) + "'"


@pytest.fixture
def sandbox(execd: RunningDaemon) -> Iterator[SandboxSync]:
    with SandboxSync.connect(execd.url, access_token=execd.token) as sandbox:
        yield sandbox


def test_every_byte_comes_back(sandbox: SandboxSync) -> None:
    execution = sandbox.commands.run(f"for i in 1 2 3 4 5 6 7 8 9; do {EVERY_BYTE}; done")
    assert execution.stdout_bytes == bytes(range(256)) * 9


def test_characters_are_never_torn(sandbox: SandboxSync) -> None:
    execution = sandbox.commands.run("for i in $(seq 40000); do printf 'aé漢😀'; done; printf '\\360\\237'")
    assert execution.stdout == "aé漢😀" * 40_000 + "\ufffd"


def test_a_program_and_its_arguments_need_no_shell(sandbox: SandboxSync) -> None:
    execution = sandbox.commands.run(["printf", "%s|", "a b", "$HOME", "'"])
    assert execution.stdout == "a b|$HOME|'|"


def test_directory_and_variables_are_the_commands_own(sandbox: SandboxSync, execd: RunningDaemon) -> None:
    execution = sandbox.commands.run("pwd; echo $A", working_dir="/", envs={"A": "1"})
    assert execution.logs.stdout == ["/", "1"]
    with pytest.raises(InvalidRequestException, match="nowhere"):
        sandbox.commands.run("pwd", working_dir="/nowhere")


def test_the_ways_to_end_have_their_exceptions(sandbox: SandboxSync) -> None:
    with pytest.raises(CommandFailedException, match="code 3: so long") as caught:
        sandbox.commands.run("echo hi; echo so long >&2; exit 3")
    assert caught.value.error.details["stderr"] == "so long\n"
    with pytest.raises(CommandFailedException, match="killed by SIGKILL"):
        sandbox.commands.run("kill -9 $$")
    with pytest.raises(CommandFailedException, match=r"could not be started: .*[Nn]o such file") as caught:
        sandbox.commands.run(["/no/such/program"])
    assert caught.value.error.details["errno"] == 2
    with pytest.raises(ExecutionTimeoutException):
        sandbox.commands.run("sleep 100", timeout=0.05)


def test_input_goes_in_and_comes_out(sandbox: SandboxSync) -> None:
    data = bytes(range(256)) * 20_000
    assert (sandbox.commands.run("cat", stdin=data)).stdout_bytes == data
    assert (sandbox.commands.run("sort", stdin="b\na\n")).stdout == "a\nb\n"
    assert (sandbox.commands.run("head -c 1", stdin=data)).stdout_bytes == b"\0"


def test_a_conversation_is_written_piece_by_piece(sandbox: SandboxSync) -> None:
    def numbers() -> Iterator[bytes]:
        for number in range(5):
            yield b"%d\n" % number

    execution = sandbox.commands.run("while read n; do echo $((n * n)); done", stdin=numbers())
    assert execution.logs.stdout == ["0", "1", "4", "9", "16"]


def test_leaving_a_stream_leaves_nothing_running(sandbox: SandboxSync) -> None:
    pids: list[int] = []
    with sandbox.commands.run_stream("echo $$; trap '' TERM; sleep 1000 & echo $!; wait") as lines:
        for line in lines:
            pids.append(int(line))
            if len(pids) == 2:
                break
    wait_until_gone(pids)


def test_a_running_command_has_a_status_and_can_be_interrupted(sandbox: SandboxSync) -> None:
    lines = sandbox.commands.run_stream("echo begun; exec sleep 1000", check=False)
    for _ in lines:
        status = sandbox.commands.get_status(lines.execution.id)
        assert (status.is_running, status.command) == (True, "echo begun; exec sleep 1000")
        sandbox.commands.interrupt(lines.execution.id)
    assert lines.execution.cause == "interrupted"
    status = sandbox.commands.wait(lines.execution.id)
    assert (status.is_complete, status.cause) == (True, "interrupted")
    with pytest.raises(ConflictException):
        sandbox.commands.interrupt(lines.execution.id)


def test_a_finished_run_can_be_read_again(sandbox: SandboxSync) -> None:
    execution = sandbox.commands.run("seq 1 1000")
    assert [int(line) for line in sandbox.commands.attach(execution.id)] == list(range(1, 1001))


def test_what_is_not_there_says_so(sandbox: SandboxSync) -> None:
    with pytest.raises(CommandNotFoundException):
        sandbox.commands.get_status("nope")


def test_a_background_command_goes_on_and_is_read_whenever(sandbox: SandboxSync, execd: RunningDaemon) -> None:
    session = sandbox.commands.run_background("while read x; do echo $x; echo e$x >&2; done", stdin="pipe")
    assert session.id in [status.id for status in sandbox.commands.list(running=True)]
    with SandboxSync.connect(execd.url, access_token=execd.token) as other:
        other.commands.write_stdin(session.id, "1\n")
    lines = sandbox.commands.attach(session)
    for line in lines:
        if line.stream == "stderr":
            break
    first = sandbox.commands.get_output(session)
    assert (first.stdout, first.stderr) == ("1\n", "e1\n")
    sandbox.commands.write_stdin(session, "2\n")
    sandbox.commands.close_stdin(session)
    status = sandbox.commands.wait(session)
    assert (status.is_complete, status.exit_code, status.background) == (True, 0, True)
    more = sandbox.commands.get_output(session, cursor=first.cursor)
    assert (more.stdout, more.stderr, more.truncated) == ("2\n", "e2\n", False)
    assert sorted([line for line in sandbox.commands.attach(session)]) == ["1", "2", "e1", "e2"]


def test_a_background_command_outlives_its_client_and_can_be_stopped(
    sandbox: SandboxSync, execd: RunningDaemon
) -> None:
    with SandboxSync.connect(execd.url, access_token=execd.token) as other:
        session = other.commands.run_background("echo $$; exec sleep 1000")
    assert (sandbox.commands.get_status(session)).is_running
    sandbox.commands.interrupt(session)
    assert (sandbox.commands.get_status(session)).cause == "interrupted"


def test_a_limited_output_is_its_head_and_its_tail(sandbox: SandboxSync) -> None:
    execution = sandbox.commands.run("seq -w 1 100000", max_output_bytes=70)
    assert execution.stdout == "".join(f"{n:06}\n" for n in (1, 2, 3, 4, 5, 99996, 99997, 99998, 99999, 100000))
    assert (execution.truncated, execution.exit_code) == (True, 0)
    whole = sandbox.commands.run("seq -w 1 10", max_output_bytes=70)
    assert (whole.stdout_bytes.count(b"\n"), whole.truncated) == (10, False)


def test_a_session_keeps_what_its_commands_leave(sandbox: SandboxSync, execd: RunningDaemon) -> None:
    with sandbox.commands.session(working_dir=f"{execd.root}/made", envs={"B": "2"}) as shell:
        shell.run("mkdir -p src; cd src && export A=1; f() { echo f$1; }")
        told: list[str] = []
        execution = shell.run("pwd; echo $A$B; f 3; echo oops >&2", on_stdout=lambda line: told.append(line.text))
        assert told == [f"{execd.root}/made/src", "12", "f3"]
        assert (execution.stderr, execution.exit_code) == ("oops\n", 0)
        with pytest.raises(CommandFailedException, match="code 3"):
            shell.run("(exit 3)")
        with pytest.raises(ExecutionTimeoutException):
            shell.run("sleep 1000", timeout=0.1)
        assert [line for line in shell.run_stream("echo $A; pwd", working_dir="/usr")] == ["1", "/usr"]
        pid = int((shell.run("sleep 1000 & echo $!")).stdout)
        gone = shell.id
    wait_until_gone([pid])
    with pytest.raises(RuntimeError, match="not open"):
        shell.run("true")
    shell._id = gone
    with pytest.raises(SessionNotFoundException):
        shell.run("true")


def test_leaving_a_stream_of_a_session_interrupts_it_and_keeps_the_session(sandbox: SandboxSync) -> None:
    with sandbox.commands.session() as shell:
        with shell.run_stream("A=1; echo begun; sleep 1000") as lines:
            for line in lines:
                assert line == "begun"
                break
        assert (shell.run("echo $A")).stdout == "1\n"


def test_a_signal_reaches_the_program(sandbox: SandboxSync) -> None:
    session = sandbox.commands.run_background(
        "trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.01; done"
    )
    for line in sandbox.commands.attach(session, check=False):
        if line == "ready":
            sandbox.commands.send_signal(session, "SIGUSR1")
    assert (sandbox.commands.get_status(session)).exit_code == 5
    assert (sandbox.commands.get_output(session)).stdout == "ready\ngot it\n"
    with pytest.raises(ConflictException):
        sandbox.commands.send_signal(session, "SIGUSR1")


def test_a_wrong_token_is_refused(execd: RunningDaemon) -> None:
    with pytest.raises(UnauthorizedException):
        SandboxSync.connect(execd.url, access_token="guess")


def test_a_daemon_that_is_told_to_end_tells_its_streams() -> None:
    before = set(descendants(os.getpid()))
    with SandboxSync.local() as sandbox:
        lines = sandbox.commands.run_stream("echo begun; sleep 1000", check=False)

        def read() -> None:
            for line in lines:
                assert line == "begun"
                signal_daemons(signal.SIGTERM, but=before)

        with pytest.raises(ShuttingDownException) as caught:
            read()
    assert caught.value.execution is not None
    assert caught.value.execution.stdout == "begun\n"
