"""What a Jupyter kernel is started with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import zmq.asyncio

from execd.kernel.provisioner import Fork
from execd.kernel.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a kernel is started with: `interpreter` is the program, `files` where its sockets go.

    In `argv`, `{connection_file}` is left to be put in.
    """

    spec: Spec
    interpreter: str
    argv: tuple[str, ...]
    directory: str
    environment: Mapping[str, str]
    files: str
    limit_s: float
    context: zmq.asyncio.Context
    memory_kills: Callable[[], int]
    fork: Fork | None = None
    """Where it is not to be started from the beginning."""
