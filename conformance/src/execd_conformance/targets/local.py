"""Daemons on this machine, each a process of its own with a private directory; they end with the suite.

A daemon's lifeline is a pipe whose other end only this process has: when the suite is killed, it closes.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from execd_conformance.targets import Place, Unreachable

_READY_WITHIN_S: Final = 30.0
_STOP_WITHIN_S: Final = 10.0
_LOG_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class LocalDaemon:
    """A running daemon, its pipes and its directory."""

    process: subprocess.Popen[bytes]
    directory: str
    lifeline: int
    token: str | None
    place: Place = field(init=False)
    _said: bytes = b""
    _logged: bytes = b""
    _readers: list[threading.Thread] = field(default_factory=list)
    _told: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Read what it says for as long as it lives: a full pipe would hold it up."""
        self.place = Place(url="", token=self.token)
        self._readers = [threading.Thread(target=each, daemon=True) for each in (self._read_said, self._read_log)]
        for reader in self._readers:
            reader.start()

    def await_ready(self) -> None:
        """Wait for the line that says that it listens."""
        self._told.wait(_READY_WITHIN_S)
        try:
            line = json.loads(self._said.partition(b"\n")[0])
            url = str(line["url"])
        except (ValueError, KeyError, TypeError):
            raise Unreachable(f"execd did not say that it is ready: {self._last_words()}") from None
        facts = {"pid": str(line.get("pid", self.process.pid)), "guard": str(self.process.pid)}
        facts |= {"root": f"{self.directory}/root", "state_dir": f"{self.directory}/state"}
        self.place = Place(url=url.rstrip("/"), token=self.token, facts=facts)

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.terminate()

    def kill(self) -> None:
        """End it without asking."""
        self.process.kill()

    def wait(self, limit_s: float) -> int:
        """Wait for its end and return its exit status."""
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"the daemon did not end within {limit_s:.0f} s") from None

    def log(self) -> str:
        """Return what it has logged so far."""
        if self.process.poll() is not None:
            self._readers[1].join(1.0)
        return self._logged.decode("utf-8", "replace")

    def close(self) -> None:
        """End it, and remove its directory."""
        with suppress(OSError):
            os.close(self.lifeline)
        self.lifeline = -1
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(_STOP_WITHIN_S)
        for reader, pipe in zip(self._readers, (self.process.stdout, self.process.stderr), strict=True):
            reader.join(1.0)
            # Something that was left behind may hold its other end; whoever reads it still has the lock then.
            if pipe is not None and not reader.is_alive():
                pipe.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _read_said(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        while data := self.process.stdout.read1(65536):  # type: ignore[attr-defined]
            self._said = (self._said + data)[:65536]
            if b"\n" in self._said:
                self._told.set()
        self._told.set()

    def _read_log(self) -> None:
        assert self.process.stderr is not None  # noqa: S101 - it was asked for
        while data := self.process.stderr.read1(65536):  # type: ignore[attr-defined]
            self._logged = (self._logged + data)[-_LOG_BYTES:]

    def _last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        lines = self.log().strip().splitlines()
        return lines[-1] if lines else f"status {self.process.poll()}, and it said nothing"


class LocalTarget:
    """Daemons started here."""

    offers: frozenset[str] = frozenset({"start", "host"})

    def __init__(self, *, execd: str | None = None) -> None:
        self._command = [sys.executable, "-m", "execd"] if execd is None else [execd]

    def start(self, settings: Mapping[str, str], *, token: str | None) -> LocalDaemon:
        """Start one and wait until it listens."""
        daemon = self._spawn(settings, token)
        try:
            daemon.await_ready()
        except BaseException:
            daemon.close()
            raise
        return daemon

    def refused(self, settings: Mapping[str, str], *, token: str | None) -> tuple[int, str]:
        """Start one that ends at once."""
        daemon = self._spawn(settings, token)
        try:
            status = daemon.wait(_READY_WITHIN_S)
            return status, daemon.log()
        except TimeoutError:
            raise Unreachable("a daemon that was to refuse its settings runs") from None
        finally:
            daemon.close()

    def _spawn(self, settings: Mapping[str, str], token: str | None) -> LocalDaemon:
        directory = tempfile.mkdtemp(prefix="execd-conformance-")
        for name in ("root", "state"):
            os.mkdir(f"{directory}/{name}")
        watched, lifeline = os.pipe()
        os.set_inheritable(watched, True)
        try:
            process = subprocess.Popen(
                [*self._command, "serve"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=f"{directory}/root",
                env=_environment(settings, token, directory, watched),
                pass_fds=(watched,),
            )
        except OSError as fault:
            os.close(lifeline)
            shutil.rmtree(directory, ignore_errors=True)
            raise Unreachable(f"cannot run {self._command[0]}: {fault.strerror}") from None
        finally:
            os.close(watched)
        return LocalDaemon(process, directory, lifeline, token)


def _environment(settings: Mapping[str, str], token: str | None, directory: str, lifeline: int) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("EXECD_")}
    ours |= {"EXECD_PORT": "0", "EXECD_HOST": "127.0.0.1", "EXECD_STATE_DIR": f"{directory}/state"}
    ours |= {"EXECD_WORKING_ROOT": f"{directory}/root", "EXECD_LIFELINE_FD": str(lifeline)}
    return ours | ({} if token is None else {"EXECD_ACCESS_TOKEN": token}) | dict(settings)


def new_token() -> str:
    """Return a token that nobody else has."""
    return secrets.token_urlsafe(24)
