"""What languages are called, and what is to be known of a kernel that serves one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

RESOURCES: Final = Path(__file__).parent / "resources"
"""Programs for other interpreters: they import nothing of ours."""

ALIASES: Final[dict[str, str]] = {
    "python": "python",
    "py": "python",
    "python3": "python",
    "java": "java",
    "javascript": "javascript",
    "js": "javascript",
    "node": "javascript",
    "typescript": "typescript",
    "ts": "typescript",
    "go": "go",
    "golang": "go",
    "bash": "bash",
    "sh": "bash",
    "shell": "bash",
}
"""Every name that a request may use → the name in answers; whether a kernel is there is another question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Three cells that tell whether a kernel does what it is there for."""

    result: str
    """A cell whose value, or else whose output, is `shows`."""
    shows: str
    error: str
    """A cell that fails."""
    ename: str | None
    """What its error is called; None where that is not known."""
    endless: str
    """A cell that has to be interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """How an interpreter is asked for its version."""

    arguments: tuple[str, ...]
    pattern: str
    """What its first group finds in the output is the version; where it finds nothing, the interpreter will not do."""
    at_least: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoptable:
    """A kernel that can wait, and take over the directory and the variables of a context later."""

    fixed: tuple[str, ...]
    """Variables, `*` for any end, that it reads at its start: who has others of these needs a kernel of its own."""
    fork_server: str | None = None
    """A program that forks such kernels, each started with what follows the program in `argv`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One language as one kernel serves it.

    In `argv`, `{interpreter}` is the program that was found and `{version}` its version, `{kernels}` the directory with
    what was prepared for kernels, `{stamp}` that of the sources, `{connection_file}` what the kernel is to read,
    `{take}` and `{tell}` the descriptors that a worker reads and writes. A live shell is started by whoever drives it.
    """

    language: str
    kernel: str
    """Its name; of a kernel in Python, that of its module."""
    driver: Literal["jupyter", "shell", "worker"]
    """What it is spoken to by: Jupyter's messages, as a live shell, or by lines of JSON (docs/workers.md)."""
    interpreter: str
    """What is looked for on the sandbox's PATH."""
    fallbacks: tuple[str, ...]
    """What will do where the sandbox has none."""
    trial: Trial | None
    probe: str | None = None
    """A program that prints an `interpreter.Answer`."""
    version: Version | None = None
    """How the interpreter is asked for its version, where there is no probe; with neither, its being there will do."""
    needs: tuple[str, ...] = ()
    """Files without which it is not installed; those below `{kernels}` are made by `execd kernels install`."""
    sources: tuple[str, ...] = ()
    """What these are made of: `{stamp}` changes with it."""
    argv: tuple[str, ...] = ()
    envs: Mapping[str, str] = field(default_factory=dict)
    """Variables that it is started with, unless others are given."""
    transport: Literal["ipc", "tcp"] = "ipc"
    interrupt: Literal["signal", "message"] = "signal"
    silence_s: float = 1.0
    """How long nothing must come after one of reply and idle, until it stands in for the other."""
    run_envs: Literal["any", "identifiers"] | None = None
    """Which names the variables of a single run may have; None where it can have none of its own."""
    swap_envs: str | None = None
    """An expression that swaps variables for others: `{values}` is base64 of JSON, and so is its value."""
    end_of_input: str | None = None
    """The answer to a request for input that means there is none; None where the kernel knows no such thing."""
    limits: tuple[str, ...] = ()
    """What it cannot do that others can."""
    adoptable: Adoptable | None = None
    """None where each context has to wait for the start of its kernel."""


def aliases(language: str) -> list[str]:
    """Return the other names of a language."""
    return [alias for alias, name in ALIASES.items() if name == language != alias]
