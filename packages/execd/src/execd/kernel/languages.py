"""Languages by any of their names, and the kernels that serve them here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec

from execd._wire import LanguageInfo
from execd.errors import InternalFault, InvalidRequestBody, LanguageNotSupported
from execd.kernel import kernelspecs
from execd.kernel.interpreter import Interpreter, Interpreters
from execd.kernel.spec import ALIASES, Spec, aliases
from execd.kernel.specs import SPECS


class Languages:
    """Answers which kernel serves a language, and with which interpreter.

    `environment` makes the environment of a program of the variables given with it; probes start in `directory`.
    `preferred` are pairs of a language and the name of a kernel that is to serve it where that is installed; `kernels`
    are directories with what was prepared for kernels; of languages `on_path` no interpreter but that on PATH will do.
    """

    def __init__(
        self,
        environment: Callable[[Mapping[str, str]], dict[str, str]],
        directory: str,
        *,
        default: str | None,
        preferred: Sequence[tuple[str, str]] = (),
        kernels: Sequence[str] = (),
        on_path: frozenset[str] = frozenset(),
    ) -> None:
        self._environment = environment
        self._directory = directory
        self._default = default
        self._preferred = preferred
        self._kernels = kernels
        self._on_path = on_path
        self._interpreters = Interpreters(kernels)
        self._installed: list[str] = []

    async def spec(self, language: str | None, envs: Mapping[str, str]) -> Spec:
        """Return the first kernel that is installed for a language; raises what `canonical` raises."""
        name = await self.canonical(language)
        for spec in self.candidates(name):
            if await self.interpreter(spec, envs):
                return spec
        raise await self._not_supported(name)

    def candidates(self, language: str) -> list[Spec]:
        """Return the kernels that could serve a language, in order of preference, installed or not."""
        named = [self._named(language, kernel) for of, kernel in self._preferred if of == language]
        first = [spec for spec in named if spec is not None]
        specs = [*first, *(spec for spec in SPECS.get(language, ()) if spec not in first)]
        return [replace(spec, fallbacks=()) for spec in specs] if language in self._on_path else specs

    def preferring(self, spec: Spec) -> Languages:
        """Return the same, with one kernel before all others of its language."""
        preferred = [(spec.language, spec.kernel), *self._preferred]
        return Languages(
            self._environment,
            self._directory,
            default=self._default,
            preferred=preferred,
            kernels=self._kernels,
            on_path=self._on_path,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What programs start with, where no variables are given."""
        return self._environment({})

    async def absent(self) -> list[str]:
        """Return which kernels are preferred, but not there, as `language=kernel`."""
        return [
            f"{language}={kernel}"
            for language, kernel in self._preferred
            if (spec := self._named(language, kernel)) is None or await self.interpreter(spec, {}) is None
        ]

    def known(self) -> list[str]:
        """Return the languages that have a kernel, installed or not."""
        return list(dict.fromkeys([*SPECS, *(language for language, _ in self._preferred)]))

    def _named(self, language: str, kernel: str) -> Spec | None:
        own = next((spec for spec in SPECS.get(language, ()) if spec.kernel == kernel), None)
        return own or kernelspecs.find(kernel, language, self._environment({}))

    async def canonical(self, language: str | None) -> str:
        """Return a language's own name, installed or not; None asks for the default language.

        Raises `InvalidRequestBody` where there is no default, `LanguageNotSupported`.
        """
        language = language or self._default
        if not language:
            message = "language: it is needed, since this daemon has no default language"
            raise InvalidRequestBody(message, details={"field": "language"})
        if (name := ALIASES.get(language)) is None:
            raise await self._not_supported(language)
        return name

    async def interpreter(self, spec: Spec, envs: Mapping[str, str]) -> Interpreter | None:
        """Return the program that runs a kernel's cells, None where there is none that has the kernel.

        One that answers only without the variables given is told of too: it says itself what it cannot start with. With
        a PATH among them it is that PATH's or none.
        """
        for given in (envs,) if not envs or "PATH" in envs else (envs, {}):
            if found := await self._interpreters.find(spec, self._environment(given), self._directory):
                return found
        return None

    async def unprepared(self, spec: Spec) -> Interpreter | None:
        """Return the program that would run a kernel's cells if what it needs were prepared."""
        return await self._interpreters.unprepared(spec, self._environment({}), self._directory)

    def doubt(self, interpreter: Interpreter) -> None:
        """Ask it anew next time: a kernel did not start."""
        self._interpreters.forget(interpreter)

    async def installed(self) -> list[str]:
        """Return the names of the languages that are installed; where the daemon has the kernel, nobody is asked.

        While no program can be started that might be asked, they are those of the last time.
        """
        try:
            self._installed = [language for language in self.known() if await self._served(self.candidates(language))]
        except InternalFault:
            if not self._installed:
                raise
        return self._installed

    async def _served(self, specs: Sequence[Spec]) -> bool:
        if any(sys.executable in spec.fallbacks and find_spec(spec.kernel) for spec in specs):
            return True
        for spec in specs:
            if await self.interpreter(spec, {}):
                return True
        return False

    async def infos(self) -> list[LanguageInfo]:
        """Return what is installed."""
        return [info for language in self.known() if (info := await self._info(language)) is not None]

    async def _info(self, language: str) -> LanguageInfo | None:
        for spec in self.candidates(language):
            if found := await self.interpreter(spec, {}):
                return LanguageInfo(
                    name=language,
                    aliases=aliases(language),
                    kernel=f"{spec.kernel} {found.kernel_version}".strip(),
                    version=found.language_version,
                    warm=0,
                    limits=[*spec.limits],
                )
        return None

    def doubts(self, language: str) -> str | None:
        """Return why no kernel of a language serves, as far as a program was asked that could."""
        silent = (self._interpreters.silence(spec) for spec in self.candidates(language))
        return next(filter(None, silent), None)

    async def _not_supported(self, language: str) -> LanguageNotSupported:
        # A program that has the kernel may not start here: what is told as installed is what can be had instead.
        installed = [name for name in await self.installed() if name != language]
        message = f"{language[:64]!r} has no kernel here; installed: {', '.join(installed) or 'none'}"
        if why := self.doubts(language):
            message = f"{message}; {why}"
        return LanguageNotSupported(message, details={"installed": installed})
