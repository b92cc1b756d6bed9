"""What a container of one's own is made of: the engine's arguments, checked before an engine is asked."""

from __future__ import annotations

import math
import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opensandbox._core.arguments import environment

PORT: Final = 44772
"""Where the daemon listens inside."""
LABEL: Final = "execd.sandbox"
"""The label that every container of ours has."""
Volumes = Mapping[str, str | tuple[str, str]]
"""Directory of the machine or volume of the engine → place inside, or place and mode (`"ro"`)."""

_SIZE: Final = re.compile(r"(\d+)\s*([bkmgt]?)(?:(?<=[kmgt])i?b)?", re.IGNORECASE)
_UNITS: Final = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SHORTEST_LEASE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """One container, as its caller wants it; `arguments` has what the engine calls `create`."""

    image: str
    arguments: Mapping[str, Any]
    envs: Mapping[str, str]
    lease_s: float
    on_host_network: bool


def blueprint(
    image: str,
    *,
    envs: Mapping[str, str] | None = None,
    memory: int | str | None = None,
    cpus: float | None = None,
    pids_limit: int | None = None,
    volumes: Volumes | None = None,
    working_dir: str | None = None,
    user: str | None = None,
    network: str | None = None,
    labels: Mapping[str, str] | None = None,
    lease: float,
) -> Blueprint:
    """Check what the caller wants; raises `TypeError` or `ValueError`."""
    if network == "none" or (network or "").startswith("container:"):
        raise ValueError(f"network={network!r}: no port of such a container can be reached")
    limit = None if memory is None else _bytes(memory)
    wanted = {
        "mem_limit": limit,
        "memswap_limit": limit,  # or the container gets as much again in swap
        "nano_cpus": None if cpus is None else _whole("cpus", cpus, times=10**9),
        "pids_limit": None if pids_limit is None else _whole("pids_limit", pids_limit),
        "volumes": _volumes(volumes or {}) or None,
        "working_dir": working_dir,
        "user": user,
        "network": network,
    }
    return Blueprint(
        image=_name(image),
        arguments={name: value for name, value in wanted.items() if value is not None}
        | {"labels": {**(labels or {}), LABEL: "1"}, "auto_remove": True},
        envs=environment(envs) or {},
        lease_s=max(_SHORTEST_LEASE_S, _positive("lease", lease)),
        on_host_network=network == "host",
    )


def creation(wanted: Blueprint, *, name: str, port: int, token: str) -> dict[str, Any]:
    """Return what the engine creates the container from; `port` is that of the machine's loopback."""
    inside = port if wanted.on_host_network else PORT
    ours = {
        "EXECD_ACCESS_TOKEN": token,
        "EXECD_LEASE_S": str(wanted.lease_s),
        "EXECD_PORT": str(inside),
    }
    if wanted.on_host_network:
        ours["EXECD_HOST"] = "127.0.0.1"
    published = {} if wanted.on_host_network else {"ports": {f"{PORT}/tcp": ("127.0.0.1", port)}}
    return {
        **wanted.arguments,
        **published,
        "image": wanted.image,
        "name": name,
        "environment": {**wanted.envs, **ours},
    }


def last_lines(log: bytes, *, count: int = 20) -> str:
    """Return the end of a container's log, for a person."""
    return "\n".join(log.decode("utf-8", "replace").strip().splitlines()[-count:])


def _name(image: Any) -> str:
    if not isinstance(image, str) or not image.strip():
        raise ValueError(f"not the name of an image: {image!r}")
    return image.strip()


def _volumes(volumes: Volumes) -> dict[str, dict[str, str]]:
    bound: dict[str, dict[str, str]] = {}
    for source, place in volumes.items():
        inside, mode = (place, "rw") if isinstance(place, str) else place
        if not inside.startswith("/"):
            raise ValueError(f"volumes: {inside!r} is not an absolute path inside the container")
        # As for the engine's own client: what has a slash is a directory, other names are volumes of the engine.
        bound[os.path.abspath(source) if "/" in source or source == "." else source] = {"bind": inside, "mode": mode}
    return bound


def _bytes(memory: int | str) -> int:
    found = _SIZE.fullmatch(memory.strip()) if isinstance(memory, str) else None
    if isinstance(memory, str) and found is None:
        raise ValueError(f"not an amount of memory: {memory!r} (bytes, or as in '512m' and '2g')")
    return _whole("memory", memory if found is None else int(found[1]) * _UNITS[found[2].lower()])


def _whole(name: str, number: Any, *, times: int = 1) -> int:
    """Return it in the engine's units, for which nothing would mean no limit."""
    count = round(_positive(name, number) * times)
    if not count:
        raise ValueError(f"{name}: {number!r} is less than an engine can count")
    return count


def _positive(name: str, number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(f"{name} is a number, not {number!r}")
    if not math.isfinite(number) or number <= 0:
        raise ValueError(f"{name} is more than 0, not {number!r}")
    return number
