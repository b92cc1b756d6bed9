"""pytest under the suite: collects scenarios, runs each under its limit, and carries what came of it.

`python -m pytest FILE --target local` in the scenarios' folder works as well as the command does; what a scenario came
to travels in its report's `user_properties`, also from a worker of xdist.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator
from collections.abc import Set as AbstractSet
from typing import Any, Final

import pytest

from execd_conformance import catalogue, outcome
from execd_conformance.checks import PROFILES, Checks, Declared, Status
from execd_conformance.clock import Clock, Patience
from execd_conformance.fixtures import (
    CHECKS,
    PATIENCE,
    SESSION,
    checks,
    clock,
    daemons,
    folder,
    interpreter,
    language,
    raw,
    sandbox,
    sandbox_async,
    sandbox_sync,
    target,
    unique,
)
from execd_conformance.given import Given
from execd_conformance.opening import open_session
from execd_conformance.session import Session
from execd_conformance.targets import Choice, Misused, Started, Unreachable

__all__ = [
    "checks",
    "clock",
    "daemons",
    "folder",
    "interpreter",
    "language",
    "raw",
    "sandbox",
    "sandbox_async",
    "sandbox_sync",
    "target",
    "unique",
]

PROPERTY: Final = "execd_conformance"
_STARTED: Final = pytest.StashKey[Started]()
_OUTCOMES: Final = pytest.StashKey[list[outcome.Outcome]]()
_WORKER_KEY: Final = "execd_conformance_session"


class ChecksFailed(Exception):
    """Checks of a scenario did not pass."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say what is tested."""
    group = parser.getgroup("execd-conformance")
    group.addoption("--target", default=None, help="local, docker:IMAGE or a URL")
    group.addoption("--token", default=None, help="what opens the daemon at a URL")
    group.addoption("--execd", default=None, help="the command of a local target")
    group.addoption("--languages", default="", help="languages that are to be served, the only ones looked at")
    group.addoption("--profile", default="full", choices=PROFILES, help="which scenarios run")


def pytest_configure(config: pytest.Config) -> None:
    """Know the target: from the process that started it, or start it here."""
    config.addinivalue_line("markers", "scenario(declared): what a scenario says about itself")
    config.stash[PATIENCE] = Patience()
    given = next((each for each in config.pluginmanager.get_plugins() if isinstance(each, Given)), None)
    if hasattr(config, "workerinput"):
        config.stash[SESSION] = Session.from_json(config.workerinput[_WORKER_KEY])
    elif given is not None:
        config.stash[SESSION] = given.session
    elif config.option.target is not None:
        option = config.option
        choice = Choice(target=option.target, token=option.token, execd=option.execd)
        try:
            config.stash[_STARTED], config.stash[SESSION] = open_session(
                choice, profile=option.profile, wanted=tuple(filter(None, option.languages.split(",")))
            )
        except (Unreachable, Misused) as fault:
            raise pytest.UsageError(str(fault)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the daemon that was started here."""
    if (started := config.stash.get(_STARTED, None)) is not None:
        started.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the daemon is."""
    node.workerinput[_WORKER_KEY] = node.config.stash[SESSION].to_json()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every scenario its record, and keep those that the session selects."""
    session = config.stash.get(SESSION, None)
    for item in items:
        if (declared := _declared(item)) is not None:
            item.stash[CHECKS] = Checks(declared)
    kept = [item for item in items if session is None or _is_selected(item, session)]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _is_selected(item: pytest.Item, session: Session) -> bool:
    if session.wanted and (_language(item) or session.wanted[0]) not in session.wanted:
        return False
    one = catalogue.of(getattr(item, "obj", None), module=item.path.stem)
    return one is None or bool(catalogue.selected([one], profile=session.profile, only=session.only))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Run nothing that the target cannot give or the daemon does not announce."""
    declared = _declared(item)
    if declared is None:
        return
    session = item.config.stash.get(SESSION, None)
    if session is None:
        raise pytest.UsageError("say what is tested: --target local, docker:IMAGE or a URL")
    if lacking := declared.needs - session.offers:
        _settle(item, "left out", f"needs {_and(lacking)} of the target")
    elif lacking := declared.features - session.features:
        _settle(item, "skipped", f"the daemon does not announce {_and(lacking)}")
    elif (language := _language(item)) is not None:
        _require_language(item, language, session)


def _require_language(item: pytest.Item, language: str, session: Session) -> None:
    if language not in session.languages:
        _settle(item, "failed" if session.wanted else "skipped", f"the daemon does not serve {language}")


def _language(item: pytest.Item) -> str | None:
    variant = getattr(item, "callspec", None)
    return None if variant is None else variant.params.get("language")


def _settle(item: pytest.Item, status: Status, why: str) -> None:
    item.stash[_OUTCOMES] = list(outcome.of_all(item.name, item.stash[CHECKS], status, why))
    if status == "failed":
        pytest.fail(why, pytrace=False)
    pytest.skip(f"{status}: {why}")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a scenario on its loop, under its limit; raise what it came to, for pytest's own report."""
    declared = _declared(pyfuncitem)
    if declared is None or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    loop = pyfuncitem.funcargs["clock"]
    assert isinstance(loop, Clock)  # noqa: S101 - every scenario has one: pytest_itemcollected
    wanted = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    loop.run(pyfuncitem.obj(**wanted), limit_s=declared.limit_s, what="the scenario")
    return True


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give every scenario a loop, also one that asks for nothing."""
    if _declared(item) is not None and isinstance(item, pytest.Function) and "clock" not in item.fixturenames:
        item.fixturenames.insert(0, "clock")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Judge what a scenario recorded once it has ended, however it did."""
    stopped: BaseException | None = None
    try:
        result = yield
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException as fault:  # noqa: BLE001 - judged below; a cancellation that leaked has stopped it as well
        stopped, result = fault, None
    if _declared(item) is None:
        if stopped is not None:
            raise stopped
        return result
    _judge(item, stopped)
    return result


def _judge(item: pytest.Item, stopped: BaseException | None) -> None:
    came = outcome.settle(item.name, item.stash[CHECKS], outcome.told(stopped) if stopped is not None else None)
    item.stash[_OUTCOMES] = came
    bad = [each for each in came if each.status != "passed"]
    if bad:
        lines = [f"{each.requirement or 'the scenario'} {each.status}: {each.saw}" for each in bad]
        raise ChecksFailed("\n".join(lines)) from stopped


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put a scenario's outcomes into its last report; what stopped its setup has failed it."""
    report = yield
    if _declared(item) is None:
        return report
    if call.when == "setup" and call.excinfo is not None and item.stash.get(_OUTCOMES, None) is None:
        fault = call.excinfo.value
        status: Status = "error" if isinstance(fault, pytest.FixtureLookupError) else "failed"
        item.stash[_OUTCOMES] = list(outcome.of_all(item.name, item.stash[CHECKS], status, outcome.told(fault)))
    if call.when != "teardown":
        any_passed = any(each.status == "passed" for each in item.stash.get(_OUTCOMES, []))
        item.config.stash[PATIENCE].learn(waited_s=call.duration, came=any_passed)
    else:
        came = [each.as_dict() for each in item.stash.get(_OUTCOMES, [])]
        report.user_properties.append((PROPERTY, came))
    return report


def _declared(item: pytest.Item) -> Declared | None:
    mark = item.get_closest_marker("scenario")
    return mark.args[0] if mark is not None and mark.args and isinstance(mark.args[0], Declared) else None


def _and(names: AbstractSet[str]) -> str:
    return " and ".join(sorted(names))
