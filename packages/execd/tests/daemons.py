"""A daemon as a process of its own, and clients that speak to it byte by byte, well-behaved or not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

LIMIT_S = 20.0
"""No answer takes this long; a test that waits longer has found a hang."""


@dataclass
class Daemon:
    """A running daemon; `port` is 0 where it listens on a Unix socket only."""

    process: subprocess.Popen[bytes]
    ready: dict[str, Any]
    log: Path

    @property
    def port(self) -> int:
        url = str(self.ready["url"])
        return int(url.rpartition(":")[2]) if url.startswith("http") else 0

    @property
    def pid(self) -> int:
        """The daemon's own process, not its guard's."""
        return int(self.ready["pid"])

    def connect(self, host: str = "127.0.0.1") -> Client:
        return Client(socket.create_connection((host, self.port), timeout=LIMIT_S))

    def ask(self, method: str, target: str, *, body: bytes = b"", **headers: str) -> Answer:
        with self.connect() as client:
            client.request(method, target, body=body, Connection="close", **headers)
            return client.answer()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self, limit_s: float = LIMIT_S) -> int:
        return self.process.wait(limit_s)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """One connection. Every read has a limit of time, and running into it fails the test."""

    sock: socket.socket
    received: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def request(self, method: str, target: str, *, body: bytes = b"", **headers: str) -> None:
        self.send(request(method, target, body=body, **headers))

    def read(self) -> bool:
        """Take in what comes; False at the end."""
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        self.received += data
        return bool(data)

    def until(self, wanted: bytes) -> None:
        """Take in what comes until `wanted` is in it."""
        searched = 0
        while self.received.find(wanted, searched) < 0:
            searched = max(0, len(self.received) - len(wanted))
            assert self.read(), f"the connection ended without {wanted!r}: {self.received[-500:]!r}"

    def until_end(self) -> bytes:
        while self.read():
            pass
        return bytes(self.received)

    def answer(self) -> Answer:
        """Take in everything to the end of the connection as one answer."""
        return parse(self.until_end())


def request(method: str, target: str, *, body: bytes = b"", **headers: str) -> bytes:
    """Return a request as bytes; `_` in the names of headers stands for `-`."""
    lines = {"Host": "localhost", **({"Content-Length": str(len(body))} if body else {}), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body


def parse(data: bytes) -> Answer:
    """Return the one answer in `data`, with its body put together."""
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = dechunked(rest) if headers.get("transfer-encoding") == "chunked" else rest
    return Answer(int(first.split()[1]), headers, body)


def dechunked(data: bytes) -> bytes:
    """Return the payload of a chunked body; a body that is cut short fails."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return body
        body += data[:length]
        assert data[length : length + 2] == b"\r\n", "a chunk is cut short"
        data = data[length + 2 :]


def events(body: bytes) -> list[dict[str, Any]]:
    """Return the events of a stream, pings apart."""
    blocks = body.decode().split("\n\n")
    assert blocks.pop() == "", f"the last event is cut short: {body[-200:]!r}"
    parsed = [json.loads(block.rpartition("data: ")[2]) for block in blocks]
    return [event for event in parsed if event["type"] != "ping"]


def spawn(
    *flags: str, log: Path, variables: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a daemon's process with an environment that holds no settings but `variables`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EXECD_")}
    with log.open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "execd", "serve", *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**environment, **(variables or {})},
            pass_fds=pass_fds,
        )


def without_uvloop(directory: Path) -> dict[str, str]:
    """Return variables with which a daemon finds no uvloop, though it may be installed."""
    (directory / "uvloop.py").write_text("raise ImportError\n")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(directory), os.environ.get("PYTHONPATH")]))}


@contextmanager
def daemon(*flags: str, log: Path, variables: Mapping[str, str] | None = None) -> Iterator[Daemon]:
    """Run a daemon on a free port (unless the flags say otherwise) until the end of the block."""
    where = () if {"--port", "--uds"} & set(flags) else ("--port", "0")
    process = spawn(*where, *flags, log=log, variables=variables)
    try:
        yield Daemon(process, _ready_line(process, log), log)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(LIMIT_S)
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _ready_line(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    assert process.stdout is not None
    giving_up = threading.Timer(LIMIT_S, process.kill)
    giving_up.start()
    line = process.stdout.readline()
    giving_up.cancel()
    assert line, f"the daemon did not start: {log.read_text()}"
    ready: dict[str, Any] = json.loads(line)
    return ready


@dataclass
class SilentProxy:
    """A proxy that can stop forwarding without closing: to the daemon, a client that vanished without a FIN."""

    target: tuple[str, int]
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    silent: threading.Event = field(default_factory=threading.Event)
    links: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Shutting down wakes the threads that wait in accept and recv; closing alone does not.
        for link in [self.listener, *self.links]:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def connect(self) -> Client:
        return Client(socket.create_connection(self.listener.getsockname(), timeout=LIMIT_S))

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                self.links += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while not self.silent.is_set() and (data := source.recv(1 << 16)):
                if not self.silent.is_set():
                    sink.sendall(data)
