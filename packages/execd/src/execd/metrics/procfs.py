"""The texts of `/proc`: what a line says, as numbers. Sans-IO; what cannot be read counts as nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_OCTAL: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One line of `mountinfo`: which part of a file system is mounted where."""

    root: str
    point: str
    kind: str
    options: frozenset[str]


def numbers(text: str | None) -> dict[str, int]:
    """Return lines of a name and a number (`memory.stat`, `vmstat`, `meminfo` with its colons) as a table."""
    found: dict[str, int] = {}
    for line in (text or "").splitlines():
        name, *values = line.split()[:2] or [""]
        if values and values[0].isdecimal():
            found[name.removesuffix(":")] = int(values[0])
    return found


def meminfo(text: str | None) -> dict[str, int]:
    """Return `/proc/meminfo` in bytes."""
    return {name: kib * 1024 for name, kib in numbers(text).items()}


def busy_ticks(text: str | None) -> int:
    """Return the ticks that all processors were not idle, of `/proc/stat`."""
    for line in (text or "").splitlines():
        name, *values = line.split()
        if name == "cpu":
            # user nice system idle iowait irq softirq steal; guests are within user and nice
            ticks = [int(value) for value in values[:8]]
            return sum(ticks) - sum(ticks[3:5])
    return 0


def traffic(text: str | None) -> tuple[int, int]:
    """Return bytes received and sent by all interfaces but the loopback, of `/proc/net/dev`."""
    received = sent = 0
    for line in (text or "").splitlines()[2:]:
        name, _, values = line.partition(":")
        fields = values.split()
        if name.strip() != "lo" and len(fields) >= 9:
            received += int(fields[0])
            sent += int(fields[8])
    return received, sent


def uptime_s(uptime: str | None, init: str | None, *, ticks_per_s: int) -> float:
    """Return seconds since process 1 started, by `/proc/uptime` and `/proc/1/stat`.

    Without the latter, or where it contradicts the former (a container's own clock), since the system did.
    """
    up = float(uptime.split()[0]) if uptime else 0.0
    # The name, in parentheses, may hold spaces and parentheses.
    fields = (init or "").rpartition(")")[2].split()
    started = int(fields[19]) / ticks_per_s if len(fields) > 19 else 0.0
    return round(up - started if started <= up else up, 2)


def threads(text: str | None) -> int:
    """Return how many processes and threads the system has, of `/proc/loadavg`."""
    fields = (text or "").split()
    return int(fields[3].partition("/")[2]) if len(fields) > 3 else 0


def mounts(text: str | None) -> list[Mount]:
    """Return the lines of `/proc/self/mountinfo`."""
    return [mount for line in (text or "").splitlines() if (mount := _mount(line))]


def _mount(line: str) -> Mount | None:
    before, dash, after = line.partition(" - ")
    fields, kinds = before.split(), after.split()
    if not dash or len(fields) < 5 or len(kinds) < 3:
        return None
    options = frozenset(kinds[2].split(","))
    return Mount(root=_plain(fields[3]), point=_plain(fields[4]), kind=kinds[0], options=options)


def _plain(path: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), path)
