"""What a context needs of its kernel, whether it is spoken to by messages, is a live shell or a worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from execd.kernel.execution import Death
from execd.kernel.messages import Message
from execd.process.child import Child


class KernelFailed(Exception):
    """A kernel did not start; `last_words` are its own."""

    def __init__(self, message: str, last_words: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.last_words = last_words


class Listener(Protocol):
    """Whoever a kernel speaks to."""

    def heard(self, message: Message) -> None:
        """Take a message that answers no request of the daemon's own."""

    async def room(self) -> None:
        """Return when there is room for more messages."""

    def leaving(self) -> None:
        """Take note that the kernel is gone; what it has said before is still heard, and waits for no room."""

    def died(self, death: Death) -> None:
        """Take note of the end; nothing more is heard afterwards."""


class Process(Protocol):
    """The kernel's process, leader of its own group."""

    @property
    def child(self) -> Child:
        """The process itself."""

    @property
    def pid(self) -> int:
        """Its number, and, until it is buried, that of its group."""

    def signal_group(self, number: int) -> None:
        """Send a signal to everyone of its group; not after `bury`."""

    async def bury(self) -> object:
        """Kill what is left of the group, and reap."""


class AnyKernel(Protocol):
    """A kernel that is up; what it says reaches its `Listener` as messages."""

    @property
    def spawned(self) -> Process:
        """Its process, also when it has ended."""

    @property
    def usable(self) -> bool:
        """Whether it can be given a cell."""

    @property
    def orderly(self) -> bool:
        """Whether all that it publishes comes, however long that takes: a cell's idle status is worth waiting for."""

    def execute(self, code: str, *, request_id: str, allow_stdin: bool) -> None:
        """Send a cell; what it says has `request_id` as its parent."""

    def lend_envs(self, values: Mapping[str, str]) -> None:
        """Set variables before the next cell, until `return_envs`."""

    def return_envs(self) -> None:
        """Give back what the variables lent were before."""

    def answer(self, value: str) -> None:
        """Answer a request for input."""

    def interrupt(self) -> None:
        """Interrupt the cell and the programs that it has started."""

    def pause(self) -> None:
        """Hold it up: its output has nowhere to go."""

    def resume(self) -> None:
        """Let it go on."""

    def retire(self) -> None:
        """Take note that it is about to leave by itself."""

    def kill(self) -> None:
        """Kill it and its group; the end arrives as a death."""

    async def leave(self, *, within_s: float) -> None:
        """Ask it to leave, and return when it has, or when the time is over."""

    async def close(self) -> None:
        """Kill what is left of it and its group; `spawned` remains to be buried."""
