from __future__ import annotations

import errno
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from execd.process.child import Child, Program, spawn
from execd.process.states import Exit
from execd.users import Identity

from .rooms import descriptors, own_zombies

PATH = {"PATH": "/usr/bin:/bin"}


def start(*argv: str, **fields: Any) -> Child:
    return spawn(Program(**{"argv": argv, "environment": PATH, "directory": "/", **fields}))


def finish(child: Child) -> tuple[Exit, str]:
    """Return how it ended and its standard output, and forget it."""
    assert select.select([child.pidfd], [], [], 20)[0]
    exit_ = child.exit()
    assert exit_
    os.set_blocking(child.stdout, True)
    with open(child.stdout, "rb") as out, open(child.stderr, "rb"):
        text = out.read().decode()
    if child.stdin is not None:
        os.close(child.stdin)
    child.reap()
    return exit_, text


@pytest.mark.parametrize("code", [0, 1, 255])
def test_an_exit_is_a_code(code: int) -> None:
    assert finish(start("sh", "-c", f"exit {code}"))[0] == Exit(code)


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGSEGV, "SIGSEGV"), (37, "SIGRTMIN+3"), (64, "SIGRTMAX")]
)
def test_a_death_is_a_name(number: int, name: str) -> None:
    assert finish(start("sh", "-c", f"kill -{int(number)} $$; sleep 5"))[0] == Exit(signal=name)


def test_a_child_stays_a_zombie_until_it_is_reaped() -> None:
    child = start("true")
    select.select([child.pidfd], [], [], 20)
    assert child.exit() == child.exit() == Exit(0)
    assert own_zombies() == [child.pid]
    finish(child)
    assert own_zombies() == []


def test_a_living_child_has_no_exit() -> None:
    child = start("sleep", "600")
    assert child.exit() is None
    child.signal_group(signal.SIGKILL)
    assert finish(child)[0] == Exit(signal="SIGKILL")


def test_a_child_leads_its_own_session_and_group() -> None:
    child = start("sh", "-c", "ps -o pid=,pgid=,sid= -p $$ 2>/dev/null || cut -d' ' -f1,5,6 /proc/$$/stat")
    assert set(finish(child)[1].split()) == {str(child.pid)}


def test_the_group_is_signalled_with_its_leader_gone() -> None:
    child = start("sh", "-c", "sleep 600 & echo $!")
    select.select([child.pidfd], [], [], 20)
    survivor = os.pidfd_open(int(os.read(child.stdout, 100)))
    child.signal_group(signal.SIGKILL)
    assert select.select([survivor], [], [], 20)[0]
    os.close(survivor)
    finish(child)


def _script(directory: Path, name: str, text: str, mode: int) -> str:
    path = directory / name
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    ("argv", "number"),
    [
        (lambda _: ["no such program"], errno.ENOENT),
        (lambda _: ["/no/such/program"], errno.ENOENT),
        (lambda _: ["/"], errno.EACCES),
        (lambda directory: [_script(directory, "plain", "true", 0o644)], errno.EACCES),
        (lambda directory: [_script(directory, "nonsense", "\x7f nonsense", 0o755)], errno.ENOEXEC),
        (lambda directory: [_script(directory, "orphan", "#!/no/such/interpreter\n", 0o755)], errno.ENOENT),
        (lambda _: ["echo", "x" * 200_000], errno.E2BIG),
        (lambda _: ["/bin/sh/x"], errno.ENOTDIR),
    ],
)
def test_a_program_that_cannot_be_started_tells_why_and_leaves_nothing(
    tmp_path: Path, argv: Callable[[Path], list[str]], number: int
) -> None:
    before = descriptors()
    with pytest.raises(OSError, match=rf"Errno {number}\b"):
        start(*argv(tmp_path), stdin=True)
    assert descriptors() == before
    assert own_zombies() == []


def test_a_directory_that_cannot_be_entered_tells_why() -> None:
    with pytest.raises(FileNotFoundError) as failure:
        start("true", directory="/no/such/directory")
    assert failure.value.filename == "/no/such/directory"


def test_without_descriptors_nothing_is_started_and_nothing_is_lost() -> None:
    with filled_gaps():
        _without_descriptors()


