"""A daemon to measure: started, spoken to over a raw socket, its memory read, ended."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon: where it listens, its token, its process and its guard's."""

    url: str
    token: str
    pid: int
    guard_pid: int


@contextlib.contextmanager
def running(*flags: str) -> Iterator[Daemon]:
    """Start a daemon on a free port and end it afterwards."""
    token = secrets.token_urlsafe(16)
    process = subprocess.Popen(
        [sys.executable, "-m", "execd", "serve", "--host", "127.0.0.1", "--port", "0", "--log-level", "error", *flags],
        env={**os.environ, "EXECD_ACCESS_TOKEN": token}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    try:
        ready = json.loads(process.stdout.readline())
        yield Daemon(ready["url"], token, ready["pid"], process.pid)
    finally:
        process.terminate()
        process.wait(30)


def stream_bytes(daemon: Daemon, request: dict[str, object]) -> int:
    """Run a command over a raw socket and return how many bytes of answer came; nothing is parsed."""
    body = json.dumps(request).encode()
    head = (
        f"POST /command HTTP/1.1\r\nHost: x\r\nX-EXECD-ACCESS-TOKEN: {daemon.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    where = urlsplit(daemon.url)
    total, buffer = 0, bytearray(1 << 18)
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        while count := connection.recv_into(buffer):
            total += count
    return total


def private_bytes(pid: int) -> int:
    """Return a process's private memory."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return sum(int(line.split()[1]) for line in rollup if line.startswith("Private_")) * 1024
