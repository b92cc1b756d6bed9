"""Whom a run deals with: the owner of its program, and whoever keeps it."""

from __future__ import annotations

from typing import Protocol, TypeVar

from execd.runs.clock import Clock
from execd.runs.spool import Spool

KeptT_contra = TypeVar("KeptT_contra", contravariant=True)  # a run, which knows these and not the other way round


class Control(Protocol):
    """What the owner of the program does for its run."""

    def stop(self, cause: str) -> None:
        """End the program; never waits, may be called again: the end arrives as the terminal event."""

    def send_signal(self, name: str) -> None:
        """Send a signal by name (`SIGINT`) to the program's group."""

    async def write_stdin(self, data: bytes) -> None:
        """Write to standard input, waiting while the program does not read; raises `StdinClosed`."""

    def close_stdin(self) -> None:
        """End standard input; raises `StdinClosed` when there is none."""


class Keeper(Protocol[KeptT_contra]):
    """What a run asks of the registry that keeps it."""

    clock: Clock
    spool: Spool

    def bound(self) -> int:
        """Return the bytes that one run may keep."""

    def account(self, run: KeptT_contra, grown: int) -> None:
        """Take note that a run has grown (or shrunk) by some bytes."""

    def run_ended(self, run: KeptT_contra) -> None:
        """Take note that a run has ended."""

    def reader_left(self, run: KeptT_contra) -> None:
        """Take note that a run lost a reader."""
