# Generated from packages/sdk/src/opensandbox/_async/metrics.py by tools/unasync.py; do not edit.
"""What the sandbox uses, once or again and again."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from opensandbox import _wire
from opensandbox._core import metrics
from opensandbox.results import Metrics
from opensandbox.transport import SyncTransport, StreamRequest


def snapshot(transport: SyncTransport) -> Metrics:
    """Return the newest sample."""
    return metrics.sample((transport.send(metrics.snapshot())).body)


def watch(
    transport: SyncTransport, request: StreamRequest[_wire.MetricsStreamEvent]
) -> Generator[Metrics, None]:
    """Yield samples as they come, until the daemon goes down."""
    with closing(transport.stream(request)) as batches:
        for batch in batches:
            for _, event in batch:
                if isinstance(event, _wire.MetricsEvent):
                    yield metrics.metrics(event)
                elif isinstance(event, _wire.ErrorEvent):
                    raise metrics.ended(event)
