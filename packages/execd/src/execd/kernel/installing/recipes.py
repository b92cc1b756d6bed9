"""How what a kernel needs is made, as data: programs that are run once for each interpreter and state of the sources.

In all texts `{interpreter}` is the program that was found, `{home}` the directory above its `bin` (of Go and Java that
which it really has), `{bin}` that `bin`, `{version}` its version, `{kernels}` the directory to prepare in, `{stamp}`
that of the kernel's sources, `{resources}` where those lie, and `{out}` the directory that is being made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from execd.kernel.specs import TYPESCRIPT_PACKAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package of npm's that is unpacked, and nothing of it run."""

    name: str
    version: str
    integrity: str
    """What npm calls so: the hash of its archive, here that of whom we trust."""
    keep: tuple[str, ...] = ()
    """Patterns of the files that are kept; all if there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a directory is made that a kernel needs."""

    place: str
    """Its path, one of those in `needs` or above them."""
    packages: tuple[Package, ...] = ()
    """What is unpacked in it first."""
    steps: tuple[tuple[str, ...], ...] = ()
    """Programs that are run in a new directory, one after another; it becomes `place` when all have succeeded."""
    finish: tuple[tuple[str, ...], ...] = ()
    """Programs that are run in `place` afterwards, for what keeps its own path in it; each makes its file whole."""
    envs: Mapping[str, str] = field(default_factory=dict)
    asks: tuple[str, ...] = ()
    """Programs that have to be there, such as gcc."""
    limit_s: float = 600


RECIPES: Final[dict[str, Recipe]] = {
    "java": Recipe(
        place="{kernels}/java-{version}-{stamp}",
        steps=(("{interpreter}", "{resources}/java/Prepare.java", "compile", "{resources}/java", "{out}"),),
        finish=(("{interpreter}", "{resources}/java/Prepare.java", "archive", "{kernels}/java-{version}-{stamp}"),),
    ),
    "typescript": Recipe(
        place=f"{{kernels}}/typescript-{TYPESCRIPT_PACKAGE}-node-{{version}}",
        packages=(
            Package(
                name="typescript",
                version=TYPESCRIPT_PACKAGE,
                integrity=(
                    "sha512-jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw=="
                ),
                keep=("lib/typescript.js", "package.json", "LICENSE.txt", "ThirdPartyNoticeText.txt"),
            ),
        ),
        steps=(("{interpreter}", "{resources}/node/prepare_typescript.js", "{out}"),),
    ),
    # One library of all of Go's packages and the worker's: a cell is linked to it, and not with what it needs of them.
    "go": Recipe(
        place="{kernels}/go-{version}-{stamp}",
        steps=(
            ("{interpreter}", "run", "{resources}/go/prepare/main.go", "{out}", "{resources}/go", "{interpreter}"),
            ("rm", "-rf", "{out}/cache"),
        ),
        envs={
            "GOCACHE": "{out}/cache",
            "GOENV": "off",
            "GOFLAGS": "",
            "GOWORK": "off",
            "GO111MODULE": "on",
            "GOPROXY": "off",
            "GOTOOLCHAIN": "local",
            "GOAMD64": "",
            "GOEXPERIMENT": "",
            "CGO_ENABLED": "1",
        },
        asks=("gcc", "ld"),
        limit_s=1200,
    ),
}
"""By kernel; one that is not here needs nothing but its interpreter."""
