"""A daemon that is not one, and a network that breaks: plain threads and sockets, so that both colours can be tried."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from glob import glob
from typing import Any
from urllib.parse import parse_qs, urlsplit

FEATURES = ["execution_id", "output", "replay", "disconnect", "overflow", "stdin", "user"]
LIMIT_S = 20.0


def init(execution_id: str = "run-1") -> dict[str, Any]:
    return {"type": "init", "text": execution_id}


def out(text: str) -> dict[str, Any]:
    return {"type": "stdout", "text": text}


def err(text: str) -> dict[str, Any]:
    return {"type": "stderr", "text": text}


def complete(stdout: int = 0, stderr: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "type": "execution_complete", "cause": "exited", "exit_code": 0, "execution_time": 7, "stdout_bytes": stdout,
        "stderr_bytes": stderr, "truncated": False, **more,
    }  # fmt: skip


def failed(code: str = "COMMAND_FAILED", *, cause: str = "exited", **more: Any) -> dict[str, Any]:
    return {
        "type": "error", "code": code, "cause": cause, "execution_time": 7, "stdout_bytes": 0, "stderr_bytes": 0,
        "truncated": False, **more,
        "error": {"ename": "CommandExecError", "evalue": "3", "traceback": ["exit status 3"]},
    }  # fmt: skip


def execution(**more: Any) -> dict[str, Any]:
    return {
        "id": "a1", "kind": "command", "content": "x", "running": True, "started_at": "2026-11-23T10:00:12.588Z",
        "background": True, "first_event": 1, "last_event": 2, "stdout_bytes": 2, "stderr_bytes": 0, "truncated": False,
        **more,
    }  # fmt: skip


def frame(event: dict[str, Any], number: int | None) -> bytes:
    """Return an event as the daemon writes it."""
    data = json.dumps({"timestamp": 1795412412588, **event}, separators=(",", ":"), ensure_ascii=False).encode()
    return (b"" if number is None else b"id: %d\n" % number) + b"data: " + data + b"\n\n"


@dataclass
class Incoming:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """The answering end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def reply(self, status: int = 200, body: Any = None, **headers: str) -> None:
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode() + data)

    def refuse(self, status: int, code: str, message: str = "no", **details: Any) -> None:
        self.reply(status, {"code": code, "message": message, "details": details, "request_id": "req-1"})

    def begin(self) -> None:
        self.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def event(self, event: dict[str, Any], number: int | None = None) -> None:
        self.chunk(frame(event, number))

    def end(self) -> None:
        self.send(b"0\r\n\r\n")

    def stream(self, events: list[dict[str, Any]], *, after: int = 0) -> None:
        """Send events numbered from 1, those past `after`, and end."""
        self.begin()
        for number, event in enumerate(events, 1):
            if number > after:
                self.event(event, number)
        self.end()

    def cut(self) -> None:
        self._connection.shutdown(socket.SHUT_RDWR)


Answer = Callable[[Incoming, Wire], None]


