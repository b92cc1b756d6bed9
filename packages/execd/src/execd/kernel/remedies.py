"""What is known of published kernels, as data: how they are better started, and what they cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from execd.kernel.spec import RESOURCES, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What to do about one kernel, known by a part of what its kernelspec starts it with."""

    known_by: str
    before: tuple[str, ...] = ()
    """Arguments that come first."""
    without: str | None = None
    """An argument that ends with this is left out."""
    envs: Mapping[str, str] = field(default_factory=dict)
    interrupt: Literal["signal", "message"] | None = None
    limits: tuple[str, ...] = ()


REMEDIES: Final = (
    Remedy(
        known_by="tslab",
        envs={"NODE_OPTIONS": f"--require={RESOURCES / 'batch_tslab.js'}"},
        limits=("results: printed as output", "errors: without name and traceback"),
    ),
    Remedy(
        # Its launcher starts a second Java, whichever is first on PATH, that outlives it.
        known_by="jjava-launcher.jar",
        without="jjava-launcher.jar",
        before=(
            *("--add-opens", "jdk.jshell/jdk.jshell=ALL-UNNAMED"),
            *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        ),
        interrupt="message",
    ),
    Remedy(
        known_by="ijavascript",
        limits=("interrupt: the state is lost", "await: not outside of functions"),
    ),
    Remedy(
        known_by="deno",
        envs={"NO_COLOR": "1"},
        interrupt="message",
        limits=("interrupt: not of what waits", "types: taken away, not checked"),
    ),
)


def remedied(spec: Spec) -> Spec:
    """Return a kernel as it is better started; one of which nothing is known as it is."""
    for each in REMEDIES:
        if any(each.known_by in part for part in spec.argv):
            kept = tuple(part for part in spec.argv[1:] if each.without is None or not part.endswith(each.without))
            return replace(
                spec,
                argv=(spec.argv[0], *(part for part in each.before if part not in kept), *kept),
                envs={**each.envs, **spec.envs},
                interrupt=each.interrupt or spec.interrupt,
                limits=(*spec.limits, *each.limits),
            )
    return spec
