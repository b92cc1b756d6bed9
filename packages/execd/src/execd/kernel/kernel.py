"""One kernel process and the channels to it, from start to burial."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import signal
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from jupyter_client.manager import AsyncKernelManager

from execd.kernel.anykernel import KernelFailed, Listener
from execd.kernel.channels import Channels
from execd.kernel.launch import Launch
from execd.kernel.messages import Message
from execd.kernel.provisioner import Provisioner, manager
from execd.kernel.spawned import Spawned
from execd.kernel.wire import Wire

CLOSED_S: Final = 0.2
"""How long a kernel may live on that has closed its sockets: one that leaves closes them first."""
LAST_MESSAGES_S: Final = 0.05
"""How long nothing must have come from a dead kernel, until nothing more is expected: well within the second it has."""
LAST_ROUNDS: Final = 10
_log: Final = logging.getLogger("execd.kernel")


class Kernel:
    """A kernel that is up; `start` makes one."""

    def __init__(
        self, launch: Launch, of: AsyncKernelManager, spawned: Spawned, listener: Listener, wire: Wire
    ) -> None:
        self.spec = launch.spec
        self.spawned = spawned
        self._retired = False
        self._manager = of
        self._listener = listener
        self._memory_kills = launch.memory_kills
        self._kills_before = launch.memory_kills()
        self._killed = False
        self._reason: str | None = None
        """Why it had to be killed, if that is what its death is to say."""
        self._asked: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._lent: asyncio.Future[Mapping[str, Any]] | None = None
        self._numbers = itertools.count(1)
        self._published = False
        self._up = False
        self._stirred = asyncio.Event()
        self._channels = Channels(of, wire, hear=self._hear, room=self._room, closed=self._closed)
        self._mourning = asyncio.get_running_loop().create_task(self._mourn())

    @classmethod
    async def start(cls, launch: Launch, listener: Listener) -> Kernel:
        """Return a kernel that answers and publishes; raises `KernelFailed` with its last words."""
        spec = launch.spec
        of, provisioner = manager(
            [*launch.argv],
            language=spec.language,
            transport=spec.transport,
            files=launch.files,
            context=launch.context,
            fork=launch.fork,
        )
        wire = Wire(f"{launch.files}.out")
        try:
            spawned = await _spawn(of, provisioner, launch)
        except BaseException:
            wire.close()
            raise
        try:
            kernel = cls(launch, of, spawned, listener, wire)
        except BaseException:
            wire.close()
            await spawned.bury()
            await of.cleanup_resources()
            raise
        try:
            async with asyncio.timeout(launch.limit_s):
                await kernel._ready()
                kernel._up = True
        except TimeoutError:
            words = kernel.spawned.words()
            await kernel.bury()
            raise KernelFailed(f"the kernel did not answer within {launch.limit_s:g} s", words) from None
        except BaseException:
            await kernel.bury()
            raise
        return kernel

    @property
    def orderly(self) -> bool:
        """Whether all that it publishes comes."""
        return self._channels.on_wire

    @property
    def usable(self) -> bool:
        """Whether it can be given a cell."""
        return self.spawned.lives and not self._retired

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def execute(self, code: str, *, request_id: str, allow_stdin: bool) -> None:
        """Send a cell; what it says has `request_id` as its parent."""
        self._kills_before = self._memory_kills()
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        self._channels.request(
            "execute_request", {**content, "allow_stdin": allow_stdin, "stop_on_error": False}, request_id=request_id
        )

    def lend_envs(self, values: Mapping[str, str]) -> None:
        """Set variables before the next cell, until `return_envs`."""
        self._lent = self._swap_envs(values)

    def return_envs(self) -> None:
        """Give back what the variables lent were before."""
        lent = self._lent
        known = lent is not None and lent.done() and not lent.cancelled()
        if lent is not None and known and (values := former(lent.result())):
            self._swap_envs(values)

    def _swap_envs(self, values: Mapping[str, str | None]) -> asyncio.Future[Mapping[str, Any]]:
        # None: removed. `former` reads the reply.
        encoded = b64encode(json.dumps(dict(values)).encode()).decode()
        expression = (self.spec.swap_envs or "").replace("{values}", encoded)
        content = {"code": "", "silent": True, "store_history": False, "user_expressions": {"former": expression}}
        return self._ask("execute_request", {**content, "allow_stdin": False, "stop_on_error": False})

    async def adopt(self, surroundings: Mapping[str, Any] | None, *, within_s: float) -> str | None:
        """Take over a context's surroundings (None: make ready to); return why it does not, if so.

        Only of a kernel that is `adoptable`; `listen` tells who hears it from now on.
        """
        encoded = None if surroundings is None else b64encode(json.dumps(surroundings).encode()).decode()
        reply = self._ask("adopt_request", {"surroundings": encoded})
        await asyncio.wait({reply}, timeout=within_s)
        if not reply.done() or reply.cancelled():
            return "it does not answer"
        refusal = reply.result()["refusal"]
        return None if refusal is None else str(refusal)

    def listen(self, listener: Listener) -> None:
        """Let somebody else hear what it says."""
        self._listener = listener

    def answer(self, value: str) -> None:
        """Answer a request for input."""
        self._channels.answer(value)

    def _ask(self, kind: str, content: dict[str, Any]) -> asyncio.Future[Mapping[str, Any]]:
        # Such an id is no execution's: those hold no colon, and come before one.
        request_id = f":{next(self._numbers)}"
        future: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = future
        self._channels.request(kind, content, request_id=request_id)
        return future

    # ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def interrupt(self) -> None:
        """Interrupt the cell and the programs that it has started."""
        self.resume()
        if self.spec.interrupt == "signal":
            self.spawned.signal_group(signal.SIGINT)
        else:
            self._channels.control("interrupt_request", {})

    def pause(self) -> None:
        """Hold the kernel up: its output has nowhere to go."""
        self.spawned.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.spawned.signal(signal.SIGCONT)

    def retire(self) -> None:
        """Take note that it is about to leave by itself."""
        self._retired = True

    def kill(self) -> None:
        """Kill the kernel and its group; the end arrives as a death."""
        self._killed = True
        self.spawned.signal_group(signal.SIGKILL)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _closed(self) -> None:
        asyncio.get_running_loop().call_later(CLOSED_S, self._condemn, "closed its sockets")

    def _condemn(self, reason: str) -> None:
        # One that leaves, or cannot start, closes its sockets and ends by itself.
        if self._up and self.usable and not self._killed:
            self._reason = reason
            self.kill()

    async def leave(self, *, within_s: float) -> None:
        """Ask the kernel to leave, and return when it has, or when the time is over."""
        self._retired = True
        self.resume()
        self._channels.control("shutdown_request", {"restart": False})
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.spawned.exited()

    async def close(self) -> None:
        """Kill what is left of it and its group, close and remove the sockets; `spawned` remains to be buried."""
        self.kill()
        await self.spawned.exited()
        self._mourning.cancel()
        await asyncio.gather(self._mourning, return_exceptions=True)
        await self._channels.close()
        await self._manager.cleanup_resources()

    async def bury(self) -> None:
        """Leave nothing of it."""
        await self.close()
        await self.spawned.bury()

    async def _mourn(self) -> None:
        death = await self.spawned.exited()
        self.spawned.signal_group(signal.SIGKILL)
        self._listener.leaving()
        memory_kill = death.signal == "SIGKILL" and not self._killed and self._memory_kills() > self._kills_before
        await self._hear_out()
        for future in self._asked.values():
            future.cancel()
        self._stirred.set()
        if self._reason:
            death = replace(death, signal=None, reason=self._reason)
        self._listener.died(replace(death, memory_kill=memory_kill, last_words=self.spawned.words()))

    async def _hear_out(self) -> None:
        # What it said before is still on its way: through the socket, the library's thread and our reader.
        for _ in range(LAST_ROUNDS):
            heard = self._channels.heard
            await asyncio.sleep(LAST_MESSAGES_S)
            if self._channels.heard == heard:
                return

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _hear(self, message: Message) -> None:
        self._stirred.set()
        self._published = self._published or not message.type.endswith("_reply")
        future = self._asked.get(message.parent)
        if future is None:
            self._listener.heard(message)
        elif message.type.endswith("_reply"):
            del self._asked[message.parent]
            if not future.done():
                future.set_result(message.content)

    async def _room(self) -> None:
        await self._listener.room()

    async def _ready(self) -> None:
        # Early output would be lost on a reader that is not connected yet: both directions must have been heard of.
        info = self._ask("kernel_info_request", {})
        while not (info.done() and not info.cancelled() and self._published):
            if not self.spawned.lives:
                death = await self.spawned.exited()
                raise KernelFailed(str(death).replace("kernel", "kernel did not start: it", 1), self.spawned.words())
            if info.done():
                info = self._ask("kernel_info_request", {})
            self._stirred.clear()
            await self._stirred.wait()


async def _spawn(of: AsyncKernelManager, provisioner: Provisioner, launch: Launch) -> Spawned:
    try:
        await of.start_kernel(env=dict(launch.environment), cwd=launch.directory)
    except OSError as error:
        of.ready.exception()
        await of.cleanup_resources()
        raise KernelFailed(f"the kernel did not start: {error.strerror or error}") from None
    except BaseException:
        if provisioner.spawned is not None:
            await provisioner.spawned.bury()
        await of.cleanup_resources()
        raise
    return provisioner.started()


def former(reply: Mapping[str, Any]) -> dict[str, str | None] | None:
    """Return what variables were before they were swapped, None when the reply does not say."""
    try:
        shown = reply["user_expressions"]["former"]["data"]["text/plain"]
        return dict(json.loads(b64decode(shown.strip("'\""))))
    except (KeyError, TypeError, ValueError):
        _log.warning("a kernel would not take the variables of a run")
        return None
