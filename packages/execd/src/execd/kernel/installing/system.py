"""The system's packages: installed where we may, else told by the command that would."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from typing import Final

from execd.kernel.installing.means import Means, Missing
from execd.kernel.installing.place import part

_COMMANDS: Final = {
    "apt-get": "apt-get install -y",
    "apk": "apk add",
    "dnf": "dnf install -y",
    "microdnf": "microdnf install -y",
    "zypper": "zypper install -y",
    "pacman": "pacman -S --noconfirm",
    "brew": "brew install",
}
_NAMES: Final[dict[str, dict[str, str]]] = {
    "python": {"apt-get": "python3 python3-venv python3-pip", "apk": "python3 py3-pip", "pacman": "python python-pip"},
    "node": {"apt-get": "nodejs npm", "apk": "nodejs npm", "dnf": "nodejs npm", "pacman": "nodejs npm"},
    "java": {
        "apt-get": "default-jre-headless",
        "apk": "openjdk21-jre-headless",
        "dnf": "java-latest-openjdk-headless",
        "microdnf": "java-17-openjdk-headless",
        "pacman": "jre-openjdk-headless",
        "brew": "openjdk",
    },
    "go": {"apt-get": "golang-go", "dnf": "golang", "microdnf": "golang"},
}
_ENVIRONMENT: Final = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
_QUICK: Final = (
    *("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"),
    *("-o", "DPkg::Lock::Timeout=120"),
)


def command_for(tool: str) -> tuple[str, ...]:
    """Return the command that gets a tool on this system, none where nobody is known who would."""
    for program, command in _COMMANDS.items():
        if shutil.which(program):
            return (f"{command} {_NAMES.get(tool, {}).get(program, tool)}",)
    return ()


async def apt_candidates(means: Means, pattern: str) -> list[str]:
    """Return the Debian packages of names like this that could be installed; none where nobody asks for some."""
    if means.which("apt-cache") is None:
        return []
    told = await means.run(["apt-cache", "search", "--names-only", pattern], envs=_ENVIRONMENT, limit_s=60)
    return [line.partition(" ")[0] for line in told.splitlines() if re.match(pattern, line.partition(" ")[0])]


async def apt_install(means: Means, packages: Sequence[str]) -> str:
    """Install Debian packages, and return what was done; raises `Missing`, with the command that would."""
    command = f"apt-get install -y {' '.join(packages)}"
    if means.which("apt-get") is None:
        raise Missing("there is no apt-get here")
    if not means.root:
        raise Missing(f"only root may install {' '.join(packages)}", command)
    with part(means.toolchains) as archives:
        # Of our own: whoever updates meanwhile may empty the one that all share.
        options = [*_QUICK, "-o", f"Dir::Cache::archives={archives}"]
        argv = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *options, *packages]
        try:
            await means.run(argv, envs=_ENVIRONMENT, limit_s=900)
        except Missing as missing:
            raise Missing(str(missing), "apt-get update", command) from None
    return f"{' '.join(packages)} by apt-get"


async def apt_update(means: Means) -> None:
    """Ask for the lists of packages, where that is possible."""
    if means.root and means.which("apt-get"):
        await means.run(["apt-get", "update", "-q", *_QUICK], envs=_ENVIRONMENT, limit_s=300)
