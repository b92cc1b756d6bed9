"""The sockets to one kernel: requests out, messages in, each as soon as it is there.

What a kernel publishes is taken from the socket without waiting for anybody: PUB and SUB have no back-pressure, so what
lies there is memory of ours that nothing bounds.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

from execd.kernel.messages import Message, message
from execd.kernel.wire import Wire

AT_ONCE: Final = 64
"""Messages of one socket in one turn of the loop, after which others have theirs."""
RECONNECT_MS: Final = 5
"""The kernel binds its sockets some time after we connect; the default of 100 would be part of every start."""
MAX_SOCKETS: Final = 65_536
THREADS: Final = 2
"""What the library starts for all sockets together."""
_log: Final = logging.getLogger("execd.kernel")


class _Context(zmq.asyncio.Context):
    """A context whose end nobody waits for."""

    def term(self) -> None:
        """Give back what the sockets shared, once the last of them lets go."""
        # ZeroMQ waits for every socket that is still open somewhere: neither the loop nor the daemon's end must wait
        # with it.
        threading.Thread(target=super().term, name="zmq-term", daemon=True).start()


def make_context() -> zmq.asyncio.Context:
    """Return a context for the sockets of all kernels: nothing is dropped at our end, nothing waits for a dead peer.

    Raises `OSError` where its threads cannot be started: the library would abort the daemon.
    """
    _try_threads()
    context = _Context()
    context.set(zmq.MAX_SOCKETS, MAX_SOCKETS)
    for name, value in (("rcvhwm", 0), ("sndhwm", 0), ("reconnect_ivl", RECONNECT_MS), ("linger", 0)):
        setattr(context, name, value)
    context.socket(zmq.PAIR).close()  # Now, while there is room, and not with the first kernel.
    return context


def _try_threads() -> None:
    over = threading.Event()
    threads = [threading.Thread(target=over.wait) for _ in range(THREADS)]
    try:
        for thread in threads:
            thread.start()
    except RuntimeError:
        raise OSError(errno.EAGAIN, "no more threads can be started") from None
    finally:
        over.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


class Channels:
    """Shell, iopub, stdin and control of one kernel; `hear` gets every message, `room` is waited for between them.

    What is published comes by the wire where the kernel knows of it, else by ZeroMQ. `closed` is called when the kernel
    has closed a socket without which no cell ends.
    """

    def __init__(
        self,
        of: AsyncKernelManager,
        wire: Wire,
        *,
        hear: Callable[[Message], None],
        room: Callable[[], Awaitable[None]],
        closed: Callable[[], None],
    ) -> None:
        self._client: AsyncKernelClient = of.client(context=of.context)
        self._session = self._client.session
        self._wire = wire
        self._hear = hear
        self._room = room
        self._closed = closed
        self.heard = 0
        """Messages so far."""
        self.on_wire = False
        """Whether what it publishes comes by the wire, on which nothing is lost."""
        self._gone: zmq.asyncio.Socket | None = None
        """What tells that the kernel has closed its end of the shell channel."""
        try:
            self._client.start_channels(hb=False)
            self._gone = self._client.shell_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        except BaseException:
            # Out of descriptors, some of them are there already; a socket that is left open keeps its context alive.
            self._stop()
            raise
        loop = asyncio.get_running_loop()
        reading = [self._read(channel.socket) for channel in (self._client.shell_channel, self._client.stdin_channel)]
        self._publishing = loop.create_task(self._read(self._client.iopub_channel.socket))
        self._reading = [loop.create_task(each) for each in (*reading, self._read_wire(), self._watch(self._gone))]

    def request(self, kind: str, content: dict[str, Any], *, request_id: str) -> None:
        """Send a request on the shell channel."""
        self._send(self._client.shell_channel, kind, content, request_id=request_id)

    def answer(self, value: str) -> None:
        """Answer a request for input."""
        self._send(self._client.stdin_channel, "input_reply", {"value": value})

    def control(self, kind: str, content: dict[str, Any]) -> None:
        """Send a request on the control channel."""
        self._send(self._client.control_channel, kind, content)

    async def close(self) -> None:
        """Stop reading and close the sockets."""
        reading = [*self._reading, self._publishing]
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        self._stop()
        self._wire.close()

    def _stop(self) -> None:
        if self._gone is not None:
            self._client.shell_channel.socket.disable_monitor()
            self._gone.close()
        # The public names make a channel that is not there.
        for name in ("_shell_channel", "_iopub_channel", "_stdin_channel", "_control_channel"):
            channel = getattr(self._client, name)
            if channel is not None:
                channel.stop()

    def _send(self, channel: Any, kind: str, content: dict[str, Any], *, request_id: str | None = None) -> None:
        header = self._session.msg_header(kind)
        if request_id is not None:
            header["msg_id"] = request_id
        sent = self._session.msg(kind, content, header=header)
        # By the asynchronous socket, which looks again for messages afterwards: sending may swallow the sign of one.
        channel.socket.send_multipart(self._session.serialize(sent))

    async def _read(self, socket: zmq.asyncio.Socket) -> None:
        plain: zmq.Socket[bytes] = zmq.Socket.shadow(socket.underlying)
        while True:
            await socket.poll(zmq.POLLIN)
            if self._take(plain) == AT_ONCE:
                await asyncio.sleep(0)
            await self._room()

    async def _read_wire(self) -> None:
        await self._wire.accept()
        self.on_wire = True
        # From its first message on: the socket for all who listen has none to tell.
        self._publishing.cancel()
        self._client.iopub_channel.stop()
        async for messages in self._wire.messages():
            for at, frames in enumerate(messages, 1):
                self.heard += 1
                self._deliver(frames)
                if at % AT_ONCE == 0:
                    await asyncio.sleep(0)
                await self._room()
            await asyncio.sleep(0)
        self._closed()

    async def _watch(self, gone: zmq.asyncio.Socket) -> None:
        await gone.recv_multipart()
        self._closed()

    def _take(self, plain: zmq.Socket[bytes]) -> int:
        for taken in range(AT_ONCE):
            try:
                frames = plain.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return taken
            self.heard += 1
            self._deliver(frames)
        return AT_ONCE

    def _deliver(self, frames: list[bytes]) -> None:
        try:
            _, signed = self._session.feed_identities(frames)
            found = message(self._session.deserialize(signed))
        except Exception as error:  # noqa: BLE001 - the code in the kernel can send whatever it likes
            _log.warning("a kernel sent what is no message: %s", error)
            return
        try:
            self._hear(found)
        except Exception:  # noqa: BLE001 - what comes after it must be heard all the same
            _log.exception("fault while a kernel was heard")
