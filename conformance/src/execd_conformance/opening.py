"""Opens a session: starts the daemon that all share, or finds it, and asks what it announces."""

from __future__ import annotations

from collections.abc import Sequence

from execd_conformance import probe
from execd_conformance.checks import shown
from execd_conformance.session import Session
from execd_conformance.targets import Choice, Started, choose
from execd_conformance.targets.local import new_token


def open_session(
    choice: Choice, *, profile: str = "full", only: Sequence[str] = (), wanted: Sequence[str] = ()
) -> tuple[Started, Session]:
    """Return the daemon and what every process of the suite is to know; `Unreachable` where none answers.

    Daemons that are started here get a token of their own.
    """
    target = choose(choice)
    token = choice.token or (new_token() if "start" in target.offers else None)
    started = target.start({}, token=token)
    try:
        version = probe.ask(started.place)
        libraries = probe.has_libraries(started.place) if probe.features(version) else False
    except BaseException:
        closed(started)  # what came first is what is told
        raise
    session = Session(
        choice=choice,
        place=started.place,
        version=version,
        features=probe.features(version),
        offers=target.offers
        | ({"token"} if started.place.token is not None else set())
        | ({"libraries"} if libraries else set()),
        profile=profile,
        only=tuple(only),
        wanted=tuple(wanted),
    )
    return started, session


def closed(started: Started) -> list[str]:
    """End a daemon, and return what went wrong with that: what was found out before is not lost for it."""
    try:
        started.close()
    except Exception as fault:  # noqa: BLE001 - an engine's client raises much
        return [f"the daemon could not be closed: {shown(f'{type(fault).__name__}: {fault}')}"]
    return []
