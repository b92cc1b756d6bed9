"""What scenarios are given: a record, a client, sandboxes in both colours, a folder, further daemons.

All of it waits on the scenario's own loop, under limits: a daemon that hangs while a sandbox is opened has failed the
scenario, and one that hangs while a folder is removed is left alone.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any, Final, cast

import pytest

from code_interpreter import CodeInterpreter, CodeInterpreterSync
from execd_conformance.broken import Broken
from execd_conformance.checks import Checks
from execd_conformance.clock import Clock, Patience, in_thread
from execd_conformance.daemon import Daemons
from execd_conformance.languages import LANGUAGES, Language
from execd_conformance.raw import Raw
from execd_conformance.sdk import Adapted, plain
from execd_conformance.session import Session
from opensandbox import Sandbox, SandboxSync

CHECKS: Final = pytest.StashKey[Checks]()
SESSION: Final = pytest.StashKey[Session]()
PATIENCE: Final = pytest.StashKey[Patience]()

_OPEN_S: Final = 20.0
_CLOSE_S: Final = 20.0
_READY_S: Final = 10.0


@pytest.fixture
def checks(request: pytest.FixtureRequest) -> Checks:
    """The scenario's record."""
    return cast("pytest.Item", request.node).stash[CHECKS]


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Session:
    """What is tested: `url`, `token`, `features`, `version`, `facts`."""
    return request.config.stash[SESSION]


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Iterator[Clock]:
    """The scenario's loop."""
    made = Clock(request.config.stash[PATIENCE])
    yield made
    made.close()


@pytest.fixture
def raw(target: Session, clock: Clock) -> Iterator[Raw]:
    """Plain HTTP to the daemon."""
    made = Raw(target.url, target.token, features=target.features)
    yield made
    _finish(clock, made.aclose(), "closing connections")


@pytest.fixture
def unique() -> str:
    """A name that nothing else has."""
    return f"c{secrets.token_hex(8)}"


@pytest.fixture
def folder(raw: Raw, clock: Clock, unique: str) -> Iterator[str]:
    """A fresh directory inside the sandbox, as an absolute path."""
    name = f"conformance-{unique}"
    make = f'd="${{TMPDIR:-/tmp}}/{name}" && mkdir -m 777 "$d" && cd "$d" && pwd -P'
    ran = clock.run(raw.run(make, timeout_s=_OPEN_S), limit_s=_OPEN_S, what="making a folder")
    path = ran.stdout.strip()
    if not path.endswith(name):
        raise Broken(f"a command was to make a folder and say where, {ran.stdout!r} {ran.stderr!r} came")
    yield path
    _finish(clock, raw.run(f"rm -rf {shlex.quote(path)}", timeout_s=_CLOSE_S), "removing a folder")


@pytest.fixture
def daemons(target: Session) -> Daemons:
    """Starts further daemons with settings of their own."""
    return Daemons(target)


@pytest.fixture(params=sorted(LANGUAGES))
def language(request: pytest.FixtureRequest) -> Language:
    """A language, once each that has a profile; those that the daemon does not serve are skipped."""
    return LANGUAGES[str(request.param)]


@pytest.fixture
def sandbox_async(target: Session, clock: Clock) -> Iterator[Sandbox]:
    """The asynchronous sandbox alone, for what has no synchronous counterpart."""
    opening = Sandbox.connect(target.url, access_token=target.token or "", ready_timeout=_READY_S)
    made = clock.run(opening, limit_s=_OPEN_S, what="Sandbox.connect")
    yield made
    _finish(clock, made.aclose(), "closing a sandbox")


@pytest.fixture
def sandbox_sync(target: Session, clock: Clock) -> Iterator[Sandbox]:
    """The synchronous sandbox alone, used as if it were asynchronous."""
    opening = in_thread(SandboxSync.connect, target.url, access_token=target.token or "", ready_timeout=_READY_S)
    made = clock.run(opening, limit_s=_OPEN_S, what="SandboxSync.connect")
    yield cast("Sandbox", Adapted(made, Sandbox))
    _finish(clock, in_thread(made.close), "closing a sandbox")


@pytest.fixture(params=["async", "sync"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """A sandbox, once in each colour."""
    return cast("Sandbox", request.getfixturevalue(f"sandbox_{request.param}"))


@pytest.fixture
def interpreter(sandbox: Sandbox, clock: Clock) -> CodeInterpreter:
    """A code interpreter over `sandbox`."""
    if isinstance(sandbox, Adapted):
        made = CodeInterpreterSync.create(plain(sandbox))
        return cast("CodeInterpreter", Adapted(made, CodeInterpreter))
    return clock.run(CodeInterpreter.create(sandbox), limit_s=_OPEN_S, what="CodeInterpreter.create")


def _finish(clock: Clock, work: Coroutine[Any, Any, object], what: str) -> None:
    # What was to be seen has been seen; a daemon that fails here fails its scenarios too.
    with suppress(Exception):
        clock.run(work, limit_s=_CLOSE_S, what=what)
