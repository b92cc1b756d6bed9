"""One child process and its group, from spawn to reap; the only importer of subprocess.

Nobody waits for a child in any other way, or for one that is not theirs. The exit is told by the pidfd and looked at
without reaping; the child is reaped last, and until then, a zombie, it keeps its group's number from being given away.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from execd.process.descriptors import with_inherited
from execd.process.states import Exit
from execd.users import Identity

_OOM_STEP: Final = 500
"""How much more willingly the kernel's memory killer takes a program than the daemon (of at most 1000)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start: without an `executable`, `argv[0]` is looked up in the PATH of its own environment."""

    argv: Sequence[str]
    environment: dict[str, str]
    directory: str
    executable: str | None = None
    identity: Identity | None = None
    stdin: bool = False
    passed: tuple[int, ...] = ()
    """Descriptors that it gets under the same numbers."""
    doors: tuple[int, ...] = ()
    """Descriptors to which it writes 0 before it becomes the program: the way into its control groups."""


class Child:
    """A started process, leader of its own session and group, and our ends of its pipes (non-blocking)."""

    __slots__ = ("pid", "pidfd", "stderr", "stdin", "stdout")

    def __init__(self, pid: int, pidfd: int, *, stdin: int | None, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr

    def exit(self) -> Exit | None:
        """Return how the process ended, None while it lives; it stays to be reaped."""
        info = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if info is None:
            return None
        return Exit(info.si_status) if info.si_code == os.CLD_EXITED else Exit(signal=_signal_name(info.si_status))

    def stopped(self) -> str | None:
        """Return the signal that has stopped the process, None while it goes on or when it has ended."""
        try:
            info = os.waitid(os.P_PIDFD, self.pidfd, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return None
        return None if info is None else _signal_name(info.si_status)

    def signal_group(self, number: int) -> None:
        """Send a signal to the whole group; who may not be signalled is left out. Not after `reap`."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def reap(self) -> None:
        """Let the kernel forget the process, which must have ended."""
        os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        os.close(self.pidfd)


def spawn(program: Program) -> Child:
    """Start a program; raises `OSError` with the errno of whatever failed: a pipe, the directory, the exec.

    Popen uses vfork as long as it has no `preexec_fn` and no other user to become: the cost does not grow with the
    daemon's memory. For another user, or into a control group, it forks: 3 ms instead of 1 at 40 MB, 8 ms at 150 MB (an
    interpreter of its own as a helper costs 10 ms at any size, and setpriv, at 2.5 ms, cannot tell why an exec failed).
    """
    opened: list[int] = []
    try:
        out, out_theirs = _pipe(opened)
        err, err_theirs = _pipe(opened)
        take, give = _pipe(opened) if program.stdin else (subprocess.DEVNULL, None)
        pid = with_inherited(lambda: _popen(program, take, out_theirs, err_theirs), lowest_free=max(opened))
        pidfd = _pidfd(pid)
    except BaseException:
        _close(opened)
        raise
    ours = {out, err} if give is None else {out, err, give}
    _close(set(opened) - ours)
    for descriptor in ours:
        os.set_blocking(descriptor, False)
    _offer_to_memory_killer(pid)
    return Child(pid, pidfd, stdin=give, stdout=out, stderr=err)


def _pipe(opened: list[int]) -> tuple[int, int]:
    reading, writing = os.pipe()
    opened += (reading, writing)
    return reading, writing


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _popen(program: Program, stdin: int, stdout: int, stderr: int) -> int:
    who = program.identity if program.identity and program.identity.foreign else None
    enters = bool(program.doors)
    try:
        popen = subprocess.Popen(
            program.argv,
            executable=program.executable,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=program.directory,
            env=program.environment,
            close_fds=True,
            pass_fds=program.passed,
            start_new_session=True,
            preexec_fn=_entering(program.doors, who) if enters else None,  # noqa: PLW1509 - only system calls
            user=who.uid if who and not enters else None,
            group=who.gid if who and not enters else None,
            extra_groups=who.groups if who and not enters else None,
        )
    except subprocess.SubprocessError as failure:  # In the child, before the exec.
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), "its control group or user") from failure
    # Popen believes that it has seen the end: left to itself it would wait for the child when it is collected.
    popen.returncode = 0
    return popen.pid


def _entering(doors: Sequence[int], who: Identity | None) -> Callable[[], None]:
    """Return what the child does before it becomes the program: first into its groups, which another user may not."""

    def enter() -> None:
        for door in doors:
            os.write(door, b"0")
        # Before it forks: else its leader would be killed for what its children have taken.
        _offer_to_memory_killer(os.getpid())
        if who is not None:
            os.setgroups(who.groups)
            os.setresgid(who.gid, who.gid, who.gid)
            os.setresuid(who.uid, who.uid, who.uid)

    return enter


def _pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.killpg(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED)
        raise


def _offer_to_memory_killer(pid: int) -> None:
    with suppress(OSError):
        descriptor = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY)
        try:
            os.write(descriptor, _oom_score())
        finally:
            os.close(descriptor)


@cache
def _oom_score() -> bytes:
    with open("/proc/self/oom_score_adj", "rb") as own:
        return b"%d" % min(1000, int(own.read()) + _OOM_STEP)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
