"""What contexts are told of the daemon around them; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from execd.process.child import Child


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSettings:
    """How contexts are kept: `runtime_dirs` are where the kernels' sockets may lie, in order of preference."""

    working_root: str
    runtime_dirs: tuple[str, ...]
    kill_grace_ms: int
    max_contexts: int
    default_language: str | None
    preferred: tuple[tuple[str, str], ...] = ()
    """Languages, and the kernels that are to serve them where they are installed."""
    kernels_dirs: tuple[str, ...] = ()
    """Where what was prepared for kernels may lie, in order of preference."""
    on_path: frozenset[str] = frozenset()
    """Languages whose interpreter is that on PATH, or none."""
    pool: Mapping[str, int] = field(default_factory=dict)
    """Language → how many of its kernels are kept ready."""
    pool_lazy: bool = False
    """Whether that begins with a language's first use."""
    context_idle_s: float = 0
    """After how long without a run a context ends; 0 is never."""
    start_limit_s: float = 60.0
    """How long a kernel may take to answer; a busy machine may be slow, a kernel that hangs must not hold requests."""


class Newcomers(Protocol):
    """Who has come since some moment, below a child or by its mark."""

    def are_waited_for(self) -> bool:
        """Return whether the child has children of its own among them."""

    async def end(self) -> None:
        """Ask them to go, kill who stays, and return when they are gone, or will not go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What contexts need of other rooms.

    `environment` makes a program's environment of the variables given with it and the mark by which it is found again;
    `clear` ends everyone of such a mark, the leader's group first; `newcomers` takes note of who is there, and tells
    of those who have come since; `memory_kills` counts; `memory_left` is a share of what there is.
    """

    environment: Callable[[Mapping[str, str], str], dict[str, str]]
    clear: Callable[[Child, str], Awaitable[None]]
    newcomers: Callable[[Child, str], Newcomers]
    memory_kills: Callable[[], int]
    memory_left: Callable[[], float] = lambda: 1.0
