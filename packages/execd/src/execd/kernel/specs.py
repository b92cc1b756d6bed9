"""Languages as data: what they are called, how their kernel is started and spoken to, and what is peculiar about it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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


# Base64 holds no quote and no escape, so values are data whatever is in them; arguments of lambdas are no names that a
# user's code could see, and a silent request leaves neither history nor line numbers.
_SWAP_PYTHON: Final = """\
(lambda b, j, e: (lambda new: (lambda old: (
    [e.__setitem__(k, v) if v is not None else e.pop(k, None) for k, v in new.items()],
    b.b64encode(j.dumps(old).encode()).decode(),
)[1])({k: e.get(k) for k in new}))(j.loads(b.b64decode('{values}'))))(
    __import__('base64'), __import__('json'), __import__('os').environ)"""

_FIXED_PYTHON: Final = (
    # The dynamic loader and the C library, the interpreter, and where modules and configurations are looked for.
    *("LD_*", "MALLOC_*", "GLIBC_TUNABLES", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TEMP", "TMP"),
    *("PYTHON*", "VIRTUAL_ENV", "HOME", "XDG_*", "IPYTHON*", "JUPYTER_*", "JPY_*", "PYDEVD_*", "DEBUGPY_*", "COV*"),
)

PYTHON: Final = Spec(
    language="python",
    kernel="ipykernel",
    driver="jupyter",
    interpreter="python3",
    fallbacks=(sys.executable,),
    probe=str(RESOURCES / "probe_python.py"),
    argv=(
        "{interpreter}",
        str(RESOURCES / "kernel_python.py"),
        # One file for the history of all kernels of a user would let cells read each other's, and lock each other out.
        "--HistoryManager.enabled=False",
        # Errors are text for whoever reads them; `%colors` asks for others.
        "--InteractiveShell.colors=nocolor",
        "-f",
        "{connection_file}",
    ),
    trial=Trial(
        result="6 * 7",
        shows="42",
        error="1 / 0",
        ename="ZeroDivisionError",
        endless="while True: pass",
    ),
    run_envs="any",
    swap_envs=_SWAP_PYTHON,
    end_of_input="\x04",
    adoptable=Adoptable(fixed=_FIXED_PYTHON, fork_server=str(RESOURCES / "fork_python.py")),
)

_TRIAL_BASH: Final = Trial(
    result="echo $((6 * 7))",
    shows="42",
    error="(exit 3)",
    ename="CommandExecError",
    endless="while :; do :; done",
)
_NO_RESULTS: Final = "results: what a command has to say is its output"

BASH: Final = Spec(
    language="bash",
    kernel="bash",
    driver="shell",
    interpreter="bash",
    fallbacks=("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"),
    probe=str(RESOURCES / "probe_bash.bash"),
    trial=_TRIAL_BASH,
    run_envs="identifiers",
    limits=(_NO_RESULTS, "input: standard input of commands is empty"),
)

BASH_KERNEL: Final = Spec(
    language="bash",
    kernel="bash_kernel",
    driver="jupyter",
    interpreter="python3",
    fallbacks=(sys.executable,),
    probe=str(RESOURCES / "probe_bash_kernel.py"),
    trial=replace(_TRIAL_BASH, ename=""),
    argv=("{interpreter}", str(RESOURCES / "kernel_bash_kernel.py"), "-f", "{connection_file}"),
    limits=(
        _NO_RESULTS,
        "input: a command that reads waits until it is interrupted",
        "stderr: comes as stdout",
        "envs: not for a single run",
        "output: a message for each line, quadratic in its length",
    ),
)

_JAVA: Final = RESOURCES / "java"

JAVA: Final = Spec(
    language="java",
    kernel="java",
    driver="worker",
    interpreter="java",
    fallbacks=(),
    # One question for both: which version it is, and whether it has what cells are compiled with.
    version=Version(
        arguments=("--describe-module", "jdk.jshell"), pattern=r"jdk\.jshell@(\d+(?:\.\d+)*)", at_least=(11,)
    ),
    trial=Trial(
        result="6 * 7",
        shows="42",
        error="int no = 1 / 0;",
        ename="EvalException",
        endless="while (true);",
    ),
    # Written last by who prepares it: what this java is started with.
    needs=("{kernels}/java-{version}-{stamp}/options",),
    sources=tuple(sorted(map(str, _JAVA.rglob("*.java")))),
    argv=("{interpreter}", "@{kernels}/java-{version}-{stamp}/options", "{take}", "{tell}"),
    # Java takes the encoding of names of files and variables from here alone.
    envs={"LC_CTYPE": "C.UTF-8"},
    run_envs="any",
    end_of_input="\x04",
)

_GO: Final = RESOURCES / "go"
_PREPARED_GO: Final = "{kernels}/go-{version}-{stamp}"

GO: Final = Spec(
    language="go",
    kernel="go",
    driver="worker",
    interpreter="go",
    fallbacks=(),
    version=Version(arguments=("version",), pattern=r"go version go(\d+\.\d+(?:\.\d+)?)", at_least=(1, 22)),
    trial=Trial(
        result="6 * 7",
        shows="42",
        error='panic("no")',
        ename="panic",
        endless="for {\n}",
    ),
    # Written last: where the compiler of this toolchain lies.
    needs=(f"{_PREPARED_GO}/toolchain.json",),
    sources=tuple(sorted(str(path) for path in _GO.rglob("*") if path.suffix in (".go", ".s", ".mod"))),
    argv=(f"{_PREPARED_GO}/worker", "{take}", "{tell}", "{interpreter}"),
    run_envs="any",
    limits=("input: standard input is empty", "imports: Go's own packages, neither modules nor cgo"),
)

_NODE: Final = RESOURCES / "node"

JAVASCRIPT: Final = Spec(
    language="javascript",
    kernel="javascript",
    driver="worker",
    interpreter="node",
    fallbacks=(),
    version=Version(arguments=("--version",), pattern=r"^v(\d+\.\d+\.\d+)", at_least=(18,)),
    trial=Trial(
        result="6 * 7",
        shows="42",
        error="null.nothing",
        ename="TypeError",
        endless="for (;;);",
    ),
    # Execution ends wherever an interrupt finds it, in Node's own callbacks too, which then do not add up for it.
    argv=("{interpreter}", "--no-force-async-hooks-checks", str(_NODE / "main.js"), "{take}", "{tell}"),
    run_envs="any",
    end_of_input="\x04",
    limits=("input: by prompt() alone; standard input is empty",),
)

TYPESCRIPT_PACKAGE: Final = "5.9.3"
_PREPARED_TYPESCRIPT: Final = f"{{kernels}}/typescript-{TYPESCRIPT_PACKAGE}-node-{{version}}"

TYPESCRIPT: Final = replace(
    JAVASCRIPT,
    language="typescript",
    kernel="typescript",
    # Written last: the compiler as this Node compiles it.
    needs=(f"{_PREPARED_TYPESCRIPT}/compiled",),
    argv=(*JAVASCRIPT.argv, _PREPARED_TYPESCRIPT),
    limits=(*JAVASCRIPT.limits, "types: taken away, not checked"),
)

SPECS: Final[dict[str, tuple[Spec, ...]]] = {
    "python": (PYTHON,),
    "bash": (BASH, BASH_KERNEL),
    "java": (JAVA,),
    "go": (GO,),
    "javascript": (JAVASCRIPT,),
    "typescript": (TYPESCRIPT,),
}
"""Language → kernels in order of preference; the first that is installed serves."""
