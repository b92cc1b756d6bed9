"""What is tested: something that daemons come from, one to hold the suite against and, where it can, further ones.

A target holds no state: each process of the suite makes its own from the same `Choice`, and only one of them starts the
daemon that all share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Unreachable(Exception):
    """There is no daemon to test; one line says why."""


class Misused(Exception):
    """The command line makes no sense; one line says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the command line says of the target."""

    target: str
    """`local`, `docker:IMAGE`, or a URL."""
    token: str | None = None
    execd: str | None = None
    """The command `execd` that a local target runs; without it, `python -m execd` of this interpreter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a daemon answers."""

    url: str
    """`http://host:port`, without a slash at the end."""
    token: str | None
    facts: Mapping[str, str] = field(default_factory=dict)
    """What a scenario with `needs` may know: local: `pid`, `root` (where commands start), `state_dir`; docker:
    `container` (its id), `network`. What everybody may know, but nobody need: `home`."""


class Started(Protocol):
    """A daemon that the suite has started. All of it blocks; scenarios see it through `Daemon`."""

    @property
    def place(self) -> Place:
        """Where it answers."""

    def terminate(self) -> None:
        """Ask it to end, as an operator would."""

    def kill(self) -> None:
        """End it without asking."""

    def wait(self, limit_s: float) -> int:
        """Wait for its end and return its exit status; `TimeoutError` after the limit."""

    def log(self) -> str:
        """Return what it has logged so far."""

    def close(self) -> None:
        """End it if it lives, with all that it left, and remove what was made for it; twice does no harm."""


class Target(Protocol):
    """Where daemons come from."""

    offers: frozenset[str]
    """Which of `checks.NEEDS` it gives."""

    def start(self, settings: Mapping[str, str], *, token: str | None) -> Started:
        """Start a daemon with these EXECD_* variables and wait until it takes work.

        One that ends instead is returned too, if `refusing` is what the caller expects; otherwise `Unreachable`.
        """

    def refused(self, settings: Mapping[str, str], *, token: str | None) -> tuple[int, str]:
        """Start a daemon that is expected to end at once; return its exit status and its log.

        `Unreachable` if it goes on.
        """


def variables(settings: Mapping[str, object]) -> dict[str, str]:
    """Return keyword arguments as EXECD_* variables.

    >>> variables({"heartbeat_s": 1, "insecure": True, "allow_host": ["a", "b"]})
    {'EXECD_HEARTBEAT_S': '1', 'EXECD_INSECURE': '1', 'EXECD_ALLOW_HOST': 'a,b'}
    """
    return {f"EXECD_{name.upper()}": _written(value) for name, value in settings.items()}


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def choose(choice: Choice) -> Target:
    """Return the target that was asked for; `Misused` where there is no such thing."""
    # Each brings its own libraries, and most runs want one of them.
    from execd_conformance.targets.local import LocalTarget  # noqa: PLC0415
    from execd_conformance.targets.url import UrlTarget  # noqa: PLC0415

    if choice.target == "local":
        return LocalTarget(execd=choice.execd)
    if choice.target.startswith("docker:"):
        from execd_conformance.targets.docker import DockerTarget  # noqa: PLC0415

        return DockerTarget(choice.target.removeprefix("docker:"))
    return UrlTarget(choice.target)
