"""Pin what `tools/constraints/*.in` ask for, with the hash of every file: `python tools/lock.py [--upgrade]`.

Needs `uv` beside the interpreter (`pip install uv`), which resolves for all Pythons at once. `--upgrade` takes the
newest of everything; without it pins stay where they still fit. No index is written: the files serve behind any mirror.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

CONSTRAINTS: Final = Path(__file__).resolve().parent / "constraints"
COPY: Final = CONSTRAINTS.parent.parent / "packages/execd/src/execd/kernel/installing/ipykernel.txt"
# The widest first: it decides for the others.
SETS: Final = ("dev", "tests", "run", "daemon", "kernel", "data", "wheel", "nox")
FLAGS: Final = ("--universal", "--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet")


def compile_pins(name: str, *extra: str) -> None:
    """Write `NAME.txt` from `NAME.in`, agreeing with the widest set."""
    agree = [] if name == SETS[0] else ["--constraint", f"{SETS[0]}.txt"]
    command = [sys.executable, "-m", "uv", "pip", "compile", f"{name}.in", "--output-file", f"{name}.txt"]
    subprocess.run([*command, *FLAGS, *agree, *extra], cwd=CONSTRAINTS, check=True)


def hand_over() -> None:
    """Give the daemon its copy of what `execd kernels install python` installs."""
    COPY.write_text((CONSTRAINTS / "kernel.txt").read_text("utf-8"), "utf-8")


if __name__ == "__main__":
    for each in SETS:
        compile_pins(each, *sys.argv[1:])
    hand_over()
