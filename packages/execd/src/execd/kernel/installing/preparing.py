"""Makes what a kernel needs, by its recipe."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from execd.kernel.installing.archives import check, unpack_package
from execd.kernel.installing.means import Means, Missing
from execd.kernel.installing.node import pack
from execd.kernel.installing.place import becoming, part
from execd.kernel.installing.recipes import Package, Recipe
from execd.kernel.installing.system import apt_install, command_for
from execd.kernel.interpreter import Interpreter
from execd.kernel.spec import RESOURCES, Spec

_INSTEAD: Final = {"npm": "node"}


async def prepare(means: Means, spec: Spec, recipe: Recipe, found: Interpreter) -> str:
    """Make the directory of a recipe, and return its path; raises `Missing`."""
    found = replace(found, kernels=means.kernels)
    home = os.path.dirname(os.path.dirname(os.path.realpath(found.path)))
    known = {"home": home, "bin": f"{home}/bin", "resources": str(RESOURCES)}

    def filled(text: str, out: str) -> str:
        for name, value in {**known, "out": out}.items():
            text = text.replace(f"{{{name}}}", value)
        return found.fill(spec, text)

    async def run(step: tuple[str, ...], out: str) -> None:
        envs = {name: filled(value, out) for name, value in recipe.envs.items()}
        argv = [filled(part, out) for part in step]
        await means.run(argv, directory=out, envs=envs, limit_s=recipe.limit_s)

    for program in recipe.asks:
        if means.which(program) is None:
            await _get(means, program, spec)
    place = filled(recipe.place, "")
    with becoming(place) as out:
        for package in recipe.packages:
            await _get_package(means, package, spec, out)
        for step in recipe.steps:
            await run(step, out)
    for step in recipe.finish:
        await run(step, place)
    absent = [path for needed in spec.needs if not os.path.exists(path := found.fill(spec, needed))]
    if absent:
        raise Missing(f"{absent[0]} was not made: a fault of execd's, or of {found.path}")
    return place


async def _get(means: Means, program: str, spec: Spec) -> None:
    try:
        await apt_install(means, [program])
    except Missing as missing:
        commands = missing.commands or command_for(program)
        raise Missing(f"{spec.language} needs {program}: {missing}", *commands) from None


async def _get_package(means: Means, package: Package, spec: Spec, out: str) -> None:
    try:
        await _unpack(means, package, out)
    except Missing as missing:
        commands = missing.commands or (f"execd kernels install {spec.language}",)
        raise Missing(f"{spec.language} needs {package.name} {package.version}: {missing}", *commands) from None


async def _unpack(means: Means, package: Package, out: str) -> None:
    npm = means.which("npm")
    if npm is None:
        raise Missing(f"there is no npm to fetch {package.name} with", *command_for("node"))
    with part(means.kernels) as scratch:
        archive = await pack(means, npm, f"{package.name}@{package.version}", scratch)
        check(archive, package.integrity)
        unpack_package(archive, out, keep=package.keep)
