"""Languages as profiles: how each says what the scenarios of all languages have to say.

A language that is to be served has one; what it cannot do is left None, and its scenarios know that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language; texts hold letters and digits only, unless they are called any."""

    name: str
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
    fails: tuple[str, str]
    """Code that fails when it runs, and the name of its error."""
    no_code: str
    """What is no code of this language."""
    spins: str
    """Code that computes for ever."""
    sleeps: Callable[[float], str]
    """Code that waits for some seconds."""
    stubborn: str
    """Code that goes on for ever whatever interrupts it."""
    dies: tuple[str, ...]
    """Ways of code to end its kernel: by a signal, and by an exit that the language does not see, where it has one."""
    stops: str
    """Code whose kernel stands still."""
    counts: Callable[[int], str]
    """Code that prints the numbers below some number, each in a line."""
    any_text: Callable[[str], str]
    """Code that prints a line of any text."""
    starts_late: tuple[str, str] | None
    """Code that starts a program which prints `late` when told, and code of a later cell that tells it and waits."""


def _python_text(text: str) -> str:
    return f"print({text!r}, flush=True)"


PYTHON: Final = Language(
    name="python",
    says=_python_text,
    warns=lambda text: f"import sys; print({text!r}, file=sys.stderr)",
    keeps=lambda text: f"kept = {text!r}",
    tells="print(kept)",
    directory="import os; print(os.getcwd())",
    variable=lambda name: f"import os; print(os.environ.get({name!r}, ''))",
    value=("6 * 7", "42"),
    fails=("1 / 0", "ZeroDivisionError"),
    no_code="def (:",
    spins="while True: pass",
    sleeps=lambda seconds: f"import time; time.sleep({seconds})",
    stubborn="import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(0.01)",
    dies=("import os; os.kill(os.getpid(), 9)", "import os; os._exit(3)"),
    stops="import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    counts=lambda number: f"for each in range({number}): print(each)",
    any_text=_python_text,
    starts_late=(
        "import subprocess as s; p = s.Popen('read x; echo late', shell=True, stdin=s.PIPE)",
        "_ = p.communicate(b'go\\n')",
    ),
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


BASH: Final = Language(
    name="bash",
    says=lambda text: f"echo {text}",
    warns=lambda text: f"echo {text} >&2",
    keeps=lambda text: f"kept={text}",
    tells='echo "$kept"',
    directory="pwd",
    variable=lambda name: f'echo "${name}"',
    value=None,
    fails=("(exit 3)", "CommandExecError"),
    no_code="if then fi",
    spins="while :; do :; done",
    sleeps=lambda seconds: f"sleep {seconds}",
    stubborn="trap '' INT; while :; do sleep 0.01; done",
    dies=("kill -9 $$",),
    stops="kill -STOP $$",
    counts=lambda number: f"for ((each = 0; each < {number}; each++)); do echo $each; done",
    any_text=lambda text: f"printf '%s\\n' {_quoted(text)}",
    starts_late=None,
)

LANGUAGES: Final = {each.name: each for each in (PYTHON, BASH)}
