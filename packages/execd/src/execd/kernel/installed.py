"""Which kernels there are, as whoever runs a daemon wants to know them."""

from __future__ import annotations

from dataclasses import dataclass

from execd.kernel.interpreter import Interpreter
from execd.kernel.languages import Languages
from execd.kernel.spec import ALIASES, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A kernel that is there: `serves` is whether its language is served by it."""

    spec: Spec
    interpreter: Interpreter
    serves: bool


async def installed(languages: Languages) -> list[Installed]:
    """Return every kernel that is there, language by language, in order of preference."""
    found: list[Installed] = []
    for language in languages.known():
        serves = True
        for spec in languages.candidates(language):
            if interpreter := await languages.interpreter(spec, {}):
                found.append(Installed(spec=spec, interpreter=interpreter, serves=serves))
                serves = False
    return found


def missing(found: list[Installed]) -> list[str]:
    """Return the languages that have a name, but no kernel here."""
    there = {kernel.spec.language for kernel in found}
    return [language for language in dict.fromkeys(ALIASES.values()) if language not in there]
