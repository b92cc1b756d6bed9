"""The output socket of a Python kernel as frames to whoever started it; run by the sandbox's own Python.

What has been written to the wire is the daemon's, whatever becomes of the kernel in the next instant; ZeroMQ would
still have it in a queue of this process.
"""

import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

LENGTH = struct.Struct("<I")
JOINED_BYTES = 64 * 1024
SOCKET_BYTES = 1024 * 1024


class Wire:
    """Messages as frames with their lengths, to the socket at `path`; looks like a ZeroMQ socket to its one user."""

    def __init__(self, path: str, context: Any) -> None:
        self.context = context
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        self._socket.connect(path)

    def send_multipart(self, parts: Sequence[Any], *_: Any, **__: Any) -> None:
        """Write a message; returns when it is written, or nobody will ever read it."""
        frames = [memoryview(part).cast("B") for part in parts]
        head = LENGTH.pack(len(frames)) + b"".join(LENGTH.pack(len(frame)) for frame in frames)
        with suppress(OSError):
            if sum(map(len, frames)) <= JOINED_BYTES:
                self._socket.sendall(b"".join([head, *frames]))
                return
            self._socket.sendall(head)
            for frame in frames:
                self._socket.sendall(frame)

    def close(self, *_: Any) -> None:
        """End the output."""
        self._socket.close()


def take_wire(app: Any) -> None:
    """Let the kernel publish on the wire, where whoever has started it has laid one beside the connection file."""
    path = str(app.connection_file).removesuffix(".json") + ".out"
    if not os.path.exists(path):
        return
    thread = app.iopub_thread
    wire = Wire(path, thread.socket.context)

    def take() -> None:
        before, thread.socket = thread.socket, wire
        # As a stream where it listens to subscriptions; what is left open would hold up the kernel's end.
        getattr(thread, "_xpub_stream", before).close()

    thread.schedule(take)
