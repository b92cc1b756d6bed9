"""`execd kernels install`: languages are made to run here, one by one, and each is tried by cells.

What is there is used first, then what package managers of this machine give. A directory that cannot be written to, or
a network that is not there, is no fault as long as nothing is lacking.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from execd import app
from execd.chosen import Chosen
from execd.kernel.doctor import Doctor
from execd.kernel.home import kernels_dir
from execd.kernel.installing import go, java, node, python
from execd.kernel.installing.means import Means, Missing
from execd.kernel.installing.outcome import Outcome, told
from execd.kernel.installing.place import alone
from execd.kernel.installing.preparing import prepare
from execd.kernel.installing.recipes import RECIPES
from execd.kernel.installing.system import apt_install
from execd.kernel.installing.wanted import TOOLS, Wanted
from execd.versions.choice import VARIABLES, NoSuchVersion
from execd.versions.places import PROGRAMS, Tool
from execd.versions.places import TOOLS as TOOLS_OF_ALL
from execd.versions.toolchain import Toolchain

if TYPE_CHECKING:
    from execd.kernel.interpreter import Interpreter
    from execd.kernel.spec import Spec
    from execd.settings import Settings

_OBTAIN: Final = {"python": python.obtain, "node": node.obtain, "java": java.obtain, "go": go.obtain}
_ROUNDS: Final = 5
"""Fetching, preparing and looking again, with some to spare."""


async def install(wanted: Sequence[Wanted], settings: Settings, *, as_json: bool) -> int:
    """Install what is wanted, tell of it on standard output, and return 0 if all of it is served."""
    os.umask(0o022)
    outcomes: list[Outcome] = []
    for each in wanted:
        outcome = await _Installation(each, settings).run()
        outcomes.append(outcome)
        if not as_json:
            print(told(outcome), flush=True)
    if as_json:
        rows = [{**msgspec.to_builtins(outcome), "served": outcome.well} for outcome in outcomes]
        print(json.dumps({"languages": rows}, indent=2))
    return 0 if all(outcome.well for outcome in outcomes) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Serving:
    """A kernel that serves."""

    spec: Spec
    interpreter: Interpreter


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lack:
    """What has to be made next: an interpreter, or what a kernel needs of it."""

    spec: Spec | None = None
    interpreter: Interpreter | None = None
    python: Toolchain | None = None
    why: str = ""


class _Installation:
    """One language on its way."""

    def __init__(self, wanted: Wanted, settings: Settings) -> None:
        self._wanted = wanted
        self._tool: Tool | None = TOOLS.get(wanted.language)
        self._settings = _only(settings, self._tool, wanted.version)
        self._outcome = Outcome(language=wanted.language, wanted=wanted.version)
        self._given_up: dict[str, Missing] = {}
        """Kernels that could not be prepared."""
        self._asked_for = False
        """Whether the interpreter has been fetched already."""

    async def run(self) -> Outcome:
        begun = time.monotonic()
        try:
            serving = await self._serving()
            await self._verify(serving)
        except Missing as missing:
            self._outcome.missing, self._outcome.commands = str(missing), missing.commands
        except OSError as error:
            self._outcome.missing = f"{error.filename or ''}: {error.strerror or error}".removeprefix(": ")
        self._outcome.took_s = round(time.monotonic() - begun, 1)
        return self._outcome

    async def _serving(self) -> _Serving:
        for _ in range(_ROUNDS):
            if isinstance(state := await self._look(), _Serving):
                return state
            kernels = kernels_dir(self._settings.kernels_dir, self._environment(), root=os.geteuid() == 0)
            print(f"{self._wanted.language}: making what is lacking in {kernels}", file=sys.stderr, flush=True)
            async with alone(kernels):
                # Somebody else may have made it meanwhile.
                if isinstance(state := await self._look(), _Serving):
                    return state
                await self._mend(state, kernels)
        raise Missing(f"{self._wanted.language} is not served after all that was installed")

    def _environment(self) -> dict[str, str]:
        return Chosen(self._settings).environment

    # ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _look(self) -> _Serving | _Lack:
        chosen = Chosen(self._settings)
        try:
            await chosen.choose()
        except NoSuchVersion as none:
            chosen.close()
            return _Lack(why=str(none))
        try:
            return await self._look_with(chosen)
        finally:
            chosen.close()

    async def _look_with(self, chosen: Chosen) -> _Serving | _Lack:
        daemon = app.build(self._settings, root=os.getppid(), environment=chosen.environment)
        try:
            languages = daemon.services.code.languages
            specs = languages.candidates(self._wanted.language)
            if not specs:
                raise Missing(f"there is no kernel of {self._wanted.language} yet")
            for spec in specs:
                if found := await languages.interpreter(spec, {}):
                    return _Serving(spec=spec, interpreter=found)
                preparable = spec.kernel in RECIPES and spec.kernel not in self._given_up
                if preparable and (found := await languages.unprepared(spec)):
                    return _Lack(spec=spec, interpreter=found)
            why = languages.doubts(self._wanted.language) or ""
        finally:
            await daemon.close()
        if self._tool == "python" and (python := chosen.toolchains.get("python") or await _given(chosen)):
            return _Lack(python=python, why=why)
        return _Lack(why=why)

    # ── what is done about it ────────────────────────────────────────────────────────────────────────────────────────

    async def _mend(self, lack: _Lack, kernels: str) -> None:
        chosen = Chosen(self._settings)
        try:
            with suppress(NoSuchVersion):
                await chosen.choose()
            done = await self._mended(lack, Means(environment=chosen.environment, kernels=kernels), chosen)
        finally:
            chosen.close()
        if done is not None:
            self._outcome.installed.append(done)

    async def _mended(self, lack: _Lack, means: Means, chosen: Chosen) -> str | None:
        if lack.spec is not None and lack.interpreter is not None:
            try:
                return await prepare(means, lack.spec, RECIPES[lack.spec.kernel], lack.interpreter)
            except Missing as missing:
                self._given_up[lack.spec.kernel] = missing
                return None
        if lack.python is not None:
            return await self._add_ipykernel(lack.python, means)
        return await self._fetch(lack, means)

    async def _fetch(self, lack: _Lack, means: Means) -> str:
        if self._given_up:
            raise next(iter(self._given_up.values()))
        if self._asked_for:
            raise Missing(lack.why or f"{self._wanted.language} is not served by what was installed")
        self._asked_for = True
        if self._tool is None:
            return await apt_install(means, [self._wanted.language])
        wish = self._wish()
        there = means.which(PROGRAMS[self._tool])
        try:
            got = await _OBTAIN[self._tool](means, wish)
        except Missing as missing:
            said = f"{lack.why}; {missing}" if lack.why else str(missing)
            raise Missing(said, *missing.commands) from None
        if wish is None and there is not None:
            # What PATH gives will not do, and is still first on it.
            self._insist(got.version)
        return f"{self._tool} {got.version} {got.source}"

    async def _add_ipykernel(self, found: Toolchain, means: Means) -> str:
        if self._asked_for:
            raise Missing(f"{found.path} has no ipykernel, although it was installed")
        self._asked_for = True
        if self._wish() is not None:
            return await python.add_kernel(means, found)
        for way in (python.into_itself, python.into_ours):
            with suppress(Missing):
                return await way(means, found)
        done = await python.add_kernel(means, found)
        self._insist(found.version)
        return done

    def _wish(self) -> str | None:
        return getattr(self._settings, f"{self._tool}_version") if self._tool else None

    def _insist(self, version: str) -> None:
        if self._tool is not None:
            self._settings = msgspec.structs.replace(self._settings, **{f"{self._tool}_version": version})
            self._outcome.hint = f"serves a daemon that is started with {VARIABLES[self._tool]}={version}"

    # ── whether it works ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _verify(self, serving: _Serving) -> None:
        chosen = Chosen(self._settings)
        await chosen.choose()
        daemon = app.build(self._settings, root=os.getppid(), environment=chosen.environment)
        try:
            contexts = await daemon.services.code.apart(serving.spec)
            try:
                findings = await Doctor(contexts, daemon.services.registry, serving.spec).examine()
            finally:
                await contexts.close()
        finally:
            await daemon.close()
            chosen.close()
        self._outcome.findings = findings
        self._outcome.version = serving.interpreter.language_version
        self._outcome.kernel = f"{serving.spec.kernel} {serving.interpreter.kernel_version}".strip()
        self._outcome.program = serving.interpreter.path


async def _given(chosen: Chosen) -> Toolchain | None:
    """Return the Python that PATH gives."""
    return next((each for each in (await chosen.versions("python"))["python"] if each.on_path), None)


def _only(settings: Settings, tool: Tool | None, version: str | None) -> Settings:
    """Return settings in which nothing is chosen but the version of one tool."""
    kept = {f"{each}_version": None for each in TOOLS_OF_ALL if each != tool}
    wish = {f"{tool}_version": version} if tool and version else {}
    return msgspec.structs.replace(settings, **kept, **wish, pool=(), pool_lazy=True)
