"""Small file systems that fill up, or take nothing at all."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(at: Path, options: str = "size=1m") -> Iterator[Path]:
    """Give a file system in memory at a directory, which is made; skips the test where that is not allowed."""
    at.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk; run the tests as root")
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "execd-test", at], check=False, timeout=30)
    if mount.returncode:
        pytest.skip("mounting is not allowed here; run the tests with CAP_SYS_ADMIN")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", at], check=True, timeout=30)


def remounted(at: Path, options: str) -> None:
    """Change how it is mounted."""
    subprocess.run(["mount", "-o", f"remount,{options}", at], check=True, timeout=30)


def names(at: Path) -> list[str]:
    """Return every path below a directory, hidden ones too."""
    return sorted(str(path.relative_to(at)) for path in at.rglob("*"))
