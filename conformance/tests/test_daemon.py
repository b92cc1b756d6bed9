"""Further daemons of a scenario, and that none is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import cast

import pytest

from execd_conformance.daemon import Daemons
from execd_conformance.session import Session
from execd_conformance.targets import Place, Unreachable


class Slow:
    """A target whose daemon starts when it is let, and the daemon."""

    place = Place(url="http://127.0.0.1:1", token=None)

    def __init__(self) -> None:
        self.may_start = threading.Event()
        self.closed = threading.Event()

    def source(self) -> Slow:
        return self

    def start(self, settings: Mapping[str, str], *, token: str | None) -> Slow:
        assert self.may_start.wait(10)
        return self

    def close(self) -> None:
        self.closed.set()


async def test_one_that_comes_too_late_is_closed() -> None:
    slow = Slow()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), Daemons(cast("Session", slow))():
            pass
    assert not slow.closed.is_set()
    slow.may_start.set()
    assert slow.closed.wait(10)


async def test_one_that_does_not_answer_is_closed() -> None:
    slow = Slow()
    slow.may_start.set()
    with pytest.raises(Unreachable):
        async with Daemons(cast("Session", slow))():
            pass
    assert slow.closed.is_set()
