"""A real daemon and a context in it, shared by all tests that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from code_interpreter import CodeInterpreterSync
from opensandbox import SandboxSync
from packages.sdk.tests.conftest import RunningDaemon, execd

__all__ = ["execd"]


@pytest.fixture(scope="session")
def shared_context(execd: RunningDaemon) -> Iterator[str]:
    with SandboxSync.connect(execd.url, access_token=execd.token) as sandbox:
        yield CodeInterpreterSync.create(sandbox).codes.create_context("python").context_id
