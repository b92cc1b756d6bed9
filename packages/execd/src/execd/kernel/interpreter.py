"""Which program runs a language's cells: the sandbox's own where it has the kernel, else the daemon's."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from execd.errors import InternalFault
from execd.kernel.spawned import Spawned
from execd.kernel.spec import Spec, Version
from execd.process.child import Program

PROBE_LIMIT_S: Final = 20.0
_SHORT: Final = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""What says nothing of the program, only that nothing can be started now."""
Stamp = tuple[int, int] | None
"""Which state of a file it is; None while there is none."""


class Answer(msgspec.Struct, frozen=True):
    """What a probe prints: versions, the kernel's None where it was not found in the `searched` directories."""

    language: str
    kernel: str | None
    searched: list[str]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that has the kernel, the versions of both, and the directory with what was prepared for kernels."""

    path: str
    language_version: str
    kernel_version: str
    kernels: str = ""

    def command(self, spec: Spec) -> tuple[str, ...]:
        """Return the arguments by which it becomes the kernel."""
        return tuple(self.fill(spec, part) for part in spec.argv)

    def fill(self, spec: Spec, part: str) -> str:
        """Return an argument, or a path, with what is known of the interpreter put in."""
        known = {"interpreter": self.path, "version": self.language_version, "kernels": self.kernels}
        for name, value in known.items():
            part = part.replace(f"{{{name}}}", value)
        return part.replace("{stamp}", stamp(spec.sources)) if "{stamp}" in part else part


@cache
def stamp(sources: tuple[str, ...]) -> str:
    """Return what changes when one of the files does."""
    found = hashlib.sha256()
    for path in sources:
        found.update(Path(path).read_bytes())
    return found.hexdigest()[:12]


class Interpreters:
    """Finds interpreters by asking them, and asks again when something has changed.

    Who had the kernel is trusted until its file changes, who had not until something is put into a directory that it
    searched. What was prepared for kernels is looked for in each of the directories `kernels`.
    """

    def __init__(self, kernels: Sequence[str] = ()) -> None:
        self._kernels = kernels
        self._known: dict[tuple[str, str], tuple[Answer, dict[str, Stamp]]] = {}
        self._silent: dict[tuple[str, str], str] = {}
        """By kernel and program, why it gave no answer when it was asked last."""

    async def find(self, spec: Spec, environment: Mapping[str, str], directory: str) -> Interpreter | None:
        """Return the interpreter for cells that start in this environment, None where there is none with the kernel."""
        for path in _candidates(spec, environment):
            answer = await self._ask(spec, path, environment, directory)
            found = self._prepared(spec, path, answer) if answer is not None and answer.kernel is not None else None
            if found is not None:
                return found
        return None

    async def unprepared(self, spec: Spec, environment: Mapping[str, str], directory: str) -> Interpreter | None:
        """Return the interpreter that would do if what the kernel needs were prepared."""
        for path in _candidates(spec, environment):
            answer = await self._ask(spec, path, environment, directory)
            if answer is not None and answer.kernel is not None:
                return Interpreter(path, answer.language, answer.kernel)
        return None

    def silence(self, spec: Spec) -> str | None:
        """Return which program could not serve when it was asked for this kernel last, and why."""
        told = (f"{path} {why}" for (kernel, path), why in self._silent.items() if kernel == spec.kernel)
        return next(told, None)

    def forget(self, interpreter: Interpreter) -> None:
        """Ask anew next time: a kernel did not start."""
        self._known = {key: known for key, known in self._known.items() if key[1] != interpreter.path}

    def _prepared(self, spec: Spec, path: str, answer: Answer) -> Interpreter | None:
        for kernels in (*self._kernels, ""):
            found = Interpreter(path, answer.language, answer.kernel or "", kernels)
            if all(os.path.exists(found.fill(spec, needed)) for needed in spec.needs):
                return found
        self._silent[spec.kernel, path] = f"({answer.language}) is not prepared: execd kernels install {spec.language}"
        return None

    async def _ask(self, spec: Spec, path: str, environment: Mapping[str, str], directory: str) -> Answer | None:
        kernel = spec.kernel
        known, stamps = self._known.get((kernel, path), (None, {}))
        if known is not None and all(_stamp(name) == stamp for name, stamp in stamps.items()):
            return known
        if spec.probe is not None:
            answer = await _probe([path, spec.probe], environment, directory)
        elif spec.version is not None:
            answer = await _version(spec.version, path, environment, directory)
        else:
            answer = Answer("", "", [])
        if isinstance(answer, str):
            self._silent[kernel, path] = answer
            return None
        self._silent.pop((kernel, path), None)
        if answer.kernel is None:
            wanted = f"{spec.language}@{answer.language}"
            self._silent[kernel, path] = f"({answer.language}) has no {kernel}: execd kernels install {wanted}"
        watched = [path] if answer.kernel is not None else [path, *answer.searched]
        self._known[kernel, path] = answer, {name: _stamp(name) for name in watched}
        return answer


def _candidates(spec: Spec, environment: Mapping[str, str]) -> list[str]:
    on_path = shutil.which(spec.interpreter, path=environment.get("PATH", os.defpath))
    return [path for path in (on_path, *spec.fallbacks) if path]


def _stamp(path: str) -> Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


async def _probe(argv: Sequence[str], environment: Mapping[str, str], directory: str) -> Answer | str:
    """Return what a program answers, or why it does not."""
    code, last, why = await _run(argv, environment, directory)
    if why is not None:
        return f"gives no answer: {why}"
    if code != 0:
        return f"gives no answer: {last[-1] if last else f'it exited with status {code}'}"
    return _answer(last[-1:])


async def _version(asked: Version, path: str, environment: Mapping[str, str], directory: str) -> Answer | str:
    """Return the version that an interpreter tells, or why it will not do."""
    _, words, why = await _run([path, *asked.arguments], environment, directory)
    if why is not None:
        return f"gives no answer: {why}"
    found = re.search(asked.pattern, "\n".join(words))
    if found is None:
        return f"does not tell its version: {words[-1] if words else 'it printed nothing'}"
    version = found[1]
    if tuple(int(part) for part in re.findall(r"\d+", version)) < asked.at_least:
        return f"is {version}, and {'.'.join(map(str, asked.at_least))} is needed"
    return Answer(version, "", [])


async def _run(
    argv: Sequence[str], environment: Mapping[str, str], directory: str
) -> tuple[int | None, tuple[str, ...], str | None]:
    """Return a program's exit code and last words, or why it has none of its own."""
    try:
        asked = Spawned(Program(argv=argv, environment=dict(environment), directory=directory))
    except OSError as error:
        if error.errno in _SHORT:
            raise InternalFault(f"{argv[0]} cannot be asked for its kernel: {error.strerror}") from None
        return None, (), error.strerror or str(error)
    try:
        async with asyncio.timeout(PROBE_LIMIT_S):
            death = await asked.exited()
    except TimeoutError:
        return None, (), f"it takes more than {PROBE_LIMIT_S:g} s"
    finally:
        await asked.bury()
    words = asked.words()
    if death.exit_code is None:
        return None, words, words[-1] if words else str(death).replace("the kernel", "it", 1)
    return death.exit_code, words, None


def _answer(last: Sequence[str]) -> Answer | str:
    # What a start-up file of the sandbox prints comes before it.
    try:
        return msgspec.json.decode(last[0] if last else "", type=Answer)
    except msgspec.DecodeError:
        return f"gives no answer: {last[0] if last else 'it printed nothing'}"
