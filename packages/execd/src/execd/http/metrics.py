"""What the sandbox uses, once or again and again."""

from __future__ import annotations

from typing import Final

from execd.http.answer import Answer, json_answer
from execd.http.exchange import Exchange
from execd.http.services import Services
from execd.http.stream import Events
from execd.metrics.watch import Watch

DEFAULT_INTERVAL_MS: Final = 1000
SHORTEST_MS: Final = 100
LONGEST_MS: Final = 24 * 60 * 60 * 1000


async def snapshot(exchange: Exchange, services: Services) -> Answer:  # noqa: ARG001 - every endpoint has this shape
    """Answer the newest sample."""
    return json_answer(services.metrics.latest)


async def watch(exchange: Exchange, services: Services) -> Events:
    """Stream samples until the client leaves."""
    interval_ms = exchange.query.integer("interval_ms", minimum=SHORTEST_MS, maximum=LONGEST_MS)
    return Watch(services.metrics, interval_s=(interval_ms or DEFAULT_INTERVAL_MS) / 1000, now_ms=services.now_ms)
