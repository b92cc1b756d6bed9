"""All scenarios and what they declare, known without running any."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from execd_conformance import scenarios
from execd_conformance.checks import Declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario: the name that its checks begin with, its file, and what it declares."""

    name: str
    module: str
    """The file without `.py`."""
    declared: Declared

    @property
    def checks(self) -> list[str]:
        """The names of its checks."""
        return [f"{self.name}/{requirement}" for requirement in self.declared.proves]

    def is_named_by(self, pattern: str) -> bool:
        """Whether a pattern means it: a glob of its name, file, area or a check, or a part of one of them."""
        wanted = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
        names = (self.name, self.module, self.declared.area, *self.checks)
        return any(fnmatchcase(name, wanted) for name in names)


def of(function: object, *, module: str) -> Scenario | None:
    """Return the scenario that a test function is, if it is one."""
    for mark in getattr(function, "pytestmark", ()):
        if mark.name == "scenario" and mark.args and isinstance(mark.args[0], Declared):
            name = str(getattr(function, "__name__", "")).removeprefix("test_")
            return Scenario(name=name, module=module.rpartition(".")[2], declared=mark.args[0])
    return None


@cache
def load() -> tuple[Scenario, ...]:
    """Return every scenario of the suite, in the order of files and of lines."""
    found = []
    for each in sorted(pkgutil.iter_modules(scenarios.__path__), key=lambda info: info.name):
        if not each.name.startswith("test_"):
            continue
        module = importlib.import_module(f"{scenarios.__name__}.{each.name}")
        functions = [value for name, value in vars(module).items() if name.startswith("test_")]
        found += [one for function in functions if (one := of(function, module=each.name)) is not None]
    return tuple(found)


def selected(known: Iterable[Scenario], *, profile: str, only: Iterable[str]) -> list[Scenario]:
    """Return those of a profile that one of the patterns means; without patterns, all of the profile."""
    patterns = list(only)
    return [
        each
        for each in known
        if profile in each.declared.profiles and (not patterns or any(map(each.is_named_by, patterns)))
    ]


def names_of_tests(module: object) -> list[str]:
    """Return the names of a module's test functions that are no scenarios: each is a mistake."""
    return [
        name
        for name, value in vars(module).items()
        if name.startswith("test_") and inspect.isfunction(value) and of(value, module="") is None
    ]
