"""Installed versions: what each program that was found says of itself, in files beside it or when it is asked."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from execd.versions.number import parse
from execd.versions.places import Places, Tool

Ask = Callable[[Sequence[Sequence[str]], Mapping[str, str]], Awaitable[Sequence[str]]]
"""Runs programs with some variables beside the usual ones, and returns what each has written; "" where it failed."""

_ABOUT_PYTHON: Final = """\
import sys, importlib.util as u
print("%d.%d.%d" % sys.version_info[:3], u.find_spec("ipykernel") is not None, sys.executable)"""
QUESTIONS: Final[dict[Tool, tuple[str, ...]]] = {
    "python": (
        "-c",
        _ABOUT_PYTHON,
    ),
    "node": ("-p", "process.versions.node + ' true ' + process.execPath"),
    "java": ("-XshowSettings:properties", "-version"),
    "go": ("env", "GOVERSION", "GOROOT"),
}
_ANSWER: Final = re.compile(r"^(\d\S*) (true|false) (/.*)$", re.MULTILINE | re.IGNORECASE)
_MODULES: Final = ("jdk.jshell", "jdk.compiler")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """One installed version of one tool."""

    tool: Tool
    version: str
    path: str
    """Its program."""
    complete: bool = True
    """Whether it has what cells need, as far as that can be seen."""
    on_path: bool = False
    """Whether it is what PATH gives."""
    prepared: bool = False
    """Whether it was installed by us."""

    @property
    def bin(self) -> str:
        """The directory of its programs."""
        return os.path.dirname(self.path)

    @property
    def home(self) -> str:
        """The directory above it."""
        return os.path.dirname(self.bin)


async def installed(tool: Tool, places: Places, ask: Ask) -> list[Toolchain]:
    """Return the versions of a tool, in the order in which they were found: ours, those on PATH, others."""
    first = places.on_path("python3" if tool == "python" else tool)
    found = [
        Toolchain(tool=tool, version="", path=path, on_path=path == first, prepared=prepared)
        for path, prepared in _distinct(tool, places.programs(tool))
    ]
    read = [_read(each) for each in found]
    asked = [each for each, known in zip(found, read, strict=True) if known is None]
    answers = iter(await ask([[each.path, *QUESTIONS[tool]] for each in asked], {"GOTOOLCHAIN": "local"}))
    known = [each or _heard(of, next(answers)) for of, each in zip(found, read, strict=True)]
    return _once(each for each in known if each is not None)


def _distinct(tool: Tool, programs: Iterator[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    seen: set[str] = set()
    for path, prepared in programs:
        key = identity(tool, path)
        if key not in seen:
            seen.add(key)
            yield path, prepared


def _once(found: Iterator[Toolchain]) -> list[Toolchain]:
    # What a program on PATH only passes its arguments on to is found twice.
    kept: dict[str, Toolchain] = {}
    for each in found:
        key = identity(each.tool, each.path)
        before = kept.get(key)
        kept[key] = each if before is None else replace(before, on_path=before.on_path or each.on_path)
    return list(kept.values())


def identity(tool: Tool, path: str) -> str:
    """Return what two names of one program have in common; an environment of Python's is one of its own."""
    real = os.path.realpath(path)
    home = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    return f"{real} in {home}" if tool == "python" and os.path.exists(f"{home}/pyvenv.cfg") else real


def _read(found: Toolchain) -> Toolchain | None:
    """Return what files beside a program tell."""
    if found.tool == "java":
        return _read_java(found)
    return _read_go(found) if found.tool == "go" else None


def _read_java(found: Toolchain) -> Toolchain | None:
    there = replace(found, path=os.path.realpath(found.path))
    told = dict(re.findall(r'^(\w+)="(.*)"$', _text(f"{there.home}/release"), re.MULTILINE))
    if parse(told.get("JAVA_VERSION", "")) is None:
        return None
    modules = told.get("MODULES", "").split()
    return replace(there, version=told["JAVA_VERSION"], complete=not modules or set(_MODULES) <= set(modules))


def _read_go(found: Toolchain) -> Toolchain | None:
    there = replace(found, path=os.path.realpath(found.path))
    version = _text(f"{there.home}/VERSION").partition("\n")[0].removeprefix("go")
    return replace(there, version=version) if parse(version) and version[:1].isdigit() else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


def _heard(found: Toolchain, answer: str) -> Toolchain | None:
    """Return what a program has told of itself, None where that makes no sense."""
    if found.tool == "java":
        told = dict(re.findall(r"^\s*(java\.\w+) = (.*)$", answer, re.MULTILINE))
        version, path, complete = told.get("java.version", ""), told.get("java.home", "") + "/bin/java", True
    elif found.tool == "go":
        version, _, root = answer.strip().removeprefix("go").partition("\n")
        path, complete = f"{root}/bin/go", True
    else:
        line = _ANSWER.search(answer)
        version, complete, path = (line[1], line[2].lower() == "true", line[3]) if line else ("", False, "")
    if parse(version) is None:
        return None
    # A program that only passes its arguments on is not taken for the one that answers.
    return replace(found, version=version, complete=complete, path=path if os.access(path, os.X_OK) else found.path)
