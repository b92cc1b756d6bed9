"""Languages as data: how their kernels are started and spoken to, and what is peculiar about each."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Final

from execd.kernel.spec import RESOURCES, Adoptable, Spec, Trial, Version

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
