"""What a language's profile holds; what a language cannot do is None in it, and its scenarios know that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Code that fails, and what its error says."""

    code: str
    name: str
    """The error's `ename`."""
    says: str
    """What is in its `evalue`, or beside that in its traceback or on standard error."""
    line: int | None
    """The line of the cell that the traceback or standard error names; None where the language tells none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """What the published kernel takes by itself, spoken to by Jupyter's own client on a machine with two processors."""

    kernel: str
    start_ms: float
    """From its start until it first answers."""
    warm_ms: float
    """A cell of next to nothing, until both reply and idle are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language; texts hold letters and digits only, unless they are called any."""

    name: str
    bare: Bare
    says: Callable[[str], str]
    """Code that prints a line, and sends it at once."""
    warns: Callable[[str], str]
    """Code that prints a line to standard error."""
    keeps: Callable[[str], str]
    """Code that keeps a text under the name `kept`."""
    tells: str
    """Code that prints what `kept` holds; where there is none, it prints an empty line or fails."""
    directory: str
    """Code that prints the directory in which it runs."""
    variable: Callable[[str], str]
    """Code that prints a variable of the environment, an empty line where there is none."""
    value: tuple[str, str] | None
    """Code with a value, and the text of that; None where there is no such thing."""
    library: tuple[str, str]
    """Code that uses the standard library, and what it prints."""
    defines: tuple[str, str]
    """Two cells that define a function `twice` and something of a type, the second on top of the first."""
    uses: tuple[str, str]
    """Code of a third cell that uses both, and what it prints."""
    redefines: tuple[str, str]
    """Code that defines `twice` anew, and what `uses` prints then."""
    fails: tuple[str, str]
    """Code that fails when it runs, and the name of its error."""
    raises: Failure
    """Code that fails when it runs, below a line that it does not fail in."""
    unreadable: Failure
    """Code that fails before it runs, below a line that is all right."""
    no_code: str
    """What is no code of this language."""
    spins: str
    """Code that computes for ever."""
    sleeps: Callable[[float], str]
    """Code that waits for some seconds."""
    ticks: str
    """Code that prints `tick` every now and then, for ever; it waits between, so that live is told from fast."""
    stubborn: str | None
    """Code that goes on for ever whatever interrupts it, and prints `begun` when it has come so far; None where
    there is no such code that means no harm."""
    dies: tuple[str, ...]
    """Ways of code to end its kernel: by a signal, and by an exit that the language does not see, where it has one."""
    stops: str
    """Code whose kernel stands still."""
    counts: Callable[[int], str]
    """Code that prints the numbers below some number, each in a line."""
    any_text: Callable[[str], str]
    """Code that prints a line of any text."""
    weighs: str
    """Code that prints what Linux tells of the process that it runs in, `/proc/self/status`."""
    starts_late: tuple[str, str] | None = None
    """Code that starts a program which prints `late` when told, and code of a later cell that tells it and waits."""
