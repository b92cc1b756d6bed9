"""Which program runs a language's cells: the sandbox's own where it has the kernel, else the daemon's."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from execd.errors import InternalFault
from execd.kernel.spawned import Spawned
from execd.kernel.specs import Spec
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
    """A program that has the kernel, and the versions of both."""

    path: str
    language_version: str
    kernel_version: str


class Interpreters:
    """Finds interpreters by asking them, and asks again when something has changed.

    Who had the kernel is trusted until its file changes, who had not until something is put into a directory that it
    searched.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Answer, dict[str, Stamp]]] = {}
        self._silent: dict[tuple[str, str], str] = {}
        """By kernel and program, why it gave no answer when it was asked last."""

    async def find(self, spec: Spec, environment: Mapping[str, str], directory: str) -> Interpreter | None:
        """Return the interpreter for cells that start in this environment, None where there is none with the kernel."""
        if spec.probe is None:
            return next((Interpreter(path, "", "") for path in _candidates(spec, environment)), None)
        for path in _candidates(spec, environment):
            answer = await self._ask(spec.kernel, [path, spec.probe], environment, directory)
            if answer is not None and answer.kernel is not None:
                return Interpreter(path, answer.language, answer.kernel)
        return None

    def silence(self, spec: Spec) -> str | None:
        """Return which program gave no answer when it was asked for this kernel last, and why."""
        told = (
            f"{path} gives no answer: {why}" for (kernel, path), why in self._silent.items() if kernel == spec.kernel
        )
        return next(told, None)

    def forget(self, interpreter: Interpreter) -> None:
        """Ask anew next time: a kernel did not start."""
        self._known = {key: known for key, known in self._known.items() if key[1] != interpreter.path}

    async def _ask(
        self, kernel: str, question: Sequence[str], environment: Mapping[str, str], directory: str
    ) -> Answer | None:
        path = question[0]
        known, stamps = self._known.get((kernel, path), (None, {}))
        if known is not None and all(_stamp(name) == stamp for name, stamp in stamps.items()):
            return known
        answer = await _probe(question, environment, directory)
        if isinstance(answer, str):
            self._silent[kernel, path] = answer
            return None
        self._silent.pop((kernel, path), None)
        watched = [path] if answer.kernel else [path, *answer.searched]
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
    try:
        asked = Spawned(Program(argv=argv, environment=dict(environment), directory=directory))
    except OSError as error:
        if error.errno in _SHORT:
            raise InternalFault(f"{argv[0]} cannot be asked for its kernel: {error.strerror}") from None
        return error.strerror or str(error)
    try:
        async with asyncio.timeout(PROBE_LIMIT_S):
            death = await asked.exited()
    except TimeoutError:
        return f"it takes more than {PROBE_LIMIT_S:g} s"
    finally:
        await asked.bury()
    last = asked.words()[-1:]
    if death.exit_code != 0:
        return last[0] if last else str(death).replace("the kernel", "it", 1)
    return _answer(last)


def _answer(last: Sequence[str]) -> Answer | str:
    # What a start-up file of the sandbox prints comes before it.
    try:
        return msgspec.json.decode(last[0] if last else "", type=Answer)
    except msgspec.DecodeError:
        return last[0] if last else "it printed nothing"
