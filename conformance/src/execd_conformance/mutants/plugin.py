"""pytest under the proof: every scenario once per mutant that it is to redden, each in front of that mutant's proxy.

The healthy daemon is one for all; a scenario finds the session of its mutant where it would find the target's.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any, Final

import pytest

from execd_conformance.fixtures import SESSION
from execd_conformance.mutants.catalogue import BY_NAME, scenarios_of
from execd_conformance.mutants.mutant import Making, steady
from execd_conformance.mutants.rewrite import IDENTITY
from execd_conformance.mutants.target import MutatedTarget, Proxies, behind
from execd_conformance.outcome import split

PROPERTY: Final = "execd_conformance_mutant"
HEALTHY: Final = "healthy"
"""Where nothing is rewritten: all must be green."""
_PARAMETER: Final = "mutant"
_PROXIES: Final = pytest.StashKey[Proxies]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which mutants are tried, and on what."""
    group = parser.getgroup("execd-conformance")
    group.addoption("--mutants", default="", help="names, separated by commas")
    group.addoption("--seek", action="store_true", help="try every scenario that is collected on every mutant")


def pytest_configure(config: pytest.Config) -> None:
    """Have a loop for the proxies."""
    config.stash[_PROXIES] = Proxies()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a scenario for every mutant that it is to see, and once without."""
    if metafunc.definition.get_closest_marker("scenario") is None:
        return
    config = metafunc.config
    scenario, _ = split(metafunc.function.__name__)
    chosen = [name for name in config.option.mutants.split(",") if name]
    seeing = [name for name in chosen if config.option.seek or scenario in scenarios_of(BY_NAME[name])]
    if seeing:
        metafunc.fixturenames.append(_PARAMETER)
        metafunc.parametrize(_PARAMETER, [HEALTHY, *seeing])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run no others, and let reports say which mutant they are about."""
    items[:] = [item for item in items if _mutant(item) is not None]
    for item in items:
        item.user_properties.append((PROPERTY, _mutant(item)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Put the mutant's proxy in front of the daemon for as long as the scenario runs."""
    name = _mutant(item)
    if name is None:
        return (yield)
    healthy, proxies = item.config.stash[SESSION], item.config.stash[_PROXIES]
    rewrite = _rewrite(name)
    proxy, place = proxies.open(healthy.place, rewrite)
    item.config.stash[SESSION] = behind(healthy, place, MutatedTarget(healthy.source(), rewrite, proxies))
    try:
        return (yield)
    finally:
        item.config.stash[SESSION] = healthy
        proxies.close(proxy)
        for fault in proxy.faults:
            sys.stderr.write(f"execd-conformance: the mutant {name} is at fault: {fault!r}\n")


def _rewrite(name: str) -> Making:
    return steady(IDENTITY) if name == HEALTHY else BY_NAME[name].rewrite


def _mutant(item: pytest.Item) -> str | None:
    params = getattr(getattr(item, "callspec", None), "params", {})
    name = params.get(_PARAMETER)
    return name if isinstance(name, str) else None
