"""Commands: a request is checked, becomes a run, and its program is started."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from execd import users
from execd._wire import DisconnectPolicy, OutputMode, OverflowPolicy, RunCommandRequest, RunInSessionRequest, StdinMode
from execd.errors import AlreadyFinished, CommandNotFound, ExecdError, ExecutionNotFound, InvalidRequestBody
from execd.paths import absolute
from execd.process.child import Program
from execd.process.clearing import clear_group
from execd.process.environment import read_file
from execd.process.limits import Limits
from execd.process.members import MARK
from execd.process.owner import Owner, Terms
from execd.process.sweep import Survey
from execd.runs.registry import Registry
from execd.runs.run import Policy, Run

KIND: Final = "command"
SESSION_KIND: Final = "session_run"
DISCONNECT_GRACE_MS: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """How commands are run: without a `shell` it is bash, else sh; relative directories start at `working_root`."""

    shell: str | None
    working_root: str
    kill_grace_ms: int
    drain_grace_ms: int
    envs_file: str | None


class Commands:
    """Starts commands and interrupts them.

    `environment` is the daemon's own, without secrets. `memory_kills` tells how many processes the kernel has killed
    for want of memory. `root` is the process below which all that is started remains (a subreaper), if there is one.
    Without `limits` no run can have any.
    """

    def __init__(
        self,
        registry: Registry,
        settings: CommandSettings,
        environment: Mapping[str, str],
        *,
        memory_kills: Callable[[], int] = lambda: 0,
        root: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._environment = environment
        self._limits = limits or Limits(dict)
        self._terms = Terms(
            kill_grace_s=settings.kill_grace_ms / 1000,
            drain_grace_s=settings.drain_grace_ms / 1000,
            survey=Survey(root=root),
            memory_kills=memory_kills,
        )

    def start(self, request: RunCommandRequest) -> Run:
        """Return the run of a request, started now, or before if its id and body are known.

        Raises an `ExecdError` for what is refused before any event; a program that cannot be started is a run that ends
        with `never_started`.
        """
        content = _content(request)
        if self._is_known(request.execution_id):
            return self._register(request, content)
        setting = self._setting(request)
        group = self._limits.group(memory_bytes=request.memory_limit_bytes, pids=request.pids_limit)
        try:
            run = self._register(request, content)
        except ExecdError:
            if group is not None:
                group.release()
            raise
        if group is not None:
            group.run_id = run.id
        program = self._program(request, setting, execution_id=run.id)
        Owner(run, self._terms, timeout_s=(request.timeout or 0) / 1000, group=group).start(program)
        return run

    def _register(self, request: RunCommandRequest, content: str) -> Run:
        run, _ = self._registry.register(
            kind=KIND, content=content, body=request, policy=policy_of(request), execution_id=request.execution_id
        )
        return run

    async def interrupt(self, execution_id: str) -> None:
        """Stop a command and return when nothing of it is left; raises `CommandNotFound`, `AlreadyFinished`.

        A command with limits that has ended by itself, even if it is forgotten, can be stopped while somebody is in its
        control group.
        """
        try:
            run = self._registry.find(execution_id)
        except ExecutionNotFound as unknown:
            if await self._is_cleared(execution_id):
                return
            raise CommandNotFound(unknown.message) from None
        if run.kind not in (KIND, SESSION_KIND):
            raise CommandNotFound(f"execution {execution_id} is no command")
        if run.control is not None and run.end is None:
            run.control.stop("interrupted")
            await run.ended()
        elif not await self._is_cleared(execution_id):
            raise AlreadyFinished(f"command {execution_id} has already ended")

    async def _is_cleared(self, execution_id: str) -> bool:
        """End what a run with limits has left in its control group; False where there was nobody."""
        left = self._limits.left_by(execution_id)
        if left is None or not await clear_group(left, grace_s=self._terms.kill_grace_s):
            return False
        left.release()
        return True

    def _is_known(self, execution_id: str | None) -> bool:
        # What was started once is attached to, even if its directory is gone by now.
        if execution_id is None:
            return False
        try:
            self._registry.find(execution_id)
        except ExecutionNotFound:
            return False
        return True

    def _setting(self, request: RunCommandRequest) -> _Setting:
        who = users.identity(uid=request.uid, gid=request.gid, user=request.user)
        environment = {
            **self._environment,
            **read_file(self._settings.envs_file, environment=self._environment),
            **(who.variables if who else {}),
            **(request.envs or {}),
        }
        return _Setting(environment, self._directory(request.cwd, environment), who)

    def _directory(self, cwd: str | None, environment: Mapping[str, str]) -> str:
        if not cwd:
            return self._settings.working_root
        directory = absolute(cwd, root=self._settings.working_root, environment=environment)
        if not os.path.isdir(directory):
            printable = directory.encode(errors="replace").decode()
            raise InvalidRequestBody(f"cwd: {printable} is not an existing directory", details={"field": "cwd"})
        return directory

    def _program(self, request: RunCommandRequest, setting: _Setting, *, execution_id: str) -> Program:
        environment = {**setting.environment, MARK: execution_id}
        if "PWD" not in (request.envs or {}):
            environment["PWD"] = setting.directory
        executable, argv = (None, request.argv) if request.argv is not None else self._shell(request.command or "")
        return Program(
            argv=argv,
            executable=executable,
            environment=environment,
            directory=setting.directory,
            identity=setting.identity,
            stdin=request.stdin is StdinMode.PIPE,
        )

    def _shell(self, command: str) -> tuple[str, list[str]]:
        shell = self._settings.shell or next(filter(is_program, BASH), "/bin/sh")
        return shell, [os.path.basename(shell), "-c", command]


@dataclass(frozen=True, slots=True)
class _Setting:
    """Where a program will run: everything about it that can be refused."""

    environment: dict[str, str]
    directory: str
    identity: users.Identity | None


BASH: Final = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash")


def is_program(path: str) -> bool:
    """Whether there is something to execute."""
    return os.access(path, os.X_OK)


def _content(request: RunCommandRequest) -> str:
    if (request.command is None) == (request.argv is None):
        raise InvalidRequestBody("exactly one of command and argv is needed", details={"field": "command"})
    return shlex.join(request.argv) if request.argv is not None else request.command or ""


def policy_of(request: RunCommandRequest | RunInSessionRequest) -> Policy:
    """Return how a run treats its output and its readers."""
    background = isinstance(request, RunCommandRequest) and request.background is True
    detached = background or request.on_disconnect is DisconnectPolicy.DETACH
    grace_ms = request.disconnect_grace_ms
    overflow = request.on_overflow or (OverflowPolicy.DROP_OLDEST if detached else OverflowPolicy.BLOCK)
    return Policy(
        mode="chunks" if request.output is OutputMode.CHUNKS else "lines",
        on_disconnect="detach" if detached else "kill",
        disconnect_grace_ms=DISCONNECT_GRACE_MS if grace_ms is None else grace_ms,
        on_overflow=overflow.value,
        background=background,
        max_output_bytes=request.max_output_bytes,
    )
