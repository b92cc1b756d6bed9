"""A small world around the routes: real runs, commands that do what a test says, and a caller that speaks ASGI."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

from execd import http
from execd._wire import (
    CodeContext,
    CreateContextRequest,
    CreateSessionRequest,
    LanguageInfo,
    RunCodeRequest,
    RunCommandRequest,
    RunInSessionRequest,
)
from execd.errors import AlreadyFinished, ContextNotFound, SessionNotFound, StdinClosed
from execd.files.places import Places
from execd.files.service import Files
from execd.http.auth import Access
from execd.http.body import Arrivals
from execd.http.services import Activity, Services
from execd.http.signing import Signer
from execd.kernel.broadcast import Broadcast, Listener
from execd.metrics.sampler import Sampler
from execd.runs.clock import Clock
from execd.runs.ends import End
from execd.runs.registry import Registry, Retention
from execd.runs.run import Policy, Run
from execd.runs.spool import Spool

DONE = End(cause="exited", exit_code=0)
FAILED = End(
    cause="exited",
    code="COMMAND_FAILED",
    exit_code=3,
    ename="CommandExecError",
    evalue="3",
    traceback=("exit status 3",),
)
CLOCK = Clock(wall_ms=lambda: 1_795_412_412_588, mono_ms=lambda: 1000)


@dataclass
class FakeProgram:
    """The owner's side of a run: it ends when told, and takes input until it is closed."""

    run: Run
    taken: list[bytes] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    input_open: bool = True
    reads: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self, cause: str) -> None:
        if self.run.end is None:
            self.run.finish(End(cause=cause, code=cause.upper(), ename="CommandExecError", evalue="-1"))

    def send_signal(self, name: str) -> None:
        self.signals.append(name)

    async def write_stdin(self, data: bytes) -> None:
        if not self.input_open:
            raise StdinClosed("standard input is closed")
        if data:
            await self.reads.wait()
            self.taken.append(data)

    def close_stdin(self) -> None:
        if not self.input_open:
            raise StdinClosed("standard input is closed")
        self.input_open = False


class FakeCommands:
    """Starts runs without programs."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.programs: dict[str, FakeProgram] = {}

    def start(self, request: RunCommandRequest) -> Run:
        policy = Policy(
            mode="lines",
            on_disconnect="kill",
            disconnect_grace_ms=5000,
            on_overflow="block",
            background=request.background is True,
        )
        run, new = self._registry.register(
            kind="command",
            content=request.command or "",
            body=request,
            policy=policy,
            execution_id=request.execution_id,
        )
        if new:
            run.control = self.programs[run.id] = FakeProgram(run)
            self.programs[run.id].reads.set()
        return run

    async def interrupt(self, execution_id: str) -> None:
        run = self._registry.find(execution_id)
        if run.end is not None:
            raise AlreadyFinished("it has ended")
        self.programs[execution_id].stop("interrupted")


class FakeSessions:
    """One session, `here`, whose runs end as soon as they begin."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.asked: list[object] = []

    async def create(self, request: CreateSessionRequest) -> str:
        self.asked.append(request)
        return "here"

    def run(self, session_id: str, request: RunInSessionRequest) -> Run:
        if session_id != "here":
            raise SessionNotFound("no such session")
        policy = Policy(mode="lines", on_disconnect="kill", disconnect_grace_ms=5000, on_overflow="block")
        run, new = self._registry.register(
            kind="session_run", content=request.command, body=request, policy=policy, execution_id=request.execution_id
        )
        if new:
            run.write("stdout", b"hi\n")
            run.finish(DONE)
        return run

    async def delete(self, session_id: str) -> None:
        if session_id != "here":
            raise SessionNotFound("no such session")
        self.asked.append("delete")


