"""Kernels that somebody has installed for Jupyter: found by name where the sandbox's programs would look for them.

A kernelspec tells how a kernel is started, and nothing of its quirks: it is taken to be careless, as most are,
unless `remedies` knows better.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from execd.kernel.remedies import remedied
from execd.kernel.spec import Spec
from execd.kernel.specs import SPECS

SILENCE_S: Final = 2.0
LIMITS: Final = ("envs: not for a single run",)
_SYSTEM: Final = ("/usr/local/share/jupyter", "/usr/share/jupyter")


def names(environment: Mapping[str, str]) -> list[str]:
    """Return the names of all kernelspecs."""
    found: dict[str, None] = {}
    for directory in _directories(environment):
        for name in _entries(directory):
            if os.path.isfile(f"{directory}/{name}/kernel.json"):
                found[name] = None
    return sorted(found)


def find(name: str, language: str, environment: Mapping[str, str]) -> Spec | None:
    """Return a kernelspec as a kernel of a language; None where none of that name can be read."""
    if name != os.path.basename(name):
        return None
    for directory in _directories(environment):
        told = _read(f"{directory}/{name}/kernel.json")
        if told is not None:
            return remedied(_spec(name, language, f"{directory}/{name}", told))
    return None


def _directories(environment: Mapping[str, str]) -> Iterator[str]:
    home = environment.get("HOME", "")
    data = environment.get("XDG_DATA_HOME") or f"{home}/.local/share"
    yield from (f"{path}/kernels" for path in environment.get("JUPYTER_PATH", "").split(os.pathsep) if path)
    yield f"{environment.get('JUPYTER_DATA_DIR') or f'{data}/jupyter'}/kernels"
    # A package that brings a kernel puts its kernelspec beside the programs of its environment.
    for path in environment.get("PATH", os.defpath).split(os.pathsep):
        if os.path.basename(path) == "bin":
            yield f"{os.path.dirname(path)}/share/jupyter/kernels"
    yield from (f"{path}/kernels" for path in _SYSTEM)


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
    except (OSError, ValueError):
        return None
    usable = isinstance(told, dict) and isinstance(told.get("argv"), list) and told["argv"]
    return told if usable and all(isinstance(part, str) for part in told["argv"]) else None


def _spec(name: str, language: str, directory: str, told: Mapping[str, Any]) -> Spec:
    program, *arguments = (part.replace("{resource_dir}", directory) for part in told["argv"])
    envs = told.get("env")
    known = SPECS.get(language, ())
    return Spec(
        language=language,
        kernel=name,
        driver="jupyter",
        interpreter=program,
        fallbacks=(),
        probe=None,
        trial=replace(known[0].trial, ename=None) if known and known[0].trial else None,
        argv=("{interpreter}", *arguments),
        envs={str(key): str(value) for key, value in envs.items()} if isinstance(envs, dict) else {},
        transport="tcp",
        interrupt="message" if told.get("interrupt_mode") == "message" else "signal",
        silence_s=SILENCE_S,
        limits=LIMITS,
    )
