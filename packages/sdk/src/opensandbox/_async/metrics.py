"""What the sandbox uses, once or again and again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from opensandbox import _wire
from opensandbox._core import metrics
from opensandbox.results import Metrics
from opensandbox.transport import AsyncTransport, StreamRequest


async def snapshot(transport: AsyncTransport) -> Metrics:
    """Return the newest sample."""
    return metrics.sample((await transport.send(metrics.snapshot())).body)


async def watch(
    transport: AsyncTransport, request: StreamRequest[_wire.MetricsStreamEvent]
) -> AsyncGenerator[Metrics, None]:
    """Yield samples as they come, until the daemon goes down."""
    async with aclosing(transport.stream(request)) as batches:
        async for batch in batches:
            for _, event in batch:
                if isinstance(event, _wire.MetricsEvent):
                    yield metrics.metrics(event)
                elif isinstance(event, _wire.ErrorEvent):
                    raise metrics.ended(event)
