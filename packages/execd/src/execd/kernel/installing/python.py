"""Python: ipykernel for one that has none, in the environment that it is, or in one that is made for it."""

from __future__ import annotations

import glob
import os
import secrets
import sys
from pathlib import Path
from typing import Final

from execd.kernel.installing.means import Means, Missing, Obtained
from execd.kernel.installing.place import remove
from execd.kernel.installing.system import apt_candidates, apt_install, command_for
from execd.kernel.installing.wheels import QUICK, pip
from execd.versions.number import parse
from execd.versions.toolchain import Toolchain

PINS: Final = Path(__file__).parent / "ipykernel.txt"
_PINNED_FROM: Final = (3, 11)
_OLDEST: Final = (3, 9)
_ABOUT: Final = """\
import os, sysconfig as s
print(os.path.exists(s.get_path("stdlib") + "/EXTERNALLY-MANAGED"), s.get_path("purelib"))"""


async def obtain(means: Means, wish: str | None) -> Obtained:
    """Install a Python that the system has as a package, and return it; raises `Missing`."""
    number = parse(wish) if wish else None
    name = f"python{number[0]}.{number[1]}" if number and len(number) > 1 else "python3"
    if means.which("apt-get") and await apt_candidates(means, rf"^{name}-venv$"):
        return Obtained(name.removeprefix("python"), await apt_install(means, [name, f"{name}-venv"]))
    hints = [f"pyenv install {wish}"] if wish and means.which("pyenv") else []
    hints += [f"uv python install {wish}"] if wish and means.which("uv") else []
    raise Missing(f"no python {wish or ''}".rstrip() + " is here, nor a package of it", *hints, *command_for("python"))


async def add_kernel(means: Means, python: Toolchain) -> str:
    """Give ipykernel to a Python, and return what was done; raises `Missing`.

    An environment gets it itself; of others one is made among the toolchains, in which everything of theirs can be
    imported too.
    """
    if (parse(python.version) or ()) < _OLDEST:
        raise Missing(f"python {python.version} is too old for ipykernel")
    if os.path.exists(f"{python.home}/pyvenv.cfg"):
        return await _install(means, python.path)
    return await _environment(means, python)


async def into_itself(means: Means, python: Toolchain) -> str:
    """Give ipykernel to a Python where that is an environment, or nobody else's; raises `Missing`."""
    if os.path.exists(f"{python.home}/pyvenv.cfg") or await _is_nobody_elses(means, python):
        return await _install(means, python.path)
    raise Missing(f"{python.path} is the system's")


async def into_ours(means: Means, _: Toolchain) -> str:
    """Give ipykernel to the environment that is the daemon's own; raises `Missing`."""
    if sys.prefix == sys.base_prefix:
        raise Missing(f"{sys.executable} is no environment")
    return await _install(means, sys.executable)


async def _is_nobody_elses(means: Means, python: Toolchain) -> bool:
    told = (await means.run([python.path, "-c", _ABOUT], limit_s=30)).splitlines()[-1]
    managed, _, packages = told.partition(" ")
    return managed == "False" and os.access(packages, os.W_OK)


async def _install(means: Means, python: str, *, base: str | None = None) -> str:
    version = await means.run([python, "-c", "import sys; print(*sys.version_info[:2])"], limit_s=30)
    pinned = tuple(map(int, version.split())) >= _PINNED_FROM
    wanted = ("--require-hashes", "-r", str(PINS)) if pinned else ("ipykernel",)
    argv = (python, "-m", "pip")
    try:
        await means.run([*argv, "install", "-q", *QUICK, *wanted], envs={"PIP_REQUIRE_VIRTUALENV": "0"})
    except Missing as missing:
        raise Missing(
            f"{base or python} gets no ipykernel: {missing}", f"{base or python} -m pip install ipykernel"
        ) from None
    return f"ipykernel{'' if pinned else ' (not pinned)'} into {python}"


async def _environment(means: Means, python: Toolchain) -> str:
    place = f"{means.toolchains}/python-{python.version}"
    # Its programs name its directory: it is made where it stays, and found by a link, once it is whole.
    made = f"{means.kernels}/environments/python-{python.version}-{secrets.token_hex(4)}"
    os.makedirs(os.path.dirname(made), exist_ok=True)
    os.makedirs(means.toolchains, exist_ok=True)
    try:
        await _make(means, python.path, made)
        done = await _install(means, f"{made}/bin/python", base=python.path)
        _link(made, place)
    except BaseException:
        remove(made)
        raise
    for other in glob.glob(f"{glob.escape(means.kernels)}/environments/python-{python.version}-*"):
        if other != made:
            remove(other)
    return f"an environment of {python.path} in {place}; {done}"


async def _make(means: Means, python: str, made: str) -> None:
    flags = ("--system-site-packages",)
    try:
        await means.run([python, "-m", "venv", *flags, made])
    except Missing:
        # Debian's has no pip to put into it; another one can.
        remove(made)
        by = await pip(means)
        if by is None:
            raise Missing(f"{python} has no pip", *command_for("python")) from None
        await means.run([python, "-m", "venv", *flags, "--without-pip", made])
        await means.run([*by, "--python", f"{made}/bin/python", "install", "-q", *QUICK, "--ignore-installed", "pip"])


def _link(made: str, place: str) -> None:
    beside = f"{os.path.dirname(place)}/.part-{secrets.token_hex(4)}"
    os.symlink(made, beside)
    os.replace(beside, place)