class FakeContexts:
    """Contexts without kernels: one is there, `here`, and cells end as soon as they are run."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.asked: list[tuple[object, ...]] = []

    async def contexts(self) -> FakeContexts:
        return self

    async def installed(self) -> list[str]:
        return ["python"]

    async def create(self, request: CreateContextRequest) -> CodeContext:
        self.asked.append(("create", request))
        return CodeContext(id="here", language="python", cwd="/")

    async def show(self, language: str | None) -> list[CodeContext]:
        self.asked.append(("show", language))
        return []

    def get(self, context_id: str) -> CodeContext:
        if context_id != "here":
            raise ContextNotFound("no such context")
        return CodeContext(id="here", language="python", cwd="/")

    async def delete(self, context_id: str) -> None:
        self.get(context_id)
        self.asked.append(("delete", context_id))

    async def delete_all(self, language: str) -> None:
        self.asked.append(("delete_all", language))

    async def restart(self, context_id: str) -> CodeContext:
        self.asked.append(("restart", context_id))
        return self.get(context_id)

    async def interrupt(self, some_id: str) -> None:
        self.asked.append(("interrupt", some_id))

    async def languages(self) -> list[LanguageInfo]:
        return [LanguageInfo(name="python", aliases=["py"], kernel="k 1", version="3", warm=0, limits=[])]

    def listen(self, context_id: str) -> Listener:
        self.get(context_id)
        broadcast = Broadcast(CLOCK.wall_ms)
        listener = broadcast.listen()
        broadcast.tell({"type": "stdout", "text": "late", "execution_id": "x"})
        broadcast.end({"type": "error"})
        return listener

    async def run(self, request: RunCodeRequest) -> Run:
        policy = Policy(mode="whole", on_disconnect="kill", disconnect_grace_ms=5000, on_overflow="block")
        run, new = self._registry.register(
            kind="cell", content=request.code, body=request, policy=policy, execution_id=request.execution_id
        )
        if new:
            run.write("stdout", b"a\nb")
            run.finish(End(cause="completed", state_lost=False))
        return run


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])


@dataclass
class World:
    services: Services
    commands: FakeCommands
    contexts: FakeContexts
    sessions: FakeSessions
    app: ASGIApp

    async def call(self, method: str, target: str, **request: Any) -> Reply:
        return await call(self.app, method, target, **request)

    def program(self, execution_id: str) -> FakeProgram:
        return self.commands.programs[execution_id]


def world(
    *,
    access: Access | None = None,
    timeout_s: float = 30,
    max_bytes: int = 1 << 20,
    root: str = "/",
    **changes: Any,
) -> World:
    registry = Registry(retention=Retention(), spool=Spool(None), clock=CLOCK)
    commands = FakeCommands(registry)
    contexts = FakeContexts(registry)
    sessions = FakeSessions(registry)
    services = Services(
        registry=registry,
        commands=commands,
        sessions=sessions,
        files=Files(Places(root=root, environment={"HOME": root}), registry),
        metrics=Sampler(disk_path="/"),
        access=access or Access(),
        arrivals=Arrivals(timeout_s=timeout_s, max_bytes=max_bytes),
        activity=Activity(lambda: 0.0),
        **{"heartbeat_s": 5.0, "now_ms": CLOCK.wall_ms, "code": contexts, "signer": Signer(time.time), **changes},
    )
    return World(services, commands, contexts, sessions, http.build(services))


def scope_of(method: str, target: str, headers: Iterable[tuple[str, str]] = ()) -> Scope:
    raw_path, _, query = target.partition("?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 44772),
        "extensions": {},
    }


class Wire:
    """One connection: what the client sends (pieces of a body; the last one ends it) and what it has got."""

    def __init__(self, pieces: Iterable[bytes] = (b"",), *, complete: bool = True) -> None:
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[Message] = []
        self.arrived = asyncio.Event()
        pieces = list(pieces)
        for at, piece in enumerate(pieces):
            more = not complete or at + 1 < len(pieces)
            self.incoming.put_nowait({"type": "http.request", "body": piece, "more_body": more})

    async def receive(self) -> Message:
        return await self.incoming.get()

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        self.arrived.set()

    def leave(self) -> None:
        self.incoming.put_nowait({"type": "http.disconnect"})

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def ended(self) -> bool:
        return bool(self.sent) and not self.sent[-1].get("more_body", True)

    async def until(self, wanted: bytes) -> None:
        """Return when the body holds `wanted`."""
        async with asyncio.timeout(5):
            while wanted not in self.body:
                self.arrived.clear()
                await self.arrived.wait()

    def reply(self) -> Reply:
        start = self.sent[0]
        assert self.ended, "the answer has no end"
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], headers, self.body)


async def call(
    app: ASGIApp,
    method: str,
    target: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | Iterable[bytes] = b"",
) -> Reply:
    """Ask once, as a client that reads everything and stays."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    length = [("content-length", str(sum(map(len, pieces))))] if any(pieces) else []
    wire = Wire(pieces)
    async with asyncio.timeout(5):
        await app(scope_of(method, target, [*headers, *length]), wire.receive, wire.send)
    return wire.reply()
