"""The guard, with real processes: tokens out of sight, status, signals, orphans, and nothing left running."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from execd import guard

LIMIT_S = 20

PROGRAM = """
import json, os, sys
from execd import guard

def serve(handover):
    say = lambda **words: print(json.dumps(words), flush=True)
    say(pid=os.getpid(), argv=handover.argv, tokens=handover.tokens, variables=sorted(os.environ))
    SCENE
    return 0

sys.exit(guard.enter(sys.argv[1:], serve))
"""


class Guarded:
    """A guard and its daemon, which plays one scene."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._unread = b""
        self.said = self.next()

    def next(self) -> dict[str, Any]:
        """Return the next line that the daemon says."""
        assert self.process.stdout
        while b"\n" not in self._unread:
            ready, _, _ = select.select([self.process.stdout], [], [], LIMIT_S)
            assert ready
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said

    def status(self) -> int:
        """Return the guard's status once it has ended."""
        return self.process.wait(LIMIT_S)


@contextlib.contextmanager
def guarded(
    scene: str, *argv: str, env: Mapping[str, str] | None = None, fds: tuple[int, ...] = (), under: tuple[str, ...] = ()
) -> Iterator[Guarded]:
    program = PROGRAM.replace("SCENE", scene.replace("\n", "\n    "))
    process = subprocess.Popen(
        [*under, sys.executable, "-c", program, *argv],
        env={**os.environ, **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=fds,
    )
    try:
        yield Guarded(process)
    finally:
        process.kill()
        process.wait(LIMIT_S)
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()


def until(reached: Callable[[], bool]) -> None:
    """Wait until something is so, with a limit."""
    limit = time.monotonic() + LIMIT_S
    while not reached():
        assert time.monotonic() < limit
        time.sleep(0.005)


def is_running(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def read_proc(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


def test_tokens_are_handed_over_and_stand_nowhere_a_process_listing_shows() -> None:
    secret = "token-from-the-environment"
    with guarded("sys.stdin.read()", "serve", env={"EXECD_ACCESS_TOKEN": f"{secret},second"}) as daemon:
        assert daemon.said["tokens"] == [secret, "second"]
        assert daemon.said["argv"] == ["serve"]
        assert not {"EXECD_ACCESS_TOKEN", "EXECD_GUARD_TOKEN_FD"} & set(daemon.said["variables"])
        for pid in (daemon.process.pid, daemon.said["pid"]):
            assert secret.encode() not in read_proc(pid, "environ") + read_proc(pid, "cmdline")


@pytest.mark.parametrize(
    "flags",
    [["--access-token", "a,b"], ["--access-token=a", "-access-token=b"], ["--access_token", "a", "---access-token=b"]],
)
def test_tokens_given_as_flags_win_over_the_variable_and_leave_the_arguments(flags: list[str]) -> None:
    with guarded("pass", "serve", *flags, "--port", "0", env={"EXECD_ACCESS_TOKEN": "other"}) as daemon:
        assert daemon.said["tokens"] == ["a", "b"]
        assert daemon.said["argv"] == ["serve", "--port", "0"]
        assert daemon.status() == 0


def test_an_empty_flag_does_not_leave_the_variable_in_sight() -> None:
    with guarded("sys.stdin.read()", "--access-token", "", env={"EXECD_ACCESS_TOKEN": "in-sight"}) as daemon:
        assert daemon.said["tokens"] == ["in-sight"]
        assert b"in-sight" not in read_proc(daemon.said["pid"], "environ")


def test_without_a_token_nothing_is_executed_anew() -> None:
    with guarded("pass", env={"EXECD_ACCESS_TOKEN": ""}) as daemon:
        assert daemon.said["tokens"] == []
        assert daemon.status() == 0


def test_another_process_of_the_same_user_cannot_read_guard_or_daemon() -> None:
    # Root reads everything by capabilities: where the tests run as root, nobody here has those.
    under = ("setpriv", "--bounding-set", "-sys_ptrace,-perfmon,-sys_admin") if os.geteuid() == 0 else ()

    def read(pid: int) -> bytes:
        look = [*under, "cat", f"/proc/{pid}/environ"]
        return subprocess.run(look, capture_output=True, check=False, timeout=LIMIT_S).stderr

    with guarded("sys.stdin.read()", env={"EXECD_ACCESS_TOKEN": "t"}, under=under) as daemon:
        assert b"Permission denied" in read(daemon.said["pid"])
        assert b"Permission denied" in read(daemon.process.pid)
    with subprocess.Popen([*under, "sleep", "300"]) as open_to_all:
        try:
            until(lambda: read_proc(open_to_all.pid, "cmdline").startswith(b"sleep"))
            assert read(open_to_all.pid) == b""
        finally:
            open_to_all.kill()


@pytest.mark.parametrize(
    ("scene", "status"), [("return 3", 3), ("os.kill(os.getpid(), 9)", 137), ("os.kill(os.getpid(), 11)", 139)]
)
def test_the_guard_exits_as_the_daemon_ended(scene: str, status: int) -> None:
    with guarded(scene) as daemon:
        assert daemon.status() == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_daemon(number: signal.Signals) -> None:
    block = f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [{number}])"
    scene = f"{block}; say(ready=1); say(got=signal.sigwait([{number}]))"
    with guarded(scene) as daemon:
        assert daemon.next() == {"ready": 1}
        daemon.process.send_signal(number)
        assert daemon.next() == {"got": number}
        assert daemon.status() == 0


def test_a_signal_that_was_blocked_from_the_start_ends_the_daemon_and_is_not_blocked_in_it() -> None:
    scene = "import signal; say(mask=[*signal.pthread_sigmask(0, [])]); signal.pthread_sigmask(1, [15]); signal.pause()"
    with guarded(scene, under=("env", "--block-signal=TERM,HUP")) as one:
        assert signal.SIGHUP not in one.next()["mask"]
        one.process.terminate()
        assert one.status() == 128 + signal.SIGTERM


SPAWN_STRAYS = """
import subprocess
script = "(setsid sh -c 'trap \\"\\" TERM; echo $$; sleep 300 & echo $!; wait' &)"
child = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True)
child.wait()
say(pids=[int(child.stdout.readline()), int(child.stdout.readline())])
"""


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(0)"])
def test_when_the_daemon_is_gone_nothing_of_it_survives(end: str) -> None:
    with guarded(f"{SPAWN_STRAYS}\n{end}") as daemon:
        strays = daemon.next()["pids"]
        daemon.status()
        assert len(strays) == 2
        assert not any(is_running(pid) for pid in strays)


def test_orphans_do_not_stay_zombies() -> None:
    leave_one = "import subprocess; subprocess.run(['sh', '-c', '(sleep 0.05 &)'], check=True)"
    scene = f"{leave_one}; say(left=1); sys.stdin.read()"
    with guarded(scene) as daemon:
        assert daemon.next() == {"left": 1}
        until(lambda: guard.descendants(daemon.process.pid) == {daemon.said["pid"]})


def test_a_daemon_learns_that_its_guard_was_killed() -> None:
    scene = "import select; select.select([handover.guard_fd], [], []); say(alone=True)"
    with guarded(scene) as daemon:
        daemon.process.kill()
        assert daemon.next() == {"alone": True}
        until(lambda: not is_running(daemon.said["pid"]))


def test_the_lifeline_ends_the_daemon_when_the_client_is_gone() -> None:
    with subprocess.Popen(["sleep", "300"]) as client:
        lifeline = os.pidfd_open(client.pid)
        try:
            scene = "import signal; signal.sigwait([signal.SIGTERM]); say(asked=1)"
            with guarded(scene, "--lifeline-fd", str(lifeline), fds=(lifeline,)) as daemon:
                client.kill()
                assert daemon.next() == {"asked": 1}
                assert daemon.status() == 0
        finally:
            os.close(lifeline)
            client.kill()


def test_the_guard_removes_the_socket_that_it_was_told_of(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        with guarded(f"handover.note({str(path)!r}); os.kill(os.getpid(), 9)") as daemon:
            assert daemon.status() == 137
    assert not path.exists()


def test_children_that_were_there_before_are_left_alone() -> None:
    program = "import sys; from execd import guard; sys.exit(guard.enter([], lambda handover: 5))"
    script = f"sleep 300 & echo $!; exec {sys.executable} -c '{program}'"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        helper = int(process.stdout.readline())
        assert process.wait(LIMIT_S) == 5
        assert is_running(helper)
        os.kill(helper, signal.SIGKILL)


def test_what_the_daemon_was_started_to_ignore_its_commands_do_not() -> None:
    look = "subprocess.check_output(['grep', 'SigIgn', '/proc/self/status'], text=True)"
    scene = f"import subprocess; say(status={look})"
    under = ("sh", "-c", "trap '' INT QUIT HUP; exec \"$@\"", "sh")
    with guarded(scene, under=under) as daemon:
        ignored = int(daemon.next()["status"].split()[1], 16)
    asked = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
    assert [number for number in asked if ignored & 1 << (number - 1)] == [signal.SIGHUP]


def test_a_hangup_that_is_ignored_is_not_passed_on() -> None:
    scene = "import signal; signal.signal(signal.SIGHUP, lambda *_: say(hung_up=1)); say(ready=1); sys.stdin.read(1)"
    with guarded(scene, under=("sh", "-c", "trap '' HUP; exec \"$@\"", "sh")) as daemon:
        assert daemon.next() == {"ready": 1}
        daemon.process.send_signal(signal.SIGHUP)
        assert daemon.process.stdin
        daemon.process.stdin.close()
        assert daemon.status() == 0
        assert daemon.process.stdout
        assert daemon.process.stdout.read() == b""


def test_a_blank_token_is_refused_instead_of_opening_the_daemon() -> None:
    program = "import sys; from execd import guard; sys.exit(guard.enter([], lambda handover: 0))"
    environment = {**os.environ, "EXECD_ACCESS_TOKEN": " , "}
    command = [sys.executable, "-c", program]
    refused = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=LIMIT_S)
    assert (refused.returncode, refused.stderr) == (2, b"execd: the access token is blank\n")


def test_the_locale_that_python_makes_up_is_not_handed_on() -> None:
    with guarded("pass", under=("env", "-u", "LANG", "-u", "LC_ALL", "-u", "LC_CTYPE", "LC_ALL=")) as daemon:
        assert "LC_CTYPE" not in daemon.said["variables"]
    with guarded("pass", env={"LC_CTYPE": "C.UTF-8"}) as daemon:
        assert "LC_CTYPE" in daemon.said["variables"]


def test_the_guard_stays_small() -> None:
    with guarded("sys.stdin.read()", env={"EXECD_ACCESS_TOKEN": "t"}) as daemon:
        rollup = read_proc(daemon.process.pid, "smaps_rollup").decode()
        private_kib = sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))
        assert private_kib <= 10 * 1024
