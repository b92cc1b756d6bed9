"""A machine of nothing but files: directories below a root, and programs that say what they are told to."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from execd.versions.places import Places, Tool
from execd.versions.toolchain import Toolchain, installed


@dataclass
class Machine:
    """`path` is what its PATH holds."""

    root: Path
    path: list[str] = field(default_factory=lambda: ["/usr/local/bin", "/usr/bin"])
    environment: dict[str, str] = field(default_factory=lambda: {"HOME": "/home/u"})

    @property
    def places(self) -> Places:
        environment = {**self.environment, "PATH": ":".join(self.path)}
        return Places(environment=environment, kernels=[str(self.root / "kernels")], root=str(self.root))

    def put(self, path: str, text: str = "#!/bin/sh\nexit 1\n", *, mode: int = 0o755) -> str:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        return str(place)

    def link(self, path: str, target: str) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(self.root / target.lstrip("/"))

    def python(self, path: str, version: str, *, kernel: bool = False, also: Sequence[str] = ("python",)) -> str:
        """Put a Python, which tells its version and whether it has ipykernel."""
        place = self.put(path, f'#!/bin/sh\necho {version} {kernel} "$0"\n')
        for name in also:
            self.link(f"{path.rpartition('/')[0]}/{name}", path)
        return place

    def node(self, path: str, version: str) -> str:
        return self.put(path, f'#!/bin/sh\necho {version} true "$0"\n')

    def java(self, home: str, version: str, *, modules: str = "java.base jdk.compiler jdk.jshell") -> str:
        self.put(f"{home}/release", f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
        return self.put(f"{home}/bin/java")

    def go(self, root: str, version: str) -> str:
        self.put(f"{root}/VERSION", f"go{version}\ntime 2026-01-01T00:00:00Z\n")
        return self.put(f"{root}/bin/go")

    def found(self, tool: Tool) -> list[Toolchain]:
        return asyncio.run(installed(tool, self.places, ask))

    def versions(self, tool: Tool) -> list[str]:
        return [each.version for each in self.found(tool)]


async def ask(programs: Sequence[Sequence[str]], _: Mapping[str, str]) -> list[str]:
    """Run them, as the daemon does."""
    return [_said(argv) for argv in programs]


def _said(argv: Sequence[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    return done.stdout if done.returncode == 0 else ""
