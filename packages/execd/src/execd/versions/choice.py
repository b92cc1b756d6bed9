"""The choice among installed versions: which one is meant, and what of the environment changes with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from execd.versions.number import matches, parse
from execd.versions.places import NAMES, Places, Tool
from execd.versions.toolchain import Toolchain, identity

VARIABLES: Final[dict[Tool, str]] = {
    "python": "PYTHON_VERSION",
    "node": "NODE_VERSION",
    "java": "JAVA_VERSION",
    "go": "GO_VERSION",
}
_SHARED: Final = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
_LINKED: Final[dict[Tool, tuple[str, ...]]] = {
    "python": ("pip", "pip3"),
    "node": ("npm", "npx", "corepack"),
    "java": ("javac", "jshell", "jar", "keytool"),
    "go": ("gofmt",),
}


class NoSuchVersion(Exception):
    """No installed version is meant, in one line that names those that are installed; `hint` says what would help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def choose(tool: Tool, wish: str, found: Sequence[Toolchain]) -> Toolchain:
    """Return the version that is meant by a wish such as 3.12; raises `NoSuchVersion`.

    What PATH gives comes first, then what we have installed, each where cells can run in it; else it is the newest.
    """
    number = parse(wish)
    if number is None:
        raise NoSuchVersion(f"{VARIABLES[tool]}: {wish[:32]!r} is no version of {tool}{_installed(found)}")
    meant = [each for each in found if matches(number, parse(each.version) or ())]
    if not meant:
        message = f"{VARIABLES[tool]}: {tool} {wish.strip()} is not installed{_installed(found)}"
        raise NoSuchVersion(message, f"try: execd kernels install {tool}@{wish.strip()}")
    return max(meant, key=_preference)


def _preference(each: Toolchain) -> tuple[object, ...]:
    complete = each.complete
    first = (each.on_path and complete, each.prepared and complete, each.on_path, complete)
    return (*first, parse(each.version) or ())


def _installed(found: Iterable[Toolchain]) -> str:
    return f"; installed: {', '.join(versions(found)) or 'none'}"


def versions(found: Iterable[Toolchain]) -> list[str]:
    """Return each version once, the newest last."""
    return sorted({each.version for each in found}, key=lambda text: parse(text) or ())


def agrees(chosen: Toolchain, places: Places) -> bool:
    """Whether PATH gives the chosen version by every name already."""
    given = (places.on_path(name) for name in NAMES[chosen.tool])
    own = identity(chosen.tool, chosen.path)
    return all(path is not None and identity(chosen.tool, path) == own for path in given)


def links(chosen: Toolchain) -> dict[str, str]:
    """Return names and programs that stand for the version, where its directory cannot be put in front of PATH.

    None are needed where that has every name of it, and holds nothing but it.
    """
    own = identity(chosen.tool, chosen.path)
    there = {name: f"{chosen.bin}/{name}" for name in NAMES[chosen.tool]}
    whole = all(os.path.exists(path) and identity(chosen.tool, path) == own for path in there.values())
    if whole and chosen.bin not in _SHARED:
        return {}
    suffix = os.path.basename(chosen.path).removeprefix("python3")
    beside = {name: f"{chosen.bin}/{name}" for name in _LINKED[chosen.tool]}
    if chosen.tool == "python" and suffix:
        beside = dict.fromkeys((*beside, f"pip3{suffix}"), f"{chosen.bin}/pip3{suffix}")
    extra = {name: path for name, path in beside.items() if os.path.exists(path)}
    return {**dict.fromkeys((*NAMES[chosen.tool], os.path.basename(chosen.path)), chosen.path), **extra}


def variables(chosen: Toolchain, environment: Mapping[str, str]) -> dict[str, str | None]:
    """Return what variables beside PATH have to be for a version; None is unset."""
    if chosen.tool == "java":
        return {"JAVA_HOME": chosen.home}
    if chosen.tool == "python":
        # Tools, and IPython, trust it more than they do the Python that they run in.
        own = chosen.home if os.path.exists(f"{chosen.home}/pyvenv.cfg") else None
        return {"VIRTUAL_ENV": own, "PYTHONHOME": None}
    if chosen.tool == "go":
        changed: dict[str, str | None] = {"GOROOT": chosen.home} if environment.get("GOROOT") else {}
        return {**changed, "GOTOOLCHAIN": "local"} if environment.get("GOTOOLCHAIN", "").startswith("go") else changed
    return {}
