"""What everything that runs starts with: the daemon's environment, with the versions that were asked for first on PATH.

A version whose directory holds nothing else is put in front of PATH; for one among the system's programs there is a
directory of links, or the system's programs would hide those that came first before.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from execd import settings as options
from execd.directory import Directory
from execd.kernel.home import kernels_dirs
from execd.kernel.spawned import Spawned
from execd.process.child import Program
from execd.settings import Settings, SettingsError
from execd.versions.choice import NoSuchVersion, agrees, choose, links, variables
from execd.versions.number import parse
from execd.versions.places import PROGRAMS, TOOLS, Places, Tool
from execd.versions.toolchain import Toolchain, installed

_LIMIT_S: Final = 20.0


def wishes(settings: Settings) -> dict[Tool, str]:
    """Return the versions that are asked for."""
    wished = {tool: getattr(settings, f"{tool}_version") for tool in TOOLS}
    return {tool: wish for tool, wish in wished.items() if wish}


class Chosen:
    """The environment of runs; `close` removes what was made for it."""

    def __init__(self, settings: Settings) -> None:
        self.environment = options.children_environment(settings)
        self.toolchains: dict[Tool, Toolchain] = {}
        self._kernels = kernels_dirs(settings.kernels_dir, self.environment)
        self._links = Directory(_places(self.environment), open_to_all=True)
        self._wishes = wishes(settings)

    @classmethod
    def of(cls, settings: Settings) -> Chosen:
        """Return the environment of these settings; raises `SettingsError` for a version that is not installed."""
        made = cls(settings)
        if made.is_needed:
            try:
                asyncio.run(made.choose())
            except NoSuchVersion as error:
                made.close()
                raise SettingsError("; ".join(filter(None, (str(error), error.hint)))) from None
            except OSError as error:
                made.close()
                raise SettingsError(f"nowhere to link the chosen versions from: {error.strerror or error}") from None
        return made

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._wishes) or any(os.path.isdir(f"{kernels}/toolchains") for kernels in self._kernels)

    async def choose(self) -> None:
        """Look for the versions, and put them in front; raises `NoSuchVersion`, `OSError`.

        Of what PATH does not give at all, what we have installed is put behind it.
        """
        await self._choose_asked()
        await self._add_lacking()

    async def _choose_asked(self) -> None:
        places = Places(environment=dict(self.environment), kernels=self._kernels)
        found = await asyncio.gather(*(installed(tool, places, self.ask) for tool in self._wishes))
        fronts: list[str] = []
        for (tool, wish), known in zip(self._wishes.items(), found, strict=True):
            chosen = self.toolchains[tool] = choose(tool, wish, known)
            self._set(variables(chosen, self.environment))
            if not agrees(chosen, places):
                fronts.append(self._front(chosen))
        self._put_in_front(fronts)

    async def _add_lacking(self) -> None:
        places = Places(environment=dict(self.environment), kernels=self._kernels)
        lacking = [tool for tool in TOOLS if places.on_path(PROGRAMS[tool]) is None and places.prepared(tool)]
        for found in (await self.versions(*lacking)).values():
            ours = [each for each in found if each.prepared]
            if ours:
                newest = max(ours, key=lambda each: parse(each.version) or ())
                self._set(variables(newest, self.environment))
                self.environment["PATH"] = os.pathsep.join([self.environment.get("PATH", os.defpath), newest.bin])

    async def versions(self, *tools: Tool) -> dict[Tool, list[Toolchain]]:
        """Return what could be chosen."""
        places = Places(environment=dict(self.environment), kernels=self._kernels)
        found = await asyncio.gather(*(installed(tool, places, self.ask) for tool in tools))
        return dict(zip(tools, found, strict=True))

    async def ask(self, programs: Sequence[Sequence[str]], beside: Mapping[str, str]) -> list[str]:
        """Run programs, and return what each has written; "" where it failed."""
        environment = {**self.environment, **beside}
        return list(await asyncio.gather(*(_said(argv, environment) for argv in programs)))

    def close(self) -> None:
        """Remove what was made."""
        self._links.remove()

    def _front(self, chosen: Toolchain) -> str:
        linked = links(chosen)
        if not linked:
            return chosen.bin
        directory = self._links.name()
        os.mkdir(directory)
        os.chmod(directory, 0o755)  # noqa: S103 - commands of other users look into it
        for name, target in linked.items():
            os.symlink(target, f"{directory}/{name}")
        return directory

    def _put_in_front(self, fronts: Sequence[str]) -> None:
        if fronts:
            self.environment["PATH"] = os.pathsep.join([*fronts, self.environment.get("PATH", os.defpath)])

    def _set(self, changed: Mapping[str, str | None]) -> None:
        for name, value in changed.items():
            if value is None:
                self.environment.pop(name, None)
            else:
                self.environment[name] = value


def _places(environment: Mapping[str, str]) -> list[str]:
    # Not in a temporary directory, where that can be had: workloads empty it.
    return [path for path in ("/run", environment.get("XDG_RUNTIME_DIR", ""), "/dev/shm") if path.startswith("/")]  # noqa: S108


async def _said(argv: Sequence[str], environment: Mapping[str, str]) -> str:
    try:
        asked = Spawned(Program(argv=argv, environment=dict(environment), directory="/"))
    except OSError:
        return ""
    death = None
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LIMIT_S):
                death = await asked.exited()
        text = asked.text()
    finally:
        await asked.bury()
    return text if death is not None and death.exit_code == 0 else ""