@contextmanager
def filled_gaps() -> Iterator[None]:
    """Leave no descriptor free below the highest one: the limit is one of numbers."""
    filling: list[int] = []
    highest = max(map(int, os.listdir("/proc/self/fd")))
    while not filling or filling[-1] < highest:
        filling.append(os.open("/dev/null", os.O_RDONLY))
    try:
        yield
    finally:
        for descriptor in filling:
            os.close(descriptor)


def _without_descriptors() -> None:
    before = descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    started: list[Child | None] = []
    for spare in range(1, 12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (before + spare, hard))
        try:
            started.append(child := _started())
            if child:
                child.signal_group(signal.SIGKILL)
                finish(child)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert descriptors() == before
        assert own_zombies() == []
    assert started[0] is None
    assert started[-1] is not None


def running(name: str) -> list[int]:
    """Return this process's living children of a name."""
    found = subprocess.run(["pgrep", "-x", "-P", str(os.getpid()), name], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def test_a_child_that_cannot_be_watched_is_not_left_running(monkeypatch: pytest.MonkeyPatch) -> None:
    before = descriptors()

    def refuse(_: int) -> int:
        raise OSError(errno.EMFILE, "planted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pidfd_open", refuse)
        with pytest.raises(OSError, match="planted"):
            start("sleep", "600")
    assert descriptors() == before
    assert own_zombies() == []
    assert running("sleep") == []


def _started() -> Child | None:
    with suppress(OSError):
        return start("sleep", "600", stdin=True)
    return None


def test_a_program_is_looked_up_in_the_path_of_its_own_environment(tmp_path: Path) -> None:
    _script(tmp_path, "greet", "#!/bin/sh\necho hello", 0o755)
    assert finish(start("greet", environment={"PATH": str(tmp_path)}))[1] == "hello\n"
    with pytest.raises(FileNotFoundError):
        start("greet")


def test_a_child_has_the_environment_it_was_given_and_no_other() -> None:
    assert finish(start("/usr/bin/env", environment={"ONLY": "this"}))[1] == "ONLY=this\n"


def test_spawning_does_not_copy_the_daemon() -> None:
    # After a fork every page that is written again is copied first; after a vfork none is.
    pages = 20_000
    memory = bytearray(pages * 4096)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    child = start("true", stdin=True)
    for at in range(0, len(memory), 4096):
        memory[at] = 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < pages // 10
    finish(child)


def test_the_memory_killer_prefers_programs_to_the_daemon() -> None:
    own = int(Path("/proc/self/oom_score_adj").read_text())
    child = start("sh", "-c", "read x; cat /proc/self/oom_score_adj", stdin=True)
    os.write(child.stdin or -1, b"\n")
    assert int(finish(child)[1]) > own


def test_popen_does_not_wait_for_what_it_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    # A Popen that is collected before its child has ended would later take the exit away.
    child = start("sh", "-c", "read x; exit 5", stdin=True)
    assert not vars(subprocess)["_active"]
    start_another = start("true")
    os.write(child.stdin or -1, b"\n")
    assert finish(child)[0] == Exit(5)
    finish(start_another)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user_gets_exactly_the_ids_it_was_given() -> None:
    who = Identity(uid=12345, gid=23456, groups=(34567, 45678))
    shown = finish(start("sh", "-c", "id -u; id -g; id -G", identity=who))[1]
    assert shown.split() == ["12345", "23456", "23456", "34567", "45678"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_an_exec_that_another_user_may_not_do_tells_why(tmp_path: Path) -> None:
    program = _script(tmp_path, "own", "#!/bin/sh\n", 0o700)
    tmp_path.chmod(0o755)
    with pytest.raises(PermissionError) as failure:
        start(program, identity=Identity(uid=12345, gid=23456))
    assert failure.value.errno == errno.EACCES


def test_an_identity_that_is_the_daemon_s_own_changes_nothing() -> None:
    own = Identity(uid=os.geteuid(), gid=os.getegid(), foreign=False)
    assert finish(start("id", "-u", identity=own))[1].strip() == str(os.geteuid())


def test_python_children_see_the_default_for_sigpipe() -> None:
    code = "import signal; print(signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN)"
    shown = finish(start(sys.executable, "-I", "-c", f"{code}\nprint(open('/proc/self/status').read())"))[1]
    ignored = next(line for line in shown.splitlines() if line.startswith("SigIgn"))
    assert int(ignored.split()[1], 16) & 1 << (signal.SIGXFSZ - 1)  # Python's own doing, as for SIGPIPE.
