"""Sessions: made, found by their ids, given commands, and ended."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Iterable, Mapping

from execd._wire import CreateSessionRequest, RunInSessionRequest
from execd.directory import Directory
from execd.errors import (
    ExecutionConflict,
    InternalFault,
    InvalidRequestBody,
    LimitReached,
    NotSupported,
    SessionNotFound,
    ShuttingDown,
)
from execd.paths import absolute
from execd.process.child import Program
from execd.process.command import BASH, SESSION_KIND, CommandSettings, is_program, policy_of
from execd.process.environment import read_file
from execd.process.members import MARK
from execd.process.owner import Terms
from execd.process.session import Session
from execd.process.sweep import Survey
from execd.runs.registry import Registry
from execd.runs.run import Run


class Sessions:
    """All sessions of the daemon; the parameters are those of `Commands`, and how many sessions there may be.

    `runtime_dirs` are where their shells' named pipes may lie, in order of preference.
    """

    def __init__(
        self,
        registry: Registry,
        settings: CommandSettings,
        environment: Mapping[str, str],
        *,
        limit: int,
        memory_kills: Callable[[], int] = lambda: 0,
        root: int | None = None,
        runtime_dirs: Iterable[str] = (),
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._environment = environment
        self._limit = limit
        self._terms = Terms(
            kill_grace_s=settings.kill_grace_ms / 1000,
            drain_grace_s=settings.drain_grace_ms / 1000,
            survey=Survey(root=root),
            memory_kills=memory_kills,
        )
        self._sessions: dict[str, Session] = {}
        self._opened: dict[str, tuple[CreateSessionRequest, asyncio.Task[None]]] = {}
        """Every session that there is or is about to be, as it was asked for."""
        self._closing = False
        self._files = Directory(runtime_dirs)

    async def create(self, request: CreateSessionRequest) -> str:
        """Start a shell and return the id of its session, or of the one that this has started before.

        Its directory is made where it is missing. Raises `ExecutionConflict` where the id is another one's.
        """
        session_id = request.session_id or uuid.uuid4().hex
        if session_id not in self._opened:
            self._require_room()
            opening = asyncio.get_running_loop().create_task(self._open(session_id, request))
            self._opened[session_id] = request, opening
        asked, opening = self._opened[session_id]
        if asked != request:
            raise ExecutionConflict(f"session {session_id!r} was started with other fields")
        # Who has asked may be gone by now; whoever asks again is to find it.
        await asyncio.shield(opening)
        return session_id

    def _require_room(self) -> None:
        if self._closing:
            raise ShuttingDown("the daemon is going down")
        if len(self._opened) >= self._limit:
            raise LimitReached(f"{self._limit} sessions are open, the most that may be at once")

    async def _open(self, session_id: str, request: CreateSessionRequest) -> None:
        try:
            program = self._program(request, session_id)
            session = self._sessions[session_id] = Session(
                session_id, program, self._terms, self._registry.spool, place=self._files.name
            )
            await session.open()
        except BaseException as refusal:
            self._forget(session_id)
            if isinstance(refusal, OSError):
                raise InternalFault(f"the shell could not be started: {refusal}") from refusal
            raise

    def _forget(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)
        self._opened.pop(session_id, None)

    def run(self, session_id: str, request: RunInSessionRequest) -> Run:
        """Return the run of a command in a session, or the one of that id; raises `SessionNotFound`."""
        session = self._find(session_id)
        cwd = request.cwd or None
        if cwd is not None and os.path.isabs(cwd) and "$" not in cwd and not os.path.isdir(cwd):
            raise InvalidRequestBody(f"cwd: {cwd} is not an existing directory", details={"field": "cwd"})
        run, new = self._registry.register(
            kind=SESSION_KIND,
            content=request.command,
            body=(session_id, request),
            policy=policy_of(request),
            execution_id=request.execution_id,
        )
        if new:
            session.run(run, request.command, cwd=cwd, timeout_s=(request.timeout or 0) / 1000)
        return run

    async def delete(self, session_id: str) -> None:
        """End a session with everything that it has started; raises `SessionNotFound`."""
        session = self._find(session_id)
        self._forget(session_id)
        await session.close("interrupted")

    async def close(self) -> None:
        """End all sessions."""
        self._closing = True
        closing, self._sessions = list(self._sessions.values()), {}
        self._opened.clear()
        await asyncio.gather(*(session.close("shutting_down") for session in closing))
        self._files.remove()

    def _find(self, session_id: str) -> Session:
        session = self._sessions.get(session_id)
        if session is None:
            raise SessionNotFound(f"no session {session_id[:64]!r}")
        return session

    def _program(self, request: CreateSessionRequest, session_id: str) -> Program:
        environment = {
            **self._environment,
            **read_file(self._settings.envs_file, environment=self._environment),
            **(request.envs or {}),
            MARK: session_id,
        }
        directory = self._directory(request.cwd, environment)
        environment.setdefault("PWD", directory)
        return Program(argv=[], executable=self._bash(), environment=environment, directory=directory)

    def _bash(self) -> str:
        chosen = self._settings.shell
        candidates = [chosen, *BASH] if chosen and os.path.basename(chosen) == "bash" else BASH
        bash = next(filter(is_program, candidates), None)
        if bash is None:
            raise NotSupported("sessions need bash, and there is none")
        return bash

    def _directory(self, cwd: str | None, environment: Mapping[str, str]) -> str:
        if not cwd:
            return self._settings.working_root
        directory = absolute(cwd, root=self._settings.working_root, environment=environment)
        try:
            os.makedirs(directory, exist_ok=True)
        except OSError as refusal:
            raise InvalidRequestBody(
                f"cwd: cannot make {directory}: {refusal.strerror}", details={"field": "cwd"}
            ) from refusal
        return directory
