"""Which program runs a language's cells: the sandbox's own where it has the kernel, else the daemon's."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from execd.kernel.spawned import Spawned
from execd.kernel.specs import Spec
from execd.process.child import Program

PROBE_LIMIT_S: Final = 20.0


class Versions(msgspec.Struct, frozen=True):
    """What a probe prints."""

    language: str
    kernel: str


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that has the kernel, and the versions of both."""

    path: str
    versions: Versions


class Interpreters:
    """Finds interpreters by asking them; who had the kernel once is not asked again as long as the file is the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int, int], Interpreter] = {}

    async def find(self, spec: Spec, environment: Mapping[str, str], directory: str) -> Interpreter | None:
        """Return the interpreter for cells that start in this environment, None where there is none with the kernel."""
        for path in _candidates(spec, environment):
            if found := await self._ask(spec, path, environment, directory):
                return found
        return None

    def forget(self, interpreter: Interpreter) -> None:
        """Ask anew next time: a kernel did not start."""
        self._known = {key: known for key, known in self._known.items() if known.path != interpreter.path}

    async def _ask(self, spec: Spec, path: str, environment: Mapping[str, str], directory: str) -> Interpreter | None:
        try:
            status = os.stat(path)
        except OSError:
            return None
        key = (spec.kernel, path, status.st_ino, status.st_mtime_ns)
        if (known := self._known.get(key)) is None:
            versions = await _probe([path, spec.probe], environment, directory)
            if versions is None:
                return None
            known = self._known[key] = Interpreter(path, versions)
        return known


def _candidates(spec: Spec, environment: Mapping[str, str]) -> list[str]:
    on_path = shutil.which(spec.interpreter, path=environment.get("PATH", os.defpath))
    own = sys.executable if spec.own_interpreter else None
    return [path for path in (on_path, own) if path]


async def _probe(argv: Sequence[str], environment: Mapping[str, str], directory: str) -> Versions | None:
    try:
        asked = Spawned(Program(argv=argv, environment=dict(environment), directory=directory))
    except OSError:
        return None
    try:
        async with asyncio.timeout(PROBE_LIMIT_S):
            death = await asked.exited()
    except TimeoutError:
        return None
    finally:
        await asked.bury()
    return _versions(asked.words()) if death.exit_code == 0 else None


def _versions(words: Sequence[str]) -> Versions | None:
    # What a start-up file of the sandbox prints comes before it.
    try:
        return msgspec.json.decode(words[-1] if words else "", type=Versions)
    except msgspec.DecodeError:
        return None