class FakeDaemon:
    """Answers requests by script; knows its own `/ready`, `/version` and `/ping`."""

    def __init__(self, features: list[str] | None = None) -> None:
        self.features = FEATURES if features is None else features
        self.requests: list[Incoming] = []
        self.arrived = threading.Condition()
        self._answers: dict[tuple[str, str], Answer] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._connections: list[socket.socket] = []
        self.on("GET", "/ready", lambda _, wire: wire.reply())
        self.on("GET", "/ping", lambda _, wire: wire.reply())
        self.on("GET", "/version", self._version)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def on(self, method: str, path: str, answer: Answer) -> None:
        """Answer requests whose path begins with `path`; the longest such wins."""
        self._answers[method, path] = answer

    def runs(self, *events: dict[str, Any], output: str = "chunks") -> None:
        """Answer every start and every replay with these events, and tell that `output` is how they were asked for."""
        script = list(events)

        def answer(asked: Incoming, wire: Wire) -> None:
            if asked.path.endswith("/events"):
                wire.stream(script, after=int(asked.query["after"]))
            else:
                wire.reply(200, execution(output=output))

        self.on("POST", "/command", lambda _, wire: wire.stream(script))
        self.on("GET", "/executions", answer)

    def seen(self, method: str, path: str) -> list[Incoming]:
        """Return the requests that arrived for a path."""
        return [request for request in self.requests if request.method == method and request.path == path]

    def wait_for(self, method: str, path: str, *, count: int = 1) -> list[Incoming]:
        """Wait until so many requests for a path have arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.seen(method, path)) >= count, LIMIT_S), (method, path)
        return self.seen(method, path)

    def close(self) -> None:
        _shut(self._listener)  # or an accept that is under way would take one more
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _version(self, _: Incoming, wire: Wire) -> None:
        wire.reply(200, {"version": "9", "api_version": "1", "features": self.features, "languages": []})

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        try:
            while (request := _read_request(reader)) is not None:
                with self.arrived:
                    self.requests.append(request)
                    self.arrived.notify_all()
                self._answer(request, Wire(connection))
        except (OSError, ValueError):
            pass
        finally:
            reader.close()
            connection.close()

    def _answer(self, request: Incoming, wire: Wire) -> None:
        fitting = [key for key in self._answers if key[0] == request.method and request.path.startswith(key[1])]
        if fitting:
            self._answers[max(fitting, key=lambda key: len(key[1]))](request, wire)
        else:
            wire.refuse(404, "ROUTE_NOT_FOUND")


def _read_request(reader: Any) -> Incoming | None:
    line = reader.readline().decode()
    if not line:
        return None
    method, target, _ = line.split(" ")
    headers: dict[str, str] = {}
    while (header := reader.readline().decode().strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = _read_body(reader, headers)
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Incoming(method, parts.path, query, headers, body)


def _read_body(reader: Any, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return bytes(reader.read(int(headers.get("content-length", "0"))))
    body = b""
    while (size := int(reader.readline(), 16)) > 0:
        body += reader.read(size)
        reader.readline()
    reader.readline()
    return body


@contextmanager
def fake_daemon(features: list[str] | None = None) -> Iterator[FakeDaemon]:
    daemon = FakeDaemon(features)
    try:
        yield daemon
    finally:
        daemon.close()


@dataclass
class CuttingProxy:
    """Passes bytes on to a daemon, and cuts connections as `cuts` says.

    Each new connection takes the next number from `cuts`: so many bytes of the answers on it are passed on, then it
    is cut, with a reset where the number is odd. None, and whatever comes after the last number, is a connection that
    lives. `request_cuts` are the same for the bytes of the requests.
    """

    target: tuple[str, int] | str
    cuts: Iterator[int | None] = field(default_factory=lambda: iter(()))
    request_cuts: Iterator[int | None] = field(default_factory=lambda: iter(()))
    connections: int = 0
    passed: int = 0

    def __post_init__(self) -> None:
        self._clients: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def drop(self) -> None:
        """Cut every connection there is."""
        for client in self._clients:
            _shut(client)

    def close(self) -> None:
        _shut(self._listener)
        self._listener.close()
        self.drop()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._clients.append(client)
            allowed, asked = next(self.cuts, None), next(self.request_cuts, None)
            try:
                server = self._connect()
            except OSError:
                client.close()
                continue
            threading.Thread(target=_copy, args=(client, server, asked), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client, allowed), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.target)
        return server

    def _answer(self, server: socket.socket, client: socket.socket, allowed: int | None) -> None:
        left = allowed
        try:
            while left != 0 and (data := server.recv(65536)):
                part = data if left is None else data[:left]
                # Counted before anybody can have it: who has read an answer may ask how long it was.
                self.passed += len(part)
                client.sendall(part)
                left = None if left is None else left - len(part)
        except OSError:
            pass
        if left == 0 and allowed is not None and allowed % 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for end in (client, server):
            _shut(end)
            end.close()


def _copy(source: socket.socket, sink: socket.socket, allowed: int | None) -> None:
    left = allowed
    try:
        while left != 0 and (data := source.recv(65536)):
            part = data if left is None else data[:left]
            sink.sendall(part)
            left = None if left is None else left - len(part)
    except OSError:
        pass
    _shut(sink)
    if left == 0:
        _shut(source)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(target: tuple[str, int] | str) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()


def descendants(pid: int) -> list[int]:
    """Return the processes below one, in no order, those that are only left to be reaped included."""
    found: list[int] = []
    for task in glob(f"/proc/{pid}/task/*/children"):
        with suppress(OSError), open(task) as listing:
            children = [int(child) for child in listing.read().split()]
            found += [*children, *(below for child in children for below in descendants(child))]
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is only left to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def command_line(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline") as line:
            return line.read().replace("\0", " ")
    except OSError:
        return ""


def signal_daemons(number: int, *, but: set[int]) -> None:
    """Signal the daemons and guards below this process, those in `but` apart.

    A daemon before its guard, without which it would begin to end by itself.
    """
    for pid in sorted(set(descendants(os.getpid())) - but, reverse=True):
        if " execd " in command_line(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def wait_until_gone(pids: list[int]) -> None:
    """Wait until none of these processes runs."""
    give_up = time.monotonic() + LIMIT_S
    while alive := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < give_up, alive
        time.sleep(0.01)


def random_cuts(seed: int, *, cuts: int, largest: int) -> Iterator[int | None]:
    """Yield offsets at which to cut, small ones as often as large ones."""
    chance = random.Random(seed)
    for _ in range(cuts):
        yield chance.randrange(largest) if chance.random() < 0.5 else chance.randrange(min(largest, 2000))
