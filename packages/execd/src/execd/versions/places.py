"""Where interpreters lie: what is on PATH, and where tools that install several of them put theirs."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Tool = Literal["python", "node", "java", "go"]
TOOLS: Final[tuple[Tool, ...]] = ("python", "node", "java", "go")

PROGRAMS: Final[dict[Tool, str]] = {"python": "python3", "node": "node", "java": "java", "go": "go"}
NAMES: Final[dict[Tool, tuple[str, ...]]] = {
    "python": ("python3", "python"),
    "node": ("node",),
    "java": ("java",),
    "go": ("go",),
}
"""What has to be the same program on PATH."""

_ELSEWHERE: Final[dict[Tool, tuple[str, ...]]] = {
    "python": (
        "{pyenv}/versions/*/bin",
        "{home}/.local/share/uv/python/*/bin",
        "/opt/python*/bin",
        "/opt/conda/bin",
        "/usr/local/python*/bin",
        "/usr/local/bin",
        "/usr/bin",
    ),
    "node": (
        "{nvm}/versions/node/*/bin",
        "{home}/.local/share/fnm/node-versions/*/installation/bin",
        "{home}/.nodenv/versions/*/bin",
        "/usr/local/n/versions/node/*/bin",
        "/usr/local/lib/nodejs/*/bin",
        "/usr/local/node*/bin",
        "/opt/node*/bin",
        "/usr/local/bin",
        "/usr/bin",
    ),
    "java": (
        "{java_home}/bin",
        "/usr/lib/jvm/*/bin",
        "{home}/.sdkman/candidates/java/*/bin",
        "/opt/java*/bin",
        "/opt/jdk*/bin",
        "/opt/*jdk*/bin",
        "/usr/local/*jdk*/bin",
        "/usr/java/*/bin",
        "/usr/bin",
    ),
    "go": (
        "{modules}/golang.org/toolchain@*/bin",
        "/usr/local/go*/bin",
        "/usr/lib/go-*/bin",
        "{home}/sdk/go*/bin",
        "{home}/.goenv/versions/*/bin",
        "/opt/go*/bin",
        "/usr/local/bin",
        "/usr/bin",
    ),
}
_PROGRAM: Final = re.compile(r"[a-z]+3?(\.\d+)?")
"""What is one, unlike `python3.12-config`."""
_EACH: Final = (
    "/opt/{tool}/*/bin",
    "/opt/{tool}/versions/*/bin",
    "{home}/.local/share/mise/installs/{tool}/*/bin",
    "{home}/.asdf/installs/{tool}/*/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """A machine to look at: `root` is its root directory, `kernels` where versions are that we have installed."""

    environment: Mapping[str, str]
    kernels: Sequence[str] = ()
    root: str = ""

    def on_path(self, name: str) -> str | None:
        """Return the program that is found by this name."""
        return next((path for path in self._named(name) if os.access(path, os.X_OK) and os.path.isfile(path)), None)

    def programs(self, tool: Tool) -> Iterator[tuple[str, bool]]:
        """Return programs that may be the tool's, and whether each is one that we have installed."""
        for directory in self.prepared(tool):
            yield from ((path, True) for path in _programs(tool, directory))
        for directory in dict.fromkeys([*self._path(), *self._elsewhere(tool)]):
            yield from ((path, False) for path in _programs(tool, directory))

    def _named(self, name: str) -> list[str]:
        return [os.path.join(directory, name) for directory in self._path()]

    def _path(self) -> list[str]:
        directories = self.environment.get("PATH", os.defpath).split(os.pathsep)
        return [self.root + directory for directory in directories if directory.startswith("/")]

    def prepared(self, tool: Tool) -> list[str]:
        """Return directories of versions that we have installed."""
        return [path for kernels in self.kernels for path in _directories(f"{kernels}/toolchains/{tool}-*/bin")]

    def _elsewhere(self, tool: Tool) -> list[str]:
        patterns = (*_ELSEWHERE[tool], *_EACH)
        filled = [_filled(pattern, {**self._roots(), "tool": tool}) for pattern in patterns]
        return [path for pattern in filled if pattern for path in _directories(glob.escape(self.root) + pattern)]

    def _roots(self) -> dict[str, str]:
        given = self.environment
        home = given.get("HOME", "")
        below = {"pyenv": ".pyenv", "nvm": ".nvm", "modules": "go/pkg/mod"}
        named = {"pyenv": "PYENV_ROOT", "nvm": "NVM_DIR", "modules": "GOMODCACHE"}
        found = {name: given.get(named[name]) or (f"{home}/{rest}" if home else "") for name, rest in below.items()}
        if given.get("GOPATH") and not given.get("GOMODCACHE"):
            found["modules"] = given["GOPATH"].split(os.pathsep)[0] + "/pkg/mod"
        return {**found, "home": home, "java_home": given.get("JAVA_HOME", "")}


def _filled(pattern: str, known: Mapping[str, str]) -> str:
    """Return a pattern with what is known put in, an empty one where that is nothing."""
    for name, value in known.items():
        if f"{{{name}}}" in pattern:
            pattern = (
                pattern.replace(f"{{{name}}}", glob.escape(value)) if value.startswith("/") or name == "tool" else ""
            )
    return pattern


def _directories(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern))


def _programs(tool: Tool, directory: str) -> Iterator[str]:
    names = [PROGRAMS[tool]]
    if tool == "python":
        names += sorted(os.path.basename(path) for path in glob.glob(f"{glob.escape(directory)}/python3.[0-9]*"))
    for name in names:
        path = f"{directory}/{name}"
        if _PROGRAM.fullmatch(name) and os.path.isfile(path) and os.access(path, os.X_OK):
            yield path
