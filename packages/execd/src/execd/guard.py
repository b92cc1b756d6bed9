"""The daemon's parent: keeps the token out of sight, forwards signals, reaps orphans, and leaves nothing running.

It must stay small and alive, so it imports next to nothing and decides next to nothing. Before it forks it takes the
access token out of its environment and arguments and executes itself anew, because `/proc/PID/environ` and the
process list show what a process was started with. It is a child subreaper: what a run leaves behind becomes its
child, and when the daemon dies, by whatever, everything that descends from it is killed. When the guard itself dies,
a pipe closes in the daemon.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence

TOKEN_FLAG = "--access-token"  # noqa: S105 - a name, not a token
TOKEN_VARIABLE = "EXECD_ACCESS_TOKEN"  # noqa: S105 - likewise
_HANDED_OVER = "EXECD_GUARD_TOKEN_FD"
_LIFELINE = "--lifeline-fd"
_LIFELINE_VARIABLE = "EXECD_LIFELINE_FD"
_PIPE_BYTES = 65536
_LIFELINE_LIMIT_S = 30.0
"""How long the daemon may take to end itself when the lifeline is cut."""
_SWEEP_LIMIT_S = 10.0
"""How long descendants may take to die of SIGKILL; one in uninterruptible sleep is left to the kernel."""
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36


class Handover:
    """What the guard gives to the daemon.

    `guard_fd` becomes readable when the guard is gone; `note(path)` names what the guard removes at the end: a Unix
    socket, or a directory of control groups.
    """

    __slots__ = ("_notes", "argv", "guard_fd", "tokens")

    def __init__(self, argv: Sequence[str], tokens: tuple[str, ...], *, guard_fd: int, notes: int) -> None:
        self.argv = list(argv)
        self.tokens = tokens
        self.guard_fd = guard_fd
        self._notes = notes

    def note(self, path: str) -> None:
        """Ask the guard to remove a socket or a directory of empty directories when everything has ended."""
        os.write(self._notes, os.path.abspath(os.fsencode(path)) + b"\0")


def enter(argv: Sequence[str], serve: Callable[[Handover], int]) -> int:
    """Run `serve` in a child under this process's guard; return, in both, the status to exit with."""
    _drop_coerced_locale()
    handed_over = os.environ.pop(_HANDED_OVER, None)
    flagged, rest = split_tokens(argv)
    token = flagged or os.environ.get(TOKEN_VARIABLE)
    if token:
        if not any(part.strip() for part in token.split(",")):
            print("execd: the access token is blank", file=sys.stderr)
            return 2
        if len(os.fsencode(token)) > _PIPE_BYTES:
            print("execd: the access token is too long", file=sys.stderr)
            return 2
        _again_without(token, rest)
    text = _read_all(int(handed_over)) if handed_over else ""
    _hide_and_adopt()
    return _fork(rest, tuple(part for part in text.split(",") if part), serve)


def _flag(word: str) -> str:
    """Return a flag in its one spelling: the settings take any number of dashes before it, and `_` for `-` within."""
    return f"--{word.lstrip('-').replace('_', '-')}" if word.startswith("-") else word


def _drop_coerced_locale() -> None:
    """Take away the LC_CTYPE that Python sets where the locale is C: commands would see what nobody gave them."""
    # What the process was started with can be read only while it is dumpable.
    try:
        with open("/proc/self/environ", "rb") as given:
            if b"\0LC_CTYPE=" not in b"\0" + given.read():
                os.environ.pop("LC_CTYPE", None)
    except OSError:
        pass


