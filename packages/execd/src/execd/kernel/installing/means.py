"""What an installation can use: this machine's programs, its package managers among them, and a directory."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from execd.kernel.spawned import Spawned
from execd.process.child import Program

_TELLING: Final = re.compile(
    r"error|fail|cannot|can't|denied|unable|no such|not found|unreachable|refused", re.IGNORECASE
)
_NO_NETWORK: Final = re.compile(
    r"EAI_AGAIN|ENOTFOUND|ENETUNREACH|ECONNREFUSED|ETIMEDOUT|Name or service not known|Network is unreachable"
    r"|Temporary failure (?:in name resolution|resolving)|no such host|Connection refused|Connection timed out"
    r"|[Rr]ead timed out|i/o timeout|Could not resolve",
    re.IGNORECASE,
)
"""What programs say then beside much else; pip that nothing matches."""
_SAYING_NOTHING: Final = re.compile(
    r"complete log|debug log|\bnotice\b|^npm (error|ERR!) *$|pip version", re.IGNORECASE
)


class Missing(Exception):
    """Something is not here and could not be had, in one line; `commands` would get it."""

    def __init__(self, message: str, *commands: str) -> None:
        super().__init__(message)
        self.commands = commands


class Obtained(NamedTuple):
    """An interpreter that was not here before."""

    version: str
    source: str
    """Where it comes from, after its name and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """`kernels` is the directory to prepare in, `environment` that of the programs that are run."""

    environment: Mapping[str, str]
    kernels: str
    root: bool = field(default_factory=lambda: os.geteuid() == 0)

    @property
    def toolchains(self) -> str:
        """Where versions of interpreters go."""
        return f"{self.kernels}/toolchains"

    def which(self, name: str) -> str | None:
        """Return a program by its name."""
        return shutil.which(name, path=self.environment.get("PATH", os.defpath))

    async def run(
        self,
        argv: Sequence[str],
        *,
        directory: str = "/",
        envs: Mapping[str, str] | None = None,
        limit_s: float = 600,
    ) -> str:
        """Return what a program has written; raises `Missing` with the line in which it says why it failed."""
        name = os.path.basename(argv[0])
        environment = {**self.environment, **(envs or {})}
        try:
            spawned = Spawned(Program(argv=argv, environment=environment, directory=directory))
        except OSError as error:
            raise Missing(f"{name} cannot be run: {error.strerror or error}") from None
        death = None
        try:
            async with asyncio.timeout(limit_s):
                death = await spawned.exited()
        except TimeoutError:
            raise Missing(f"{name} has taken more than {limit_s:g} s") from None
        finally:
            text = spawned.text()
            await spawned.bury()
        if death.exit_code != 0:
            raise Missing(f"{name} failed: {reason(text) or death}")
        return text


def reason(text: str) -> str:
    """Return the line of a program's output that says best why it failed, or that it found no network."""
    if unreached := _NO_NETWORK.search(text):
        return f"it finds no network ({unreached[0]})"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _SAYING_NOTHING.search(line)]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines or [""])[-1][:300]
