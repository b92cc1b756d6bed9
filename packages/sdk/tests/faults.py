"""A network that fails in every way: each connection through it takes the next fault of a plan. Plain threads.

A fault waits for so many bytes in one direction and then does its worst: a reset, an end that looks clean, or silence.
"""

from __future__ import annotations

import math
import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

Way = Literal["reset", "end", "silence", "refusal"]
WAYS: Final[tuple[Way, ...]] = ("reset", "end")
_PIECE: Final = 65536
_RESET: Final = struct.pack("ii", 1, 0)


class Fault(NamedTuple):
    """What befalls one connection after `after` bytes of its requests (`upward`) or of its answers.

    `silence` passes nothing more, keeps both sides open, and after `for_s` seconds goes on as if nothing had been;
    `refusal` closes before anything passes.
    """

    way: Way = "reset"
    after: int = 0
    upward: bool = False
    for_s: float = 0.0


@dataclass
class FailingNetwork:
    """Listens for clients of a daemon at `target`; without a fault left in `plan` a connection is a good one."""

    target: tuple[str, int]
    plan: Iterator[Fault | None] = field(default_factory=lambda: iter(()))
    connections: int = 0
    faults: int = 0

    def __post_init__(self) -> None:
        self._ends: set[socket.socket] = set()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def drop(self) -> None:
        """Cut every connection there is."""
        with self._lock:
            ends = list(self._ends)
        for end in ends:
            _shut(end)

    def close(self) -> None:
        self._over.set()
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
            fault = next(self.plan, None)
            try:
                if fault is not None and fault.way == "refusal":
                    raise ConnectionRefusedError
                server = socket.create_connection(self.target)
            except OSError:
                self.faults += 1
                client.close()
                continue
            _Connection(self, client, server, fault).start()

    def opened(self, *ends: socket.socket) -> None:
        with self._lock:
            self._ends.update(ends)

    def closed(self, *ends: socket.socket) -> None:
        with self._lock:
            self._ends.difference_update(ends)

    def silent(self, for_s: float) -> None:
        self._over.wait(for_s)


class _Connection:
    """One client's connection and its fate."""

    def __init__(
        self, network: FailingNetwork, client: socket.socket, server: socket.socket, fault: Fault | None
    ) -> None:
        self._network = network
        self._client = client
        self._server = server
        self._fault = fault
        self._mute = threading.Event()
        self._left = 2
        self._lock = threading.Lock()
        network.opened(client, server)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        for upward in (True, False):
            threading.Thread(target=self._carry, args=(upward,), daemon=True).start()

    def _carry(self, upward: bool) -> None:
        source, sink = (self._client, self._server) if upward else (self._server, self._client)
        fault = self._fault if self._fault is not None and self._fault.upward == upward else None
        passed = 0
        with suppress(OSError):
            while data := source.recv(_PIECE):
                if fault is not None and passed + len(data) >= fault.after:
                    cut = fault.after - passed
                    sink.sendall(data[:cut])
                    if not self._strike(fault):
                        break
                    data, fault = data[cut:], None
                if self._mute.is_set():
                    self._network.silent(self._fault.for_s if self._fault else 0)
                sink.sendall(data)
                passed += len(data)
        self._ended()

    def _strike(self, fault: Fault) -> bool:
        """Do what the fault says, and return whether the connection goes on."""
        self._network.faults += 1
        if fault.way == "silence":
            self._mute.set()
            self._network.silent(fault.for_s)
            self._mute.clear()
            return True
        if fault.way == "reset":
            with suppress(OSError):
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                self._server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return False

    def _ended(self) -> None:
        _shut(self._client)
        _shut(self._server)
        with self._lock:
            self._left -= 1
            if self._left:
                return
        self._network.closed(self._client, self._server)
        self._client.close()
        self._server.close()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def failing_network(target: tuple[str, int]) -> Iterator[FailingNetwork]:
    network = FailingNetwork(target)
    try:
        yield network
    finally:
        network.close()


def random_faults(seed: int, *, count: int, largest: int, whole: float = 0.2) -> Iterator[Fault | None]:
    """Yield faults at places of every order of size; a share of `whole` connections has none."""
    chance = random.Random(seed)
    for _ in range(count):
        if chance.random() < whole:
            yield None
            continue
        upward = chance.random() < 0.3
        after = int(math.exp(chance.uniform(0, math.log(largest))))
        way: Way = "refusal" if chance.random() < 0.05 else chance.choice(WAYS)
        yield Fault(way, after, upward=upward)
