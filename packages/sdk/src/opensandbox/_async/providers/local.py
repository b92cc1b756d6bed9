"""A daemon of one's own on this machine, which ends with whoever started it. Not isolation.

Its lifeline is a pidfd of this process: it tells of our death whatever the cause, and unlike a pipe it does not live on
in our forks.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Final

from opensandbox._acompat import afinish, ain_thread, areadable
from opensandbox._core import local
from opensandbox._core.arguments import environment
from opensandbox._core.config import Config, configure, unix_endpoint
from opensandbox.exceptions import ExecdNotReadyException

_READY_WITHIN_S: Final = 30.0
_STOP_WITHIN_S: Final = 10.0
"""The daemon's kill grace and its own last resort, and some."""
_LAST_WORDS_S: Final = 1.0
"""How long a daemon that closes its output may take to end, and its log to be read."""
_READ: Final = 65536
_TAIL_LINES: Final = 20


class LocalDaemon:
    """A running daemon and the directory that was made for it."""

    def __init__(self, process: subprocess.Popen[bytes], config: Config, *, directory: str | None) -> None:
        stdout, stderr = process.stdout, process.stderr
        assert stdout is not None and stderr is not None  # noqa: S101, PT018 - both were asked for as pipes
        self.config = config
        self._process = process
        self._directory = directory
        self._stdout = stdout
        self._tail: deque[bytes] = deque(maxlen=_TAIL_LINES)
        # A full pipe would stop the daemon's log, so somebody reads it for as long as the daemon lives.
        self._reading = threading.Thread(target=self._keep_tail, args=(stderr,), daemon=True)
        self._reading.start()

    @classmethod
    async def start(
        cls, *, working_dir: str | None, envs: Mapping[str, str], environ: Mapping[str, str]
    ) -> LocalDaemon:
        """Start a daemon and wait until it listens."""
        daemon = cls._spawn(working_dir, environment(envs) or {}, environ)
        try:
            await daemon._wait_until_ready()  # noqa: SLF001 - its own maker
        except BaseException:
            await afinish(daemon.aclose, grace=_STOP_WITHIN_S)
            raise
        return daemon

    @classmethod
    def _spawn(cls, working_dir: str | None, envs: Mapping[str, str], environ: Mapping[str, str]) -> LocalDaemon:
        _check_possible()
        if working_dir is not None and not os.path.isdir(working_dir):
            raise ValueError(f"working_dir is not a directory: {working_dir!r}")
        socket = _socket_path(environ)
        token = secrets.token_urlsafe(32)
        directory = None if working_dir is not None else _make_working_dir(environ)
        where = os.path.abspath(working_dir or directory or ".")
        try:
            process = _popen(
                where, socket=socket, environment=local.daemon_environment(environ, envs=envs, token=token)
            )
        except BaseException:
            _remove(directory)
            raise
        config = configure(unix_endpoint(socket), access_token=token, headers=None, environ={})
        return cls(process, config, directory=directory)

    def is_gone(self) -> bool:
        """Whether the daemon has ended."""
        return self._process.poll() is not None

    def last_words(self) -> str:
        """Tell what it said last."""
        return b"".join(self._tail).decode("utf-8", "replace").strip()

    async def aclose(self) -> None:
        """End the daemon and everything in it, and remove the directory that was made for it."""
        if self._process.poll() is None:
            self._process.terminate()
            if not await self._ends_within(_STOP_WITHIN_S):
                self._process.kill()
                await self._ends_within(_STOP_WITHIN_S)
        self._process.wait(_STOP_WITHIN_S)
        self._reading.join(_LAST_WORDS_S)
        self._stdout.close()
        if self.config.endpoint.uds is not None:
            with suppress(OSError):  # it is gone already, unless the daemon was killed
                os.unlink(self.config.endpoint.uds)
        await ain_thread(_remove, self._directory)

    async def _ends_within(self, seconds: float) -> bool:
        # Not reaped by anybody else, so the number still means our child.
        pidfd = os.pidfd_open(self._process.pid)
        try:
            return await areadable(pidfd, timeout=seconds)
        finally:
            os.close(pidfd)

    async def _wait_until_ready(self) -> None:
        descriptor = self._stdout.fileno()
        said = b""
        give_up = time.monotonic() + _READY_WITHIN_S
        while (told := local.ready_line(said)) is None:
            if not await areadable(descriptor, timeout=max(0.0, give_up - time.monotonic())):
                raise self._did_not_start(f"it did not say that it is ready in {_READY_WITHIN_S:.0f} s")
            more = os.read(descriptor, _READ)
            if not more:
                await self._ends_within(_LAST_WORDS_S)
                raise self._did_not_start("it ended")
            said += more
        if told.get("event") != "ready":
            raise self._did_not_start(f"it said {said[:200]!r}")

    def _did_not_start(self, why: str) -> ExecdNotReadyException:
        if self._process.poll() is not None:
            self._reading.join(_LAST_WORDS_S)
        tail = self.last_words()
        return ExecdNotReadyException(
            f"the local daemon did not start: {why}{': ' if tail else ''}{tail}",
            details={"stderr": tail, "exit_code": self._process.poll()},
        )

    def _keep_tail(self, stderr: IO[bytes]) -> None:
        with stderr:
            self._tail.extend(stderr)


def _popen(working_dir: str, *, socket: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    lifeline = os.pidfd_open(os.getpid())
    try:
        return subprocess.Popen(
            local.daemon_arguments(sys.executable, socket=socket, lifeline=lifeline, working_dir=working_dir),
            env=environment,
            cwd=working_dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(lifeline,),
            start_new_session=True,  # a Ctrl-C at the caller's terminal is the caller's to translate
        )
    finally:
        os.close(lifeline)


def _check_possible() -> None:
    if sys.platform != "linux":
        raise ExecdNotReadyException("Sandbox.local() works on Linux only; use Sandbox.connect() elsewhere")
    if importlib.util.find_spec("execd") is None:
        raise ExecdNotReadyException(
            "Sandbox.local() needs the daemon, which is not installed: pip install 'execd-sdk[local]'"
        )


def _socket_path(environ: Mapping[str, str]) -> str:
    name = f"{os.getpid()}-{secrets.token_hex(4)}.sock"
    tried: list[str] = []
    for directory in local.private_directories(environ):
        path = os.path.join(directory, name)
        if not local.fits_socket(path):
            tried.append(f"{directory} (too long for a socket)")
        elif _is_private(directory):
            return path
        else:
            tried.append(f"{directory} (cannot be written)")
    places = ", ".join(tried) or "none: XDG_RUNTIME_DIR, XDG_STATE_HOME and HOME are unset"
    raise ExecdNotReadyException(f"no place for the daemon's socket; tried {places}")


def _make_working_dir(environ: Mapping[str, str]) -> str:
    # The runtime directory is memory, so the last choice comes first.
    for directory in reversed(local.private_directories(environ)):
        if _is_private(directory):
            return tempfile.mkdtemp(prefix="work-", dir=directory)
    return tempfile.mkdtemp(prefix="opensandbox-")


def _is_private(directory: str) -> bool:
    """Make a directory if it is missing, and tell whether it is ours and nobody else can write there."""
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        found = os.stat(directory)
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022 and os.access(directory, os.W_OK | os.X_OK)


def _remove(directory: str | None) -> None:
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)
