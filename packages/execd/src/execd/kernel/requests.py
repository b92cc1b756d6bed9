"""From the request for a run to what its context and its readers need to know of it."""

from __future__ import annotations

from typing import Final

from execd._wire import DisconnectPolicy, OverflowPolicy, RunCodeRequest
from execd.kernel.cell import Order
from execd.runs.run import Policy

KIND: Final = "cell"
DISCONNECT_GRACE_MS: Final = 5000


def order(request: RunCodeRequest) -> Order:
    """Return what the run asks of its context."""
    return Order(
        code=request.code,
        timeout_s=request.timeout / 1000 if request.timeout else None,
        allow_stdin=bool(request.allow_stdin),
        envs=request.envs or None,
    )


def policy(request: RunCodeRequest) -> Policy:
    """Return how the run treats its output and its readers."""
    detached = request.on_disconnect is DisconnectPolicy.DETACH
    grace_ms = request.disconnect_grace_ms
    overflow = request.on_overflow or (OverflowPolicy.DROP_OLDEST if detached else OverflowPolicy.BLOCK)
    return Policy(
        mode="whole",
        on_disconnect="detach" if detached else "kill",
        disconnect_grace_ms=DISCONNECT_GRACE_MS if grace_ms is None else grace_ms,
        on_overflow=overflow.value,
    )
