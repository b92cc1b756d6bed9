"""A copy of this tree to plant violations in, and the checks of noxfile.py to run on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import noxfile

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".nox", ".venv*", "dist", "__pycache__", ".hypothesis", ".pytest_cache")


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the tree."""

    root: Path

    @classmethod
    def made_in(cls, folder: Path) -> Copy:
        """Copy what is there, committed or not; caches of the checkers come along."""
        shutil.copytree(ROOT, folder / "tree", ignore=LEFT_OUT)
        return cls(folder / "tree")

    @contextlib.contextmanager
    def planted(self, where: str, text: str) -> Iterator[None]:
        """Append to a file, or make it; as it was afterwards."""
        path = self.root / where
        before = path.read_text() if path.exists() else None
        path.write_text((before or '"""Planted."""\n') + text)
        try:
            yield
        finally:
            if before is None:
                path.unlink()
            else:
                path.write_text(before)

    def run(self, command: tuple[str, ...]) -> tuple[int, str]:
        """Run a command of a check here, on these sources; return its status and what it said."""
        sources = ":".join(str(self.root / package / "src") for package in noxfile.PACKAGES)
        outcome = subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env={**os.environ, **noxfile.on_path(sys.executable), "PYTHONPATH": sources},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=150,
            check=False,
        )
        return outcome.returncode, outcome.stdout
