"""Java: Debian's runtime without a desktop, in which the shell and the compiler are."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

from execd.kernel.installing.means import Means, Missing, Obtained
from execd.kernel.installing.pins import JAVA
from execd.kernel.installing.system import apt_candidates, apt_install, apt_update, command_for
from execd.versions.number import parse

_PATTERN: Final = r"^openjdk-[0-9]+-jre-headless$"


async def obtain(means: Means, wish: str | None) -> Obtained:
    """Install a version of Java, and return it; raises `Missing`."""
    if means.which("apt-get") is None:
        raise Missing("java is not here, and only apt-get is known to get it", *command_for("java"))
    majors = await _majors(means)
    if not majors:
        with suppress(Missing):
            await apt_update(means)
        majors = await _majors(means)
    number = parse(wish) if wish else None
    major = str(number[0]) if number else next((each for each in JAVA if each in majors), JAVA[-2])
    if majors and major not in majors:
        there = sorted(majors, key=int)
        message = f"this system's packages have no Java {major}, but {', '.join(there)}"
        raise Missing(message, f"execd kernels install java@{there[-1]}")
    return Obtained(major, await apt_install(means, [f"openjdk-{major}-jre-headless"]))


async def _majors(means: Means) -> set[str]:
    return {re.sub(r"\D", "", name) for name in await apt_candidates(means, _PATTERN)}