def split_tokens(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the tokens given as flags (joined by commas, None when there is no such flag) and the other arguments."""
    tokens: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if _flag(name) != TOKEN_FLAG:
            rest.append(word)
        elif equals:
            tokens.append(value)
        else:
            following = next(words, None)
            if following is None:
                rest.append(word)  # The settings say what is wrong with it.
            else:
                tokens.append(following)
    return (",".join(tokens) if tokens else None), rest


def _again_without(token: str, argv: list[str]) -> None:
    """Execute this program anew, the token out of its arguments and environment, in a pipe instead."""
    reading, writing = os.pipe()
    os.write(writing, os.fsencode(token))
    os.close(writing)
    os.set_inheritable(reading, True)
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
    environment[_HANDED_OVER] = str(reading)
    own = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv[1:])]
    os.execve(sys.executable, [*own, *argv], environment)


def _read_all(descriptor: int) -> str:
    with open(descriptor, "rb") as pipe:
        return os.fsdecode(pipe.read())


def _hide_and_adopt() -> None:
    # Both are inherited: dumpable by the memory that fork copies, subreaping by whoever descends from here.
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _fork(argv: list[str], tokens: tuple[str, ...], serve: Callable[[Handover], int]) -> int:
    alive, held = os.pipe()
    notes_read, notes = os.pipe()
    spared = descendants(os.getpid())
    # A signal that comes while the two part must be lost in neither: it waits until handlers are there.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*_FORWARDED, signal.SIGCHLD))
    # Whoever starts a PID 1 blocks them for it: the system drops what has no handler there yet.
    before -= {*_FORWARDED, signal.SIGCHLD}
    daemon = os.fork()
    if daemon == 0:
        os.close(held)
        os.close(notes_read)
        _stop_ignoring()
        signal.pthread_sigmask(signal.SIG_SETMASK, {*before, signal.SIGTERM, signal.SIGINT})
        return serve(Handover(argv, tokens, guard_fd=alive, notes=notes))
    os.close(alive)
    os.close(notes)
    status = _watch(daemon, _lifeline(argv), before)
    _sweep(spared)
    _remove_noted(notes_read)
    return status


def _stop_ignoring() -> None:
    # A script's `execd &` starts it with these ignored, and what is ignored stays so in every command. A handler that
    # does nothing is reset by exec. SIGHUP stays as it is: that is what nohup is for.
    for number in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def _lifeline(argv: Sequence[str]) -> int | None:
    value = os.environ.get(_LIFELINE_VARIABLE) or None
    for at, word in enumerate(argv):
        name, equals, inline = word.partition("=")
        if _flag(name) == _LIFELINE:
            value = inline if equals else next(iter(argv[at + 1 :]), None)
    return int(value) if value and value.isascii() and value.isdigit() else None


def _watch(daemon: int, lifeline: int | None, mask: Iterable[int]) -> int:
    """Forward signals and reap until the daemon has ended; return the status to exit with."""
    waking, wake = os.pipe()
    os.set_blocking(waking, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (*_FORWARDED, signal.SIGCHLD):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    poll = select.poll()
    poll.register(waking, select.POLLIN)
    if lifeline is not None:
        _register(poll, lifeline)
    deadline: float | None = None
    while (status := _reap(daemon)) is None:
        ready = poll.poll(None if deadline is None else max(0, deadline - time.monotonic()) * 1000)
        if any(descriptor == lifeline for descriptor, _ in ready):
            poll.unregister(lifeline)  # type: ignore[arg-type]
            deadline = time.monotonic() + _LIFELINE_LIMIT_S
            os.kill(daemon, signal.SIGTERM)
        if deadline is not None and time.monotonic() >= deadline:
            os.kill(daemon, signal.SIGKILL)
            deadline = None
        for caught in _drain(waking):
            if caught != signal.SIGCHLD:
                os.kill(daemon, caught)
    return status


def _register(poll: select.poll, lifeline: int) -> None:
    try:
        os.fstat(lifeline)
    except (OSError, OverflowError):
        return  # The settings of the daemon say that there is no such descriptor.
    poll.register(lifeline, select.POLLIN)


def _drain(pipe: int) -> bytes:
    try:
        return os.read(pipe, 4096)
    except BlockingIOError:
        return b""


def _reap(daemon: int) -> int | None:
    """Reap every child that has ended; return the daemon's status if it was among them (128 + n for a signal)."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == daemon:
            code = os.waitstatus_to_exitcode(status)
            found = code if code >= 0 else 128 - code


def _sweep(spared: set[int]) -> None:
    """Kill every descendant, list them again, until there is none; a blocking wait could hang on one that forks."""
    deadline = time.monotonic() + _SWEEP_LIMIT_S
    own = os.getpid()
    while time.monotonic() < deadline:
        left = descendants(own) - spared
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                spared.add(pid)  # Gone already, or of another user and out of reach.
        _reap(own)
        if not left:
            return
        time.sleep(0.002)


def descendants(root: int) -> set[int]:
    """Return the processes whose chain of parents leads to `root`, zombies included."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    parents[int(name)] = int(stat.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
    found: set[int] = set()
    for pid in parents:
        chain = []
        at = pid
        while at in parents and at != root and at not in found:
            chain.append(at)
            at = parents[at]
        if at == root or at in found:
            found.update(chain)
    return found


def _remove_noted(notes: int) -> None:
    for path in _read_all(notes).split("\0"):
        try:
            if os.path.isdir(path):
                _remove_groups(path)
            elif path:
                os.unlink(path)
        except OSError:
            pass


def _remove_groups(path: str) -> None:
    # A control group is an empty directory, whatever files it shows.
    for entry in list(os.scandir(path)):
        if entry.is_dir(follow_symlinks=False):
            os.rmdir(entry.path)
    os.rmdir(path)
