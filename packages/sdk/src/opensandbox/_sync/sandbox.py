# Generated from packages/sdk/src/opensandbox/_async/sandbox.py by tools/unasync.py; do not edit.
"""`Sandbox`: one sandbox, however it was got, and the way into everything in it."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Mapping
from types import TracebackType
from typing import Final, Self

from opensandbox._acompat import finish, sleep
from opensandbox._sync import metrics
from opensandbox._sync.commands import Commands
from opensandbox._sync.files import Files
from opensandbox._sync.providers.docker import DockerDaemon
from opensandbox._sync.providers.local import LocalDaemon
from opensandbox._sync.run import SyncRuns
from opensandbox._sync.transport import HttpTransport
from opensandbox._core import calls, decode
from opensandbox._core.config import Config, configure
from opensandbox._core.container import blueprint
from opensandbox._core.metrics import watch
from opensandbox.exceptions import (
    ExecdNotReadyException,
    NotFoundException,
    SandboxConnectionException,
    SandboxException,
)
from opensandbox.results import Metrics, Version
from opensandbox.transport import SyncTransport

_READY_POLL_S: Final = 0.05
_READY_POLL_LONGEST_S: Final = 1.0
_LOCAL_READY_S: Final = 15.0
_CLOSING_S: Final = 15.0


class SandboxSync:
    """A sandbox to run commands in; made by `local`, `docker` or `connect`, used in `async with`.

    Leaving the block stops what was started in it: interrupts foreground runs, and ends a local sandbox or a container
    altogether.
    """

    commands: Commands
    """Run a command, watch it, talk to it, stop it."""
    files: Files
    """Write and read files, look at what is there."""
    transport: SyncTransport
    """What carries requests to the daemon; packages built on this one use it."""
    runs: SyncRuns
    """What is being read of runs; packages built on this one read theirs through it, so that leaving stops them too."""

    def __init__(
        self,
        transport: SyncTransport,
        *,
        endpoint: str = "http://localhost",
        daemon: LocalDaemon | DockerDaemon | None = None,
    ) -> None:
        self.transport = transport
        self.runs = SyncRuns(transport)
        self.commands = Commands(transport, self.runs)
        self.files = Files(transport, endpoint)
        self._endpoint = endpoint
        self._daemon = daemon

    @classmethod
    def local(cls, working_dir: str | None = None, *, envs: Mapping[str, str] | None = None) -> SandboxSync:
        """Start a daemon of one's own on this machine. This is NOT isolation: commands run as the calling user.

        `working_dir` is where commands run; without it a fresh private directory that is removed at the end. Commands
        see PATH, HOME, LANG, TERM, TZ and `envs`, and nothing else of the caller's environment. Linux only; needs the
        daemon installed (`pip install 'execd-sdk[local]'`). Raises `ExecdNotReadyException` when it does not start.

        Example:
            >>> with SandboxSync.local() as sandbox:  # doctest: +SKIP
            ...     print((sandbox.commands.run("echo hi")).stdout)
        """
        daemon = LocalDaemon.start(working_dir=working_dir, envs=envs or {}, environ=os.environ)
        try:
            return cls._open(daemon.config, ready_timeout=_LOCAL_READY_S, daemon=daemon)
        except BaseException:
            finish(daemon.close, grace=_CLOSING_S)
            raise

    @classmethod
    def docker(
        cls,
        image: str,
        *,
        envs: Mapping[str, str] | None = None,
        memory: int | str | None = None,
        cpus: float | None = None,
        pids_limit: int | None = None,
        volumes: Mapping[str, str | tuple[str, str]] | None = None,
        working_dir: str | None = None,
        user: str | None = None,
        network: str | None = None,
        labels: Mapping[str, str] | None = None,
        ready_timeout: float = 60,
        lease: float = 60,
    ) -> SandboxSync:
        """Start a container of an image that runs the daemon, pulled if it is missing; it is removed at the end.

        `memory` is bytes or as in `"512m"`, without swap beside it; `volumes` maps a directory here, or a volume's
        name, to a place inside or to `(place, "ro")`. Its port is published on this machine's loopback only. The token
        is fresh; whoever may ask the engine sees it in the container's environment, and could do all that anyway.

        A client that is killed, or stands still for `lease` seconds, loses it: the daemon then ends, up to 5 s later,
        and the engine removes the container. A client that lives keeps it, blocked event loop or not.

        Needs an engine on this machine and `pip install 'execd-sdk[docker]'`. Raises `ExecdNotReadyException` when
        either is missing, or when the container ends or is not ready within `ready_timeout` seconds of its start, and
        leaves none behind.

        Example:
            >>> with SandboxSync.docker("execd:dev", memory="512m") as sandbox:  # doctest: +SKIP
            ...     print((sandbox.commands.run("hostname")).stdout)
        """
        wanted = blueprint(
            image,
            envs=envs,
            memory=memory,
            cpus=cpus,
            pids_limit=pids_limit,
            volumes=volumes,
            working_dir=working_dir,
            user=user,
            network=network,
            labels=labels,
            lease=lease,
        )
        daemon = DockerDaemon.start(wanted)
        try:
            return cls._open(daemon.config, ready_timeout=ready_timeout, daemon=daemon)
        except BaseException:
            finish(daemon.close, grace=_CLOSING_S)
            raise

    @classmethod
    def connect(
        cls,
        endpoint: str | None = None,
        *,
        access_token: str | None = None,
        headers: Mapping[str, str] | None = None,
        ready_timeout: float = 30,
    ) -> SandboxSync:
        """Connect to a running daemon, by default to that of EXECD_ENDPOINT with EXECD_ACCESS_TOKEN.

        Waits up to `ready_timeout` seconds until it takes work, then raises `ExecdNotReadyException`. A wrong token
        raises `UnauthorizedException` here. `endpoint` begins with `http://` or `https://`, or is
        `http+unix://<percent-encoded path>`.

        Example:
            >>> with SandboxSync.connect("http://host:44772") as sandbox:  # doctest: +SKIP
            ...     sandbox.is_healthy()
        """
        config = configure(endpoint, access_token=access_token, headers=headers, environ=os.environ)
        return cls._open(config, ready_timeout=ready_timeout)

    @classmethod
    def _open(
        cls, config: Config, *, ready_timeout: float, daemon: LocalDaemon | DockerDaemon | None = None
    ) -> SandboxSync:
        is_gone = (lambda: False) if daemon is None else daemon.is_gone
        transport = HttpTransport(config, is_gone=is_gone)
        sandbox = cls(transport, endpoint=config.endpoint.url, daemon=daemon)
        try:
            sandbox._wait_until_ready(ready_timeout)
            transport.features = (sandbox.version()).features
        except BaseException:
            finish(transport.close, grace=_CLOSING_S)
            raise
        return sandbox

    def get_endpoint(self, port: int | None = None) -> str:
        """Return the daemon's base URL, or with `port` the URL of a port inside the sandbox."""
        if port is None:
            return self._endpoint
        calls.require(self.transport.features, "proxy")
        return f"{self._endpoint}/proxy/{port}"

    def is_healthy(self) -> bool:
        """Whether the daemon answers."""
        try:
            self.transport.send(calls.probe("/ping"))
        except SandboxException:
            return False
        return True

    def version(self) -> Version:
        """Ask the daemon for its version and features; one that cannot tell has none."""
        try:
            reply = self.transport.send(calls.version())
        except NotFoundException:
            return Version()
        return decode.version(reply.body)

    def get_metrics(self) -> Metrics:
        """Tell what the sandbox uses right now, and of how much.

        Example:
            >>> metrics = sandbox.get_metrics()  # doctest: +SKIP
            >>> metrics.cpu_percent, metrics.memory_used_in_mib  # doctest: +SKIP
            (12.5, 310.25)
        """
        return metrics.snapshot(self.transport)

    def watch_metrics(self, *, interval: float = 1.0) -> Generator[Metrics, None]:
        """Tell what the sandbox uses at once and then each `interval` seconds, until you leave the loop.

        `interval` may be 0.1 to 86,400. Raises `ShuttingDownException` when the daemon goes down.

        Example:
            >>> for metrics in sandbox.watch_metrics():  # doctest: +SKIP
            ...     print(metrics.memory_percent)
        """
        return metrics.watch(self.transport, watch(interval))

    def close(self) -> None:
        """Stop what was started here, and close; more than once does no harm."""
        try:
            if self._daemon is None:
                self.runs.close()
        finally:
            try:
                self.transport.close()
            finally:
                if self._daemon is not None:
                    self._daemon.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        finish(self.close, grace=_CLOSING_S)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.get_endpoint()!r})"

    def _wait_until_ready(self, ready_timeout: float) -> None:
        began = time.monotonic()
        pause = _READY_POLL_S
        while (fault := self._not_ready()) is not None:
            waited = time.monotonic() - began
            if self._daemon is not None and self._daemon.is_gone():
                raise ExecdNotReadyException(f"the daemon ended before it was ready: {self._daemon.last_words()}")
            if waited + pause > ready_timeout:
                raise _not_ready_in_time(self.get_endpoint(), waited, fault) from fault
            sleep(pause)
            pause = min(pause * 1.5, _READY_POLL_LONGEST_S)

    def _not_ready(self) -> SandboxException | None:
        """Return what keeps the daemon from taking work; one without `/ready` is ready when it answers."""
        try:
            try:
                self.transport.send(calls.probe("/ready"))
            except NotFoundException:
                self.transport.send(calls.probe("/ping"))
        except SandboxConnectionException as fault:
            return fault
        except SandboxException as fault:
            if getattr(fault, "status_code", 0) < 500:
                raise
            return fault
        return None


def _not_ready_in_time(endpoint: str, waited: float, fault: SandboxException) -> ExecdNotReadyException:
    waiting_for = fault.error.details.get("waiting_for")
    why = f"still waiting for {', '.join(map(str, waiting_for))}" if isinstance(waiting_for, list) else str(fault)
    return ExecdNotReadyException(
        f"the daemon at {endpoint} was not ready after {waited:.1f} s: {why}",
        details={"waited_s": round(waited, 3), **({} if waiting_for is None else {"waiting_for": waiting_for})},
    )
