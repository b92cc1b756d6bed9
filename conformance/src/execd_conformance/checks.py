"""Scenarios say what they will prove, and record what they saw.

A check is one requirement in one scenario: its name is `scenario/requirement`. Recording never raises; what a scenario
declared and did not come to record has failed with whatever stopped it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pytest

from execd_conformance.broken import Broken

AREAS: Final = (
    "general",
    "streams",
    "replay",
    "commands",
    "code",
    "files",
    "metrics",
    "errors",
    "auth",
    "sdk",
    "operation",
    "container",
)
NEEDS: Final = ("start", "container", "host", "token", "libraries")
PROFILES: Final = ("full", "compat")

Status = Literal["passed", "failed", "expected", "skipped", "left out", "error"]

_SAW: Final = 600
"""Characters of what was seen that a report can use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a scenario says about itself."""

    area: str
    proves: tuple[str, ...]
    features: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset({"full"})
    limit_s: float = 30.0


def scenario(
    area: str,
    *proves: str,
    features: Collection[str] = (),
    needs: Collection[str] = (),
    profiles: Collection[str] = ("full",),
    limit_s: float = 30.0,
) -> pytest.MarkDecorator:
    """Declare a scenario of an area and the requirements that it proves.

    It is skipped where the daemon does not announce one of `features`, and left out where the target cannot give one of
    `needs`: `start` is further daemons with settings, `container` an engine, `host` the daemon's processes and files,
    `token` one that opens it, `libraries` Python's for data and charts. `profiles` has `compat` where deployed clients
    rely on it. After `limit_s` seconds it is stopped and has failed.
    """
    for name, known in [(area, AREAS), *((each, NEEDS) for each in needs), *((each, PROFILES) for each in profiles)]:
        if name not in known:
            raise ValueError(f"{name!r} is none of {', '.join(known)}")
    if not proves or len(set(proves)) != len(proves):
        raise ValueError("a scenario proves something, and names each requirement once")
    declared = Declared(
        area=area,
        proves=proves,
        features=frozenset(features),
        needs=frozenset(needs),
        profiles=frozenset(profiles) | {"full"},
        limit_s=limit_s,
    )
    return pytest.mark.scenario(declared)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a scenario said of one requirement, once."""

    ok: bool
    saw: str


@dataclass(slots=True)
class Checks:
    """The record of one scenario; the fixture `checks`."""

    declared: Declared
    seen: dict[str, list[Seen]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What is wrong with the scenario itself."""

    def that(self, requirement: str, ok: object, saw: object = None) -> bool:
        """Record whether a requirement holds here, and what was seen; more than once: each time must hold."""
        if requirement not in self.declared.proves:
            self.faults.append(f"records {requirement!r}, which it does not declare")
        self.seen.setdefault(requirement, []).append(Seen(bool(ok), shown(saw)))
        return bool(ok)

    def equal(self, requirement: str, saw: object, want: object) -> bool:
        """Record whether what was seen is what the requirement wants."""
        return self.that(requirement, saw == want, _Unequal(saw, want))

    def need(self, ok: object, what: str, saw: object = None) -> None:
        """Go no further unless this is so; what was not recorded by then has failed."""
        if not ok:
            raise Broken(f"{what}; saw {shown(saw)}" if saw is not None else what)


@dataclass(frozen=True, slots=True)
class _Unequal:
    saw: object
    want: object


def shown(saw: object) -> str:
    """Return what was seen as a report may print it: one line, bounded, whatever it is."""
    if saw is None:
        return ""
    if isinstance(saw, _Unequal):
        return f"{shown(saw.saw) or None} instead of {shown(saw.want) or None}"
    try:
        text = saw if isinstance(saw, str) else _plain(saw)
    except Exception as fault:  # noqa: BLE001 - a repr may do anything, and the check counts all the same
        text = f"<{type(saw).__name__}, which cannot be shown: {type(fault).__name__}>"
    text = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return text if len(text) <= _SAW else f"{text[:_SAW]}… ({len(text)} characters)"


def _plain(saw: Any) -> str:
    if isinstance(saw, dict | list):
        try:
            return json.dumps(saw, ensure_ascii=False)
        except (TypeError, ValueError):
            pass
    if isinstance(saw, bytes) and len(saw) > _SAW:
        return f"{saw[:_SAW]!r}… ({len(saw)} bytes)"
    return repr(saw)
