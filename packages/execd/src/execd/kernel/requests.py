"""From the request for a run to what its context and its readers need to know of it."""

from __future__ import annotations

from typing import Final

from execd._wire import DisconnectPolicy, OverflowPolicy, RunCodeRequest
from execd.errors import InvalidRequestBody, NotSupported
from execd.kernel.cell import Order
from execd.kernel.lending import is_name
from execd.kernel.spec import Spec
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


def check_envs(request: RunCodeRequest, spec: Spec) -> None:
    """Refuse variables of a run that its kernel cannot take; raises `NotSupported`, `InvalidRequestBody`."""
    if request.envs and spec.run_envs is None:
        raise NotSupported(f"envs: {spec.kernel} cannot take them for one run", details={"field": "envs"})
    for name in request.envs or {} if spec.run_envs == "identifiers" else ():
        if not is_name(name):
            message = f"envs: {name[:64]!r} is no name that a variable of {spec.kernel} can have"
            raise InvalidRequestBody(message, details={"field": "envs"})


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
