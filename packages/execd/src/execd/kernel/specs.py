"""Languages as data: what they are called, how their kernel is started and spoken to, and what is peculiar about it."""

from __future__ import annotations

from dataclasses import dataclass
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
class Spec:
    """One language as one kernel serves it.

    In `argv`, `{interpreter}` is the program that the probe has found, `{connection_file}` what the kernel is to read.
    """

    language: str
    kernel: str
    """Its name; of a kernel in Python, that of its module."""
    interpreter: str
    """What is looked for on the sandbox's PATH."""
    own_interpreter: bool
    """Whether the daemon's own interpreter will do where the sandbox has none."""
    probe: str
    """A program that prints an `interpreter.Answer`."""
    argv: tuple[str, ...]
    transport: Literal["ipc", "tcp"]
    interrupt: Literal["signal", "message"]
    silence_s: float
    """How long nothing must come after one of reply and idle, until it stands in for the other."""
    swap_envs: str | None
    """An expression that swaps variables for others: `{values}` is base64 of JSON, and so is its value."""
    end_of_input: str | None
    """The answer to a request for input that means there is none; None where the kernel knows no such thing."""
    limits: tuple[str, ...] = ()


def aliases(language: str) -> list[str]:
    """Return the other names of a language."""
    return [alias for alias, name in ALIASES.items() if name == language != alias]


# Base64 holds no quote and no escape, so values are data whatever is in them; arguments of lambdas are no names that a
# user's code could see, and a silent request leaves neither history nor line numbers.
_SWAP_PYTHON: Final = """\
(lambda b, j, e: (lambda new: (lambda old: (
    [e.__setitem__(k, v) if v is not None else e.pop(k, None) for k, v in new.items()],
    b.b64encode(j.dumps(old).encode()).decode(),
)[1])({k: e.get(k) for k in new}))(j.loads(b.b64decode('{values}'))))(
    __import__('base64'), __import__('json'), __import__('os').environ)"""

PYTHON: Final = Spec(
    language="python",
    kernel="ipykernel",
    interpreter="python3",
    own_interpreter=True,
    probe=str(RESOURCES / "probe_python.py"),
    argv=(
        "{interpreter}",
        str(RESOURCES / "kernel_python.py"),
        # One file for the history of all kernels of a user would let cells read each other's, and lock each other out.
        "--HistoryManager.enabled=False",
        "-f",
        "{connection_file}",
    ),
    transport="ipc",
    interrupt="signal",
    silence_s=1.0,
    swap_envs=_SWAP_PYTHON,
    end_of_input="\x04",
)

SPECS: Final[dict[str, tuple[Spec, ...]]] = {"python": (PYTHON,)}
"""Language → kernels in order of preference; the first that is installed serves."""
