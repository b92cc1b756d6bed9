"""The texts of `/proc`: what a line says, as numbers. Sans-IO; what cannot be read counts as nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]+\.[0-9]+", re.ASCII)
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


def _numbers(words: list[str]) -> list[int]:
    """Return the numbers at the start of a line's words; a line that is not what it should be has none."""
    return [int(word) for word in words] if all(word.isdecimal() for word in words) else []


def meminfo(text: str | None) -> dict[str, int]:
    """Return `/proc/meminfo` in bytes."""
    return {name: kib * 1024 for name, kib in numbers(text).items()}


def busy_ticks(text: str | None) -> int:
    """Return the ticks that all processors were not idle, of `/proc/stat`."""
    for line in (text or "").splitlines():
        words = line.split()
        if words[:1] == ["cpu"]:
            # user nice system idle iowait irq softirq steal; guests are within user and nice
            ticks = _numbers(words[1:9])
            return sum(ticks) - sum(ticks[3:5])
    return 0


def traffic(text: str | None) -> tuple[int, int]:
    """Return bytes received and sent by all interfaces but the loopback, of `/proc/net/dev`."""
    received = sent = 0
    for line in (text or "").splitlines()[2:]:
        name, _, values = line.partition(":")
        fields = _numbers(values.split())
        if name.strip() != "lo" and len(fields) > 8:
            received += fields[0]
            sent += fields[8]
    return received, sent


def uptime_s(uptime: str | None, init: str | None, *, ticks_per_s: int) -> float:
    """Return seconds since process 1 started, by `/proc/uptime` and `/proc/1/stat`.

    Without the latter, or where it contradicts the former (a container's own clock), since the system did.
    """
    match = _SECONDS.match(uptime or "")
    up = float(match[0]) if match else 0.0
    # The name, in parentheses, may hold spaces and parentheses.
    fields = (init or "").rpartition(")")[2].split()
    started = sum(_numbers(fields[19:20])) / ticks_per_s
    return round(up - started if started <= up else up, 2)


def threads(text: str | None) -> int:
    """Return how many processes and threads the system has, of `/proc/loadavg`."""
    words = (text or "").split()[3:4]
    return sum(_numbers([word.partition("/")[2] for word in words]))


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
