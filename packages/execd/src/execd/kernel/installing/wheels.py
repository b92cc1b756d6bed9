"""Wheels that carry an interpreter: fetched by whichever pip is here, and not installed."""

from __future__ import annotations

import glob
import sys
from collections.abc import Sequence

from execd.kernel.installing.means import Means, Missing

QUICK = ("--disable-pip-version-check", "--no-input", "--timeout", "15", "--retries", "1")


async def pip(means: Means) -> tuple[str, ...] | None:
    """Return the arguments by which some pip is run, None where there is none."""
    for python in (means.which("python3"), sys.executable):
        if python is not None and await _has_pip(means, python):
            return python, "-m", "pip"
    return None


async def _has_pip(means: Means, python: str) -> bool:
    try:
        await means.run([python, "-c", "import pip"], limit_s=20)
    except Missing:
        return False
    return True


async def fetch(means: Means, name: str, version: str, *, hashes: Sequence[str], into: str) -> str:
    """Return the path of a wheel for this machine; if there are hashes, only they will do. Raises `Missing`."""
    by = await pip(means)
    if by is None:
        raise Missing(f"there is no pip to fetch {name} with")
    listed = f"{into}/wanted.txt"
    _write(listed, f"{name}=={version}" + "".join(f" --hash=sha256:{each}" for each in hashes))
    await means.run([*by, "download", "-q", *QUICK, "--no-deps", "--only-binary=:all:", "-d", into, "-r", listed])
    return glob.glob(f"{glob.escape(into)}/*.whl")[0]


def _write(path: str, line: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{line}\n")
