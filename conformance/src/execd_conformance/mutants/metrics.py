"""Mutants of metrics: figures of the wrong kind, figures that cannot be, figures that come late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from execd_conformance.mutants.messages import Reply, Request
from execd_conformance.mutants.mutant import Making, Mutant, each_of, steady
from execd_conformance.mutants.rewrite import Blocks, Rewrite, route

_ONE, _WATCH = route("GET", "/metrics"), route("GET", "/metrics/watch")
NOT_FIGURES = {"type", "timestamp"}


def _figures(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Making:
    """Change the figures of a sample."""

    def reply(_request: Request, reply: Reply) -> Reply:
        return reply.with_json(change(reply.json)) if reply.status == 200 and reply.body else reply

    return steady(Rewrite(where=_ONE, reply=reply))


def _as_text(sample: dict[str, Any]) -> dict[str, Any]:
    return {key: value if key in NOT_FIGURES else str(value) for key, value in sample.items()}


def _without(*names: str) -> Making:
    return _figures(lambda sample: {key: value for key, value in sample.items() if key not in names})


def _set(**changed: object) -> Making:
    return _figures(lambda sample: {**sample, **changed})


def _more_than_all(sample: dict[str, Any]) -> dict[str, Any]:
    return {**sample, "mem_used_mib": sample["mem_total_mib"] + 1}


async def _late(_request: Request, events: Blocks) -> Blocks:
    """Send the first sample when the second is due."""
    await asyncio.sleep(4)
    async for event in events:
        yield event


async def _one_sample(_request: Request, events: Blocks) -> Blocks:
    sent = False
    async for event in events:
        if event.type != "metrics" or not sent:
            yield event
        sent = sent or event.type == "metrics"


async def _numbered(_request: Request, events: Blocks) -> Blocks:
    number = 0
    async for event in events:
        number += 1
        yield event.numbered(number)


async def _ends(_request: Request, events: Blocks) -> Blocks:
    async for event in events:
        yield event
        if event.type == "metrics":
            return


def _own_pace(request: Request) -> Request:
    return request.with_query([(key, value) for key, value in request.query if key != "interval_ms"])


def _any_pace(request: Request) -> Request:
    """Take an interval that cannot be for none."""
    asked = request.asks("interval_ms")
    fine = asked is None or (asked.isascii() and asked.isdigit() and 100 <= int(asked) <= 86_400_000)
    return request if fine else _own_pace(request)


def _slow(_request: Request, reply: Reply) -> Reply:
    """Tell what has been used since the start, in seconds."""
    return reply.with_json({**reply.mapping, "cpu_used_pct": reply.mapping.get("uptime_s", 0) + 101})


def _watch(rewrite: Rewrite) -> Making:
    return steady(Rewrite(where=_WATCH, ask=rewrite.ask, events=rewrite.events))


MUTANTS = (
    Mutant("metrics-as-text", "Figures are text.", ("a_snapshot_is_true/metrics.bare-fields",), _figures(_as_text)),
    Mutant(
        "metrics-without-time",
        "A sample has no timestamp.",
        ("a_snapshot_is_true/metrics.timestamp",),
        _without("timestamp"),
    ),
    Mutant(
        "metrics-without-memory",
        "A sample does not tell the memory.",
        ("a_snapshot_is_true/metrics.bare-fields",),
        _without("mem_total_mib", "mem_used_mib"),
    ),
    Mutant(
        "metrics-bare",
        "A sample has only what deployed clients know.",
        ("a_snapshot_tells_more/metrics.more-fields",),
        _without(
            "mem_used_pct",
            "mem_cache_mib",
            "swap_used_mib",
            "disk_total_mib",
            "disk_used_mib",
            "net_rx_bytes",
            "net_tx_bytes",
            "pids",
            "pids_limit",
            "oom_kills",
            "cpu_throttled_pct",
            "uptime_s",
        ),
    ),
    Mutant(
        "metrics-over-all",
        "More memory is used than there is.",
        ("a_snapshot_is_true/metrics.mem-range",),
        _figures(_more_than_all),
    ),
    Mutant(
        "metrics-cpu-unbounded",
        "The processor's use is beyond 100.",
        ("a_snapshot_is_true/metrics.cpu-range",),
        steady(Rewrite(where=_ONE, reply=_slow)),
    ),
    Mutant("metrics-cpu-none", "There is no processor.", ("a_snapshot_is_true/metrics.cpu-count",), _set(cpu_count=0)),
    Mutant(
        "metrics-in-bytes",
        "Memory is in bytes.",
        ("a_snapshot_is_true/metrics.mem-true",),
        _figures(lambda s: {**s, "mem_total_mib": s["mem_total_mib"] * 1048576}),
    ),
    Mutant(
        "metrics-time-in-seconds",
        "The timestamp is in seconds.",
        ("a_snapshot_is_true/metrics.timestamp",),
        _figures(lambda s: {**s, "timestamp": s["timestamp"] // 1000}),
    ),
    Mutant(
        "watch-late",
        "The first sample is late.",
        ("samples_are_streamed/metrics.watch-first",),
        _watch(Rewrite(events=_late)),
    ),
    Mutant(
        "watch-once",
        "A watch gives one sample.",
        ("samples_are_streamed/metrics.watch",),
        _watch(Rewrite(events=_one_sample)),
    ),
    Mutant(
        "watch-ends",
        "A watch ends after a sample.",
        ("samples_are_streamed/metrics.watch",),
        _watch(Rewrite(events=_ends)),
    ),
    Mutant(
        "watch-numbered",
        "Samples have numbers.",
        ("samples_come_as_often_as_asked/metrics.watch-no-number",),
        _watch(Rewrite(events=_numbered)),
    ),
    Mutant(
        "watch-own-pace",
        "interval_ms is ignored.",
        ("samples_come_as_often_as_asked/metrics.watch-interval",),
        _watch(Rewrite(ask=_own_pace)),
    ),
    Mutant(
        "watch-any-pace",
        "Intervals that cannot be are taken.",
        ("samples_come_as_often_as_asked/metrics.watch-invalid",),
        _watch(Rewrite(ask=_any_pace)),
    ),
    Mutant(
        "watch-untyped",
        "Samples do not say their type.",
        ("samples_come_as_often_as_asked/metrics.watch",),
        _watch(Rewrite(events=each_of("metrics", lambda e: e.changed(type=None)))),
    ),
)
